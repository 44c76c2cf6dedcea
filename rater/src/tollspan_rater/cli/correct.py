"""``tollspan correct``: void, amend, re-attribute and restore calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tollspan_rater.cli.figures import shown
from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.sending import execute
from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import Receipt

Command = Callable[..., None]


@click.group(cls=Group)
def correct() -> None:
    """Void, amend or re-attribute calls; nothing is edited, and everything can be taken back."""


correct.add_command(asking("corrections.list"))


def _why(command: Command) -> Command:
    """Add the options of every correction."""
    command = click.option("--dry-run", is_flag=True, help="Only print what would change.")(command)
    command = click.option("--key", help="Sent again with this key, it is the same correction.")(command)
    return click.option("--note", required=True, help="Why, for whoever reads the history.")(command)


def _which(command: Command) -> Command:
    """Add what names calls: their ids, a file, or filters and a span of time."""
    for option in (
        click.option("--unattributed", is_flag=True, help="All calls without a customer."),
        click.option("--where", metavar="NAME=VALUE", multiple=True, help="All calls with this; may be repeated."),
        click.option("--to", metavar="DAY", help="Last day or instant of calls, excluded."),
        click.option("--from", "since", metavar="DAY", help="First day or instant of calls, included."),
        click.option(
            "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A .csv or .jsonl file with call_id and what to set for each.",
        ),
        click.argument("call_ids", nargs=-1, metavar="[CALL_ID]..."),
    ):  # fmt: skip
        command = option(command)
    return command


@correct.command(
    "void",
    help="Take calls out of every sum and bill.\n\n"
    + example("tollspan correct void c_fa25f9ab8a52bbb4a58d5e1c --note 'load test'"),
)
@_which
@_why
@click.pass_context
def void(context: click.Context, /, **given: Any) -> None:
    """Send ``call.void``."""
    _send(context, "call.void", _named(given), given)


@correct.command(
    "amend",
    help="Change provider, model, outcome, service_tier, started_at or meters of calls.\n\n"
    + example("tollspan correct amend c_fa25f9ab8a52bbb4a58d5e1c --set output=180 --note 'provider statement'"),
)
@_which
@click.option("--set", "values", metavar="NAME=VALUE", multiple=True, help="What to set; an empty value is unknown.")
@_why
@click.pass_context
def amend(context: click.Context, /, values: Sequence[str], **given: Any) -> None:
    """Send ``call.amend``."""
    _send(context, "call.amend", {**_named(given), **_set(values)}, given)


@correct.command(
    "reattribute",
    help="Attribute calls to another customer, feature or other key.\n\n"
    + example("tollspan correct reattribute --unattributed --from 2026-11-01 --set customer=acme --note 'old SDK'"),
)
@_which
@click.option("--set", "values", metavar="KEY=VALUE", multiple=True, help="What to set; an empty value is nobody.")
@_why
@click.pass_context
def reattribute(context: click.Context, /, values: Sequence[str], **given: Any) -> None:
    """Send ``call.reattribute``."""
    _send(context, "call.reattribute", {**_named(given), **_set(values)}, given)


@correct.command(
    "restore",
    help="Take back a whole correction, or whatever holds for some calls.\n\n"
    + example("tollspan correct restore --correction cr_3743ed8472d32f9a4f824f45 --note 'wrong month'"),
)
@click.argument("call_ids", nargs=-1, metavar="[CALL_ID]...")
@click.option("--correction", help="The correction that is taken back for all its calls.")
@_why
@click.pass_context
def restore(context: click.Context, /, call_ids: Sequence[str], correction: str | None, **given: Any) -> None:
    """Send ``call.restore``."""
    named = {"calls": list(call_ids) or None, "correction": correction}
    _send(context, "call.restore", {name: value for name, value in named.items() if value is not None}, given)


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return which calls a command line names."""
    named: dict[str, Any] = {"from": given["since"], "to": given["to"], "filters": _pairs(given["where"])}
    named |= {"calls": list(given["call_ids"]), "unattributed": given["unattributed"] or None}
    if given["file"]:
        named |= _in_file(given["file"])
    return {name: value for name, value in named.items() if value}


def _in_file(path: Path) -> dict[str, Any]:
    """Return the calls of a file, with what to set for each if any row says that."""
    from tollspan_rater.cli.row_file import read_rows

    rows = read_rows(path)
    for line, row in rows:
        if "call_id" not in row:
            raise UsageError(f"{path}:{line}: this row has no call_id; name it in a column or field call_id")
    each = [{"call": row.pop("call_id"), "set": row} for _, row in rows]
    return {"each": each} if any(one["set"] for one in each) else {"calls": [one["call"] for one in each]}


def _set(values: Sequence[str]) -> dict[str, Any]:
    return {"set": _pairs(values)} if values else {}


def _pairs(values: Sequence[str]) -> dict[str, str]:
    parted = [value.partition("=") for value in values]
    for name, equals, _ in parted:
        if not equals or not name:
            raise UsageError(f"{name!r} says no value: write NAME=VALUE")
    return {name: value for name, _, value in parted}


def _send(context: click.Context, kind: str, body: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    why = {"note": given["note"], "key": given["key"], "dry_run": given["dry_run"] or None}
    receipt = execute(context, kind, {**body, **{name: value for name, value in why.items() if value is not None}})
    show(context, _differences(receipt))


def _differences(receipt: Receipt) -> Answer:
    """Lay out what a correction changed: a row for each customer and meter."""
    from tollspan_rater.query.revisions import BY_CUSTOMER

    said = receipt.body
    title = f"Correction {said['correction']}" if said["booked"] else "What the correction would change"
    details = {name: value for name, value in said.items() if name != "differences"}
    return Answer(title, BY_CUSTOMER, said["differences"], receipt.position, notes=list(_notes(said)), details=details)


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    yield f"calls corrected: {shown(said['calls_corrected'])}; already so: {shown(said['calls_unchanged'])}"
    if not said["booked"]:
        yield "nothing was booked; without --dry-run it is"
