"""The machine below a rater: addresses, data folder, disk, the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tollspan_rater.config.model import is_loopback, split_address
from tollspan_rater.doctor.finding import Finding, ok, problem, warning
from tollspan_rater.doctor.setup import Setup
from tollspan_rater.store.folder import Folder

DOORS: Final = ("grpc", "http", "api")
SLOW_FSYNC_S: Final = 0.1  # a request's answer waits for at least one of these
ROOM: Final = 4  # times the floor below which senders are refused


def addresses(setup: Setup) -> Iterator[Finding]:
    """Look whether each address is free, or the rater's."""
    for door in DOORS:
        address = getattr(setup.resolved.config.listen, door)
        if setup.served:
            yield ok(f"listen.{door} {address}: the rater's")
        elif split_address(address)[1] == 0 or setup.probe.can_listen(address):
            yield ok(f"listen.{door} {address}: free")
        else:
            yield problem(
                f"listen.{door} {address}: another program listens there",
                f"Stop that program, or set listen.{door} to a free port.",
            )


def guards(setup: Setup) -> Iterator[Finding]:
    """Look whether what other machines reach is guarded and cannot be overheard, and what a wrong key costs."""
    config = setup.resolved.config
    open_doors = [door for door in DOORS if not is_loopback(getattr(config.listen, door))]
    if not open_doors:
        yield ok("only this machine reaches the rater")
    elif config.tls.cert_file is None:
        yield warning(
            f"other machines reach listen.{', listen.'.join(open_doors)} without TLS: keys and usage can be overheard",
            "Set tls.cert_file and tls.key_file, or let nobody else onto that network.",
        )
    else:
        yield ok("what other machines reach is encrypted and asks for a key or a certificate")
    if config.auth.on_failure == "reject":
        yield warning(
            "auth.on_failure is reject: a mistyped key makes senders throw their data away",
            "Set auth.on_failure to retry, so that such a sender waits.",
        )


def settings(setup: Setup) -> Iterator[Finding]:
    """Look whether the serving rater has what is given here by file, environment or flag."""
    read = setup.read
    if read is None:
        yield ok("no server has others than are read here")
        return
    here, there = read.values(), setup.resolved.values()
    other = [key for key in here if read.sources[key] != "default" and here[key] != there[key] and key != "data"]
    if other:
        yield warning(
            f"the serving rater has another {', '.join(other)} than is given here",
            "Restart it with these settings, or give this command those of the rater (--config).",
        )
    else:
        yield ok("the serving rater has all that is given here")


def data_folder(setup: Setup) -> Iterator[Finding]:
    """Look whether the folder is there, whole, writable and private."""
    path = setup.resolved.config.data
    if not path.exists():
        if setup.probe.is_writable(path):
            yield ok(f"{path}: not there yet; the first start makes it")
        else:
            yield problem(f"{path}: cannot be made here", "Give another folder with --data, or the right to write.")
        return
    if Folder(path).unfinished_restore.exists():
        yield problem(f"{path}: a restore was cut off", "Empty the folder and restore again.")
    if not setup.probe.is_writable(path):
        yield problem(f"{path}: this user may not write to it", "Run tollspan as the user who owns the folder.")
    elif setup.probe.others_may(path):
        yield warning(f"{path}: other users may look into it", f"chmod 700 {path}")
    else:
        yield ok(f"{path}: writable, and private")
    if setup.door is None:
        yield problem(f"{path}: cannot be opened: {setup.silence}", "Do what the message says.")


def disk(setup: Setup) -> Iterator[Finding]:
    """Look whether there is room, and whether what is written becomes durable in good time."""
    path, floor = setup.resolved.config.data, int(setup.resolved.config.pressure.min_free_disk)
    free = setup.probe.free_bytes(path)
    said = f"{free / 2**30:.1f} GiB are free; below {floor / 2**30:.1f} GiB senders are told to come again"
    if free < floor:
        yield problem(said, "Free space; take a snapshot to let old journal days go: tollspan snapshot")
    elif free < ROOM * floor:
        yield warning(said, "Free space soon.")
    else:
        yield ok(said)
    if path.exists():
        yield _durability(setup.probe.fsync_seconds(path))


def _durability(seconds: float | None) -> Finding:
    if seconds is None:
        return problem("the disk refused to write a small file", "Free space, or repair the disk.")
    said = f"a small file was durable after {seconds * 1000:.1f} ms"
    if seconds > SLOW_FSYNC_S:
        return warning(said, "Use a faster disk: every acknowledgement waits for it.")
    return ok(said)
