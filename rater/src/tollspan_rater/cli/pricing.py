"""Commands on rate cards and plans: ``pricing check|schema|show|diff|simulate|apply``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tollspan_rater.cli.door import actor, backend, open_door
from tollspan_rater.cli.formats import Part, print_parts, show, show_parts
from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.pricing_simulate import command as simulate
from tollspan_rater.cli.questions import asking, given, parameter
from tollspan_rater.cli.sending import show_receipt
from tollspan_rater.config.pricing_folder import read_folder
from tollspan_rater.query.commands import checked, command
from tollspan_rater.query.questions import question

if TYPE_CHECKING:
    from tollspan_rater.query.answer import Answer
    from tollspan_rater.query.rater import RaterDoor

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_DIFF: Final = question("pricing.diff")
_PARTS: Final = (
    Part("price", "Prices", ("document", "name", "change", "was", "is")),
    Part("bill", "Bills", ("customer", "period", "change", "was", "is", "difference", "currency", "why")),
    Part("line", "Lines that cause it", ("customer", "period", "name", "change", "was", "is", "difference")),
    Part("unpriced", "Usage without a price", ("customer", "period", "name", "was", "is", "why")),
)


@click.group(cls=Group)
def pricing() -> None:
    """Check, compare, simulate and apply rate cards and plans."""


pricing.add_command(asking("pricing.show"))
pricing.add_command(simulate)


@pricing.command(
    "check",
    help="Validate a folder of rate cards and plans; exit 1 on findings. Needs no data folder.\n\n"
    + example("tollspan pricing check pricing/"),
)
@click.argument("folder", type=FOLDER)
@click.pass_context
def check(context: click.Context, folder: Path) -> None:
    """Hand the folder's texts to the validator."""
    show(context, backend(context).check_pricing(read_folder(folder)))


@pricing.command(
    "schema",
    help="Print the JSON Schema of pricing files, for editors. Needs no data folder.\n\n"
    + example("tollspan pricing schema"),
)
def schema() -> None:
    """Print the schema of one document."""
    from tollspan_rater.pricing.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@click.pass_context
def _diff(context: click.Context, /, folder: Path, **values: Any) -> None:
    with open_door(context) as (rater, config):
        answer = compared(rater, config.tenant, read_folder(folder), **values)
    show_parts(context, answer, _PARTS)


pricing.add_command(
    click.Command(
        "diff",
        callback=_diff,
        params=[
            click.Argument(["folder"], type=FOLDER),
            *(parameter(param) for param in _DIFF.params if param.kind != "json"),
        ],
        help=f"{_DIFF.help}\n\nWith --from on a past day, the bills since then; otherwise one period as if the prices "
        "had held in all of it. Exit codes as of diff: 0 nothing changes, 1 something does, 2 cannot be used.\n\n"
        + example(_DIFF.example),
        short_help="What a folder would change, for whom, in money",
    )
)


@pricing.command(
    "apply",
    help="Apply a folder of rate cards and plans as a new, immutable version.\n\nThe first version holds since ever, "
    "a later one from today on, unless --from says otherwise. When bills of usage that is already there would "
    "change, the difference is shown first, and you are asked. Unchanged prices are not applied again.\n\n"
    + example("tollspan pricing apply pricing/ --from 2026-12-01 --note 'winter prices'"),
)
@click.argument("folder", type=FOLDER)
@click.option("--from", "valid_from", metavar="DAY", help="First day on which it holds.")
@click.option("--note", default="", help="Why; kept with the version.")
@click.option("--yes", is_flag=True, help="Do not ask, also when bills of the past change.")
@click.pass_context
def apply(context: click.Context, folder: Path, valid_from: str | None, note: str, yes: bool) -> None:  # noqa: FBT001 - click hands over a flag
    """Show what a backdated version changes, then send ``pricing.apply`` with the folder's texts."""
    files = read_folder(folder)
    with open_door(context) as (rater, config):
        applied = rater.ask("pricing.show", {}, tenant=config.tenant)
        today = str(applied.details["today"])
        since = valid_from or (today if applied.rows else None)
        body = checked("pricing.apply", {"files": files, "note": note} | ({"valid_from": since} if since else {}))
        if applied.rows and not yes and body["valid_from"] <= today:
            _ask_first(context, compared(rater, config.tenant, files, **{"from": body["valid_from"]}))
        receipt = rater.execute("pricing.apply", body, tenant=config.tenant, actor=actor())
    show_receipt(context, command("pricing.apply").help, receipt)


def compared(rater: RaterDoor, tenant: str, files: dict[str, str], **values: Any) -> Answer:
    """Ask what a folder would change; ``values`` are the question's other parameters as click gives them."""
    wanted = dict.fromkeys((param.name for param in _DIFF.params), None) | values | {"files": json.dumps(files)}
    return rater.ask(_DIFF.name, _DIFF.read(given(_DIFF, wanted)), tenant=tenant)


def _ask_first(context: click.Context, difference: Answer) -> None:
    """Show what a version changes of bills that are already there, and ask; say nothing when it is nothing."""
    if any(row["part"] in {"bill", "unpriced"} for row in difference.rows):
        print_parts(context, difference, _PARTS, err=True)
        click.confirm("This changes bills of usage that is already there. Apply it?", abort=True, err=True)
