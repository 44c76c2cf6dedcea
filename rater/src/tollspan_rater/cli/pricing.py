"""Commands on rate cards and plans: ``pricing check|show|apply``."""

from __future__ import annotations

from pathlib import Path

import click

from tollspan_rater.cli.door import backend
from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.sending import send
from tollspan_rater.errors import UsageError

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(cls=Group)
def pricing() -> None:
    """Check, show and apply rate cards and plans."""


pricing.add_command(asking("pricing.show"))


@pricing.command(
    "check",
    help="Validate a folder of rate cards and plans; exit 1 on findings. Needs no data folder.\n\n"
    + example("tollspan pricing check pricing/"),
)
@click.argument("folder", type=_FOLDER)
@click.pass_context
def check(context: click.Context, folder: Path) -> None:
    """Hand the folder's texts to the validator."""
    show(context, backend(context).check_pricing(texts(folder)))


@pricing.command(
    "apply",
    help="Apply a folder of rate cards and plans as a new, immutable version.\n\n"
    + example("tollspan pricing apply pricing/ --from 2026-12-01 --note 'winter prices'"),
)
@click.argument("folder", type=_FOLDER)
@click.option("--from", "valid_from", metavar="DAY", help="First day on which it holds; default ever since.")
@click.option("--note", default="", help="Why; kept with the version.")
@click.pass_context
def apply(context: click.Context, folder: Path, valid_from: str | None, note: str) -> None:
    """Send ``pricing.apply`` with the folder's texts."""
    when = {} if valid_from is None else {"valid_from": valid_from}
    send(context, "pricing.apply", {"files": texts(folder), "note": note, **when})


def texts(folder: Path) -> dict[str, str]:
    """Return the YAML files of a folder and below as ``{path within it: text}``.

    Raises:
        UsageError: there is none, or one is not UTF-8.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"} and path.is_file())
    if not found:
        raise UsageError(f"{folder} holds no .yaml file; tollspan init writes an example folder pricing/")
    return {path.relative_to(folder).as_posix(): _text(path) for path in found}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is not UTF-8 at byte {error.start}; save it as UTF-8") from error
