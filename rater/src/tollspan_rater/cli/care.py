"""Commands that look after a data folder: quarantine, rebuild, snapshot, backup, restore, forget."""

from __future__ import annotations

from pathlib import Path

import click

from tollspan_rater.cli.door import backend, resolved
from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.sending import send, show_receipt
from tollspan_rater.errors import UsageError


@click.group(cls=Group)
def quarantine() -> None:
    """List, show and replay pieces that could not be read."""


quarantine.add_command(asking("quarantine.list"))
quarantine.add_command(asking("quarantine.show"))


@quarantine.command(
    "replay",
    help="Read quarantined pieces again: one, all of one reason, or everything.\n\n"
    + example("tollspan quarantine replay --reason future"),
)
@click.argument("id", required=False)
@click.option("--reason", help="All pieces kept aside for this reason.")
@click.option("--all", "everything", is_flag=True, help="Every piece.")
@click.pass_context
def replay(context: click.Context, id: str | None, reason: str | None, everything: bool) -> None:  # noqa: A002, FBT001 - the names are the user's: ID and --all
    """Send ``quarantine.replay`` for what was named."""
    if sum((id is not None, reason is not None, everything)) != 1:
        raise UsageError("quarantine replay needs exactly one of: ID, --reason, --all")
    named = {"id": id, "reason": reason}
    send(context, "quarantine.replay", {name: value for name, value in named.items() if value is not None})


@click.command(
    help="Build the store again: newest verified snapshot and the journal after it.\n\n" + example("tollspan rebuild")
)
@click.pass_context
def rebuild(context: click.Context) -> None:
    """Send ``rebuild``."""
    send(context, "rebuild", {})


@click.command(
    help="Write a verified snapshot; journal days that it covers, but for the current one, are then deleted.\n\n"
    + example("tollspan snapshot --keep-journal")
)
@click.option("--keep-journal", is_flag=True, help="Delete no journal day.")
@click.pass_context
def snapshot(context: click.Context, keep_journal: bool) -> None:  # noqa: FBT001 - click hands over a flag
    """Send ``snapshot``."""
    send(context, "snapshot", {"keep_journal": True} if keep_journal else {})


@click.command(
    help="Write a backup of the data folder, also while a server runs.\n\n"
    + example("tollspan backup /backups/2026-11-30")
)
@click.argument("to", type=click.Path(path_type=Path))
@click.pass_context
def backup(context: click.Context, to: Path) -> None:
    """Send ``backup`` with an absolute path, for the server may stand elsewhere."""
    send(context, "backup", {"to": str(to.absolute())})


@click.command(
    help="Fill an empty data folder from a backup.\n\n"
    + example("tollspan restore /backups/2026-11-30 --data restored")
)
@click.argument("source", metavar="BACKUP", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def restore(context: click.Context, source: Path) -> None:
    """Restore without opening the folder, for there is nothing in it yet."""
    receipt = backend(context).restore(resolved(context), source.absolute())
    show_receipt(context, "Restored", receipt)


@click.command(
    help="Remove a person's or customer's name for good; every total stays.\n\n" + example("tollspan forget user-4711")
)
@click.argument("subject")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def forget(context: click.Context, subject: str, yes: bool) -> None:  # noqa: FBT001 - click hands over a flag
    """Ask once more, for this cannot be taken back, then send ``forget``."""
    if not yes:
        click.confirm(f"Forget the name of {subject!r}? This cannot be undone.", abort=True, err=True)
    send(context, "forget", {"subject": subject})
