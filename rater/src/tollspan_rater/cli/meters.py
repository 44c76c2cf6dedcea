"""Commands on span-to-meter rules: ``meters check|show|built-in|apply``."""

from __future__ import annotations

from pathlib import Path

import click

from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.sending import send
from tollspan_rater.errors import UsageError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=Group)
def meters() -> None:
    """Count units of meters from spans: check, show and apply rules."""


meters.add_command(asking("meters.show"))


@meters.command(
    "check",
    help="Validate a file of rules; exit 1 on findings. Needs no data folder.\n\n"
    + example("tollspan meters check meters.yaml"),
)
@click.argument("file", type=_FILE)
@click.pass_context
def check(context: click.Context, file: Path) -> None:
    """Print every finding by line."""
    from tollspan_rater.query.meters import checked_rules

    show(context, checked_rules(file.name, _text(file)))


@meters.command("built-in", help="The rules that built_in takes in.\n\n" + example("tollspan meters built-in"))
@click.pass_context
def built_in(context: click.Context) -> None:
    """Print the built-in rules of this release."""
    from tollspan_rater.query.meters import built_in_rules

    show(context, built_in_rules())


@meters.command(
    "apply",
    help="Apply a file of rules to the spans that come from now on.\n\n"
    + example("tollspan meters apply meters.yaml --note 'count tool calls'"),
)
@click.argument("file", type=_FILE)
@click.option("--note", default="", help="Why; kept with the version.")
@click.pass_context
def apply(context: click.Context, file: Path, note: str) -> None:
    """Send ``meters.apply`` with the file's text."""
    send(context, "meters.apply", {"file": _text(file), "name": file.name, "note": note})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is not UTF-8 at byte {error.start}; save it as UTF-8") from error
