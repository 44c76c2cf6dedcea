"""The way to the answers: a running server if one owns the folder, else the folder itself."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import click

from tollspan_rater.cli.frame import wishes
from tollspan_rater.errors import FolderBusyError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import RaterDoor, Receipt
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.run_file import read_run_file

if TYPE_CHECKING:
    from tollspan_rater.api.client import HttpDoor
    from tollspan_rater.config.model import Config
    from tollspan_rater.config.sources import Resolved


class Backend(Protocol):
    """What the commands need of ``tollspan_rater.server.backend``."""

    def serve(self, resolved: Resolved, /) -> None:
        """Serve until SIGTERM or SIGINT; print the ready line; write and remove ``run.json``."""
        ...

    def open_folder(self, resolved: Resolved, /) -> AbstractContextManager[RaterDoor]:
        """Own the data folder, catch up with its journal, and answer; wait up to 10 s for another owner.

        Raises:
            FolderBusyError: another process kept it.
        """
        ...

    def restore(self, resolved: Resolved, backup: Path, /) -> Receipt:
        """Fill the empty data folder from a backup; the receipt has the last journal position in it.

        Raises:
            TollspanError: the folder is not empty, or the backup is not whole.
        """
        ...

    def check_pricing(self, files: Mapping[str, str], /) -> Answer:
        """Validate rate cards and plans, ``{file name: text}``, without a store; ``ok`` False on findings."""
        ...


def backend(context: click.Context) -> Backend:
    """Return what does the work: the context's object if one was given, else ``tollspan_rater.server.backend``."""
    given = context.find_root().obj
    return cast("Backend", given or import_module("tollspan_rater.server.backend"))


def resolved(context: click.Context, **flags: object) -> Resolved:
    """Return the configuration in force for a command line; ``flags`` are further keys, ``None`` not given."""
    from tollspan_rater.config.sources import resolve

    wished = wishes(context)
    more = {name.replace("__", "."): value for name, value in flags.items() if value is not None}
    return resolve({**wished.flags, **more}, os.environ, Path.cwd(), wished.config)


@contextmanager
def open_door(context: click.Context) -> Iterator[tuple[RaterDoor, Config]]:
    """Open the way to the answers for one command."""
    settings = resolved(context)
    with ExitStack() as stack:
        server = running(settings.config.data)
        rater = stack.enter_context(server) if server else _own(stack, backend(context), settings)
        yield rater, settings.config


def _own(stack: ExitStack, server: Backend, settings: Resolved) -> RaterDoor:
    """Own the folder; when another process took it first, ask that one, if it has come up as a server by now."""
    try:
        return stack.enter_context(server.open_folder(settings))
    except FolderBusyError:
        owner = running(settings.config.data)
        if owner is None:
            raise
        return stack.enter_context(owner)


def running(folder: Path) -> HttpDoor | None:
    """Return a door to the server that owns a folder, or ``None`` when none answers there.

    ``run.json`` alone proves nothing, a kill leaves it behind: the process must live, and what answers at
    the address must be that process.
    """
    found = read_run_file(Folder(folder))
    if found is None:
        return None
    from tollspan_rater.api.client import HttpDoor

    door = HttpDoor.of(found)
    if door.pid() == found.pid:
        return door
    door.close()
    return None


def actor() -> str:
    """Return who commands, as the journal notes it: the user of the operating system."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a container may run under a number without a name
        return f"cli:{os.getuid()}"
