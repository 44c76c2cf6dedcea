"""The command ``doctor``: look at a set-up and say what to do."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

import click

from tollspan_rater.cli.door import backend, resolved, running
from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import example
from tollspan_rater.errors import TollspanError

if TYPE_CHECKING:
    from tollspan_rater.config.sources import Resolved
    from tollspan_rater.doctor.setup import CollectorPlace, Setup
    from tollspan_rater.query.rater import RaterDoor

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
BRIEF: Final = ("check", "state", "found", "what_to_do")


@click.command(
    help="Look at the whole set-up, say what is wrong and what to do; exit 1 on a problem.\n\n"
    "Addresses, data folder, disk, keys, the serving rater, the Collector with its configuration and queue, traces, "
    "prices, attribution, clocks, audit. Nothing is changed. With --app: the side of an application, by the variables "
    "of this environment.\n\n" + example("tollspan doctor --collector-config collector.yaml")
)
@click.option("--app", is_flag=True, help="Look at an application's environment instead.")
@click.option(
    "--collector",
    metavar="URL",
    help="The Collector's health check; default http://127.0.0.1:13133.",
)
@click.option(
    "--collector-metrics",
    metavar="URL",
    help="The Collector's own metrics; default http://127.0.0.1:8888/metrics.",
)
@click.option(
    "--collector-config",
    "configs",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="A configuration of the Collector to look at; may be repeated, as its own --config.",
)
@click.option("--key-file", type=_FILE, metavar="FILE", help="A file with the key that a sender uses, to check it.")
@click.pass_context
def doctor(
    context: click.Context,
    app: bool,  # noqa: FBT001 - click's flag
    collector: str | None,
    collector_metrics: str | None,
    configs: tuple[Path, ...],
    key_file: Path | None,
) -> None:  # fmt: skip
    """Examine, print, exit 1 when there is a problem."""
    from tollspan_rater.doctor.examine import examine, examine_application
    from tollspan_rater.doctor.finding import answer

    if app:
        show(context, answer(list(examine_application(os.environ)), "UTC", 0), BRIEF)
        return
    with ExitStack() as stack:
        setup = _opened(context, stack)
        key = None if key_file is None else key_file.read_text(encoding="utf-8", errors="replace")
        setup = replace(setup, key=key, collector=_place(collector, collector_metrics, configs))
        found = list(examine(setup))
        show(context, answer(found, setup.resolved.config.zone, setup.position()), BRIEF)


def _place(health: str | None, metrics: str | None, configs: tuple[Path, ...]) -> CollectorPlace:
    from tollspan_rater.doctor.collector_file import read
    from tollspan_rater.doctor.setup import HEALTH, METRICS, CollectorPlace

    config = read(configs, os.environ) if configs else None
    return CollectorPlace(health or HEALTH, metrics or METRICS, config, meant=health is not None)


def _opened(context: click.Context, stack: ExitStack) -> Setup:
    """Ask the server on the folder, else the folder itself; a folder that is not there stays so."""
    from tollspan_rater.doctor.probe import Machine
    from tollspan_rater.doctor.samples import Samples
    from tollspan_rater.doctor.setup import Setup

    settings = resolved(context)
    setup = Setup(settings, Machine(), time_ns())
    server = running(settings.config.data)
    if server is not None:
        door = stack.enter_context(server)
        try:
            scraped = Samples(door.metrics(settings.config.tenant))
        except (TollspanError, ValueError):
            scraped = None
        in_force = _in_force(door, settings)
        return replace(setup, resolved=in_force, read=settings, door=door, served=True, scraped=scraped)
    if not settings.config.data.exists():
        return setup
    try:
        return replace(setup, door=stack.enter_context(backend(context).open_folder(settings)))
    except TollspanError as error:
        return replace(setup, silence=str(error))


def _in_force(door: RaterDoor, read: Resolved) -> Resolved:
    """Return the settings of the server; of one that does not tell them, those that are read here."""
    from tollspan_rater.config.sources import resolve

    try:
        shown = door.ask("config.show", {}, tenant=read.config.tenant)
        values = {str(row["key"]): row["value"] for row in shown.rows if row["value"] is not None}
        return resolve({**values, "data": read.config.data, "tenant": read.config.tenant}, {}, read.config.data)
    except TollspanError:  # also where it is of another release, with keys that this one does not know
        return read
