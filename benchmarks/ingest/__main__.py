"""``python -m benchmarks.ingest``: prints one table of the rater beside its floors, and where the time goes."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ingest import spans as made
from benchmarks.ingest.append import decode_and_append
from benchmarks.ingest.history import history
from benchmarks.ingest.processes import RaterServer, Server, bytes_below, echo, rater, send
from benchmarks.ingest.spans import Load
from benchmarks.ingest.stages import stages

FULL, QUICK = 1_000_000, 50_000
SIZES = (512, 50)
PROBE_S = 0.25
WARM = 10_240
Rows = Iterator[tuple[str, ...]]


def main() -> None:
    """Measure and print; nothing is asserted."""
    options = _options()
    spans = options.spans or (QUICK if options.quick else FULL)
    attributes, size = made.example()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs ({platform.machine()}), "
          f"Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f} at the start")  # fmt: skip
    print(f"{spans:,} spans of {size} bytes with {attributes} attributes, each its own trace; 8 clients, one machine\n")
    print("| what | spans/s | ratio | p50 ms | p99 ms | CPU µs/span |\n|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="tollspan-bench-") as folder:
        for per_request in SIZES:
            for row in _of_size(spans, per_request, Path(folder) / str(per_request)):
                print(f"| {' | '.join(row)} |", flush=True)
    _print_history(quick=options.quick)
    spent = stages(Load(20_480, 512, 3, _first_ns()))
    total = sum(spent.values())
    print("\nCPU µs a span, one thread: "
          + ", ".join(f"{name} {one:.1f} ({one / total:.0%})" for name, one in spent.items())
          + f"; together {total:.0f}")  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--spans", type=int, help=f"spans of each run; default {FULL:,}")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} spans, and no history of 10 million")
    return parser.parse_args()


def _first_ns() -> int:
    return time.time_ns() - 1_800 * 1_000_000_000


def _of_size(spans: int, per_request: int, folder: Path) -> Rows:
    """Measure floors and rater with requests of one size; gives the table's rows as they come."""
    folder.mkdir()
    load = Load(spans, per_request, 1, _first_ns())
    with echo() as server:
        yield _row(f"{per_request} a request: gRPC echo", *_sent(server, load))
    with echo(folder / "synced") as server:
        synced, cells = _sent(server, load)
        yield _row("echo + one fsync a request", synced, cells)
    few = min(spans, 10 * QUICK)
    seconds, cpu = decode_and_append(Load(few, per_request, 1, _first_ns()).requests(), folder / "floor.duckdb")
    floor = few / seconds
    yield ("decode + append, in process", f"{floor:,.0f}", "", "", "", f"{cpu / few * 1e6:.0f}")
    yield from _rater(load, folder / "data", synced, floor)


def _row(name: str, rate: float, cells: tuple[str, ...]) -> tuple[str, ...]:
    return (name, f"{rate:,.0f}", "", *cells)


def _sent(server: Server, load: Load) -> tuple[float, tuple[str, ...]]:
    cpu = server.cpu_s()
    sent = send(server.target, load)
    used = (server.cpu_s() - cpu) / load.spans * 1e6
    return sent.per_second, (f"{sent.p50_ms:.1f}", f"{sent.p99_ms:.1f}", f"{used:.1f}")


def _rater(load: Load, folder: Path, synced: float, floor: float) -> Rows:
    with rater(folder) as server:
        _warm(server, load)
        before, cpu, begin = server.position(), server.cpu_s(), time.perf_counter()
        sent = send(server.target, load)
        position = before + sent.requests
        preparing = time.perf_counter() - begin - sent.seconds
        while server.position() < position:
            time.sleep(0.02)
        visible = load.spans / (time.perf_counter() - begin - preparing)
        used = (server.cpu_s() - cpu) / load.spans * 1e6
        yield ("rater, acknowledged and durable", f"{sent.per_second:,.0f}", f"{sent.per_second / synced:.2f} of fsync",
               f"{sent.p50_ms:.1f}", f"{sent.p99_ms:.1f}", "")  # fmt: skip
        yield ("rater, visible", f"{visible:,.0f}", f"{visible / floor:.2f} of append", "", "", f"{used:.0f}")
        yield from _at_half(server, load, visible / 2)
    sizes = [bytes_below(folder / part) / (WARM + load.spans + _half(load)) for part in ("journal", "store")]
    yield ("bytes a span", f"journal {sizes[0]:.0f}", f"store {sizes[1]:.0f}", "", "", "")


def _warm(server: RaterServer, load: Load) -> None:
    """Have the rater start what it starts under load, before the clock runs."""
    sent = send(server.target, Load(WARM, load.per_request, load.seed + 2, load.first_ns))
    while server.position() < sent.requests:
        time.sleep(PROBE_S)


def _half(load: Load) -> int:
    return load.spans // 4


def _at_half(server: RaterServer, load: Load, rate: float) -> Rows:
    """Send at half of the visible rate and keep asking how long an answer takes that includes all that is durable."""
    waits: list[float] = []
    done = threading.Event()

    def probe() -> None:
        while not done.wait(PROBE_S):
            begin = time.perf_counter()
            server.position()
            waits.append(time.perf_counter() - begin)

    prober = threading.Thread(target=probe)
    prober.start()
    sent = send(server.target, Load(_half(load), load.per_request, load.seed + 1, load.first_ns), rate)
    done.set()
    prober.join()
    yield ("rater at half of that", f"{sent.per_second:,.0f}", "", f"{sent.p50_ms:.1f}", f"{sent.p99_ms:.1f}", "")
    waits.sort()
    yield ("until visible, at half", "", "", f"{statistics.median(waits) * 1e3:.0f}",
           f"{waits[int(len(waits) * 0.99)] * 1e3:.0f}", "")  # fmt: skip


def _print_history(*, quick: bool) -> None:
    sizes = (100_000, 1_000_000) if quick else (100_000, 1_000_000, 10_000_000)
    batches = ((100, 20), (20_000, 2))
    found = history(sizes, batches, _first_ns())
    print("\n| CPU µs a span | " + " | ".join(f"{size / 1e6:g} M stored" for size in sizes) + " | last to first |")
    print("|---" * (len(sizes) + 2) + "|")
    for spans, _ in batches:
        costs = [found[spans, size] for size in sizes]
        print(f"| batches of {spans:,} | {' | '.join(f'{cost:.0f}' for cost in costs)} | {costs[-1] / costs[0]:.2f} |")


main()
