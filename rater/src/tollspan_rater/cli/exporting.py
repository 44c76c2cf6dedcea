"""Commands on exports: check, plan, run, status, items, retry, pause, resume, reconcile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import click
import orjson

from tollspan_rater.cli.door import actor, open_door
from tollspan_rater.cli.formats import printable, show
from tollspan_rater.cli.frame import example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.sending import execute, send
from tollspan_rater.export.waiting import Waiting
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.commands import checked
from tollspan_rater.query.rater import Receipt

Command = Callable[[str, Mapping[str, Any]], Receipt]
NOW_S: Final = 60  # seconds in which what waits is tried at once
STEP_S: Final = 2  # seconds of one step of a run, between two looks at the bar
_KEPT: Final = ("what", "name", "why", "drafts", "on_purpose")
_ELEMENTS: Final = ("item_id", "customer", "service", "meter", "quantity", "amount", "currency", "element")

check, status, items, reconcile = map(asking, ("export.check", "export.status", "export.items", "export.reconcile"))


def _spanning(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that narrow a plan down to some time."""
    for option in (
        click.option("--period", metavar="PERIOD", help="Only this billing period, for example 2026-11."),
        click.option("--to", metavar="DAY", help="Only what was used or billed before this day."),
        click.option("--from", "since", metavar="DAY", help="Only what was used or billed since this day."),
    ):
        command = option(command)
    return command


@click.command(
    help="Plan what an export has to tell now; nothing is sent.\n\n"
    + example("tollspan export plan billing --period 2026-10 --dry-run")
)
@click.argument("export")
@_spanning
@click.option("--dry-run", is_flag=True, help="Only print what would be sent, in the target's words.")
@click.pass_context
def plan(context: click.Context, /, export: str, dry_run: bool, **span: str | None) -> None:  # noqa: FBT001 - click hands over a flag
    """Send ``export.plan`` and list what stays back."""
    body = {**_asked(export, span), **({"dry_run": True} if dry_run else {})}
    receipt = execute(context, "export.plan", body)
    show(context, _elements(receipt) if dry_run else _kept(receipt), quiet=("quantity", "amount", "currency"))


@click.command(
    help="Plan what an export has to tell now, and send what is due. Exit 1 when anything is rejected or held, or the "
    "target takes nothing.\n\n" + example("tollspan export run billing")
)
@click.argument("export")
@_spanning
@click.option("--no-plan", is_flag=True, help="Only send what was planned before.")
@click.pass_context
def run(context: click.Context, /, export: str, no_plan: bool, **span: str | None) -> None:  # noqa: FBT001 - click hands over a flag
    """Send ``export.plan``, then ``export.run`` step by step, with a bar on a terminal."""
    with _commands(context) as command:
        planned = None if no_plan else command("export.plan", _asked(export, span))
        receipt = _steps(command, export)
    show(context, _ran(export, planned, receipt), quiet=("superseded",))


@click.command(
    help="Plan rejected items anew and send them, with all that waits after a try in vain. With --item or --code, only "
    "plan these. Or say what you found of an item without an answer.\n\n"
    + example("tollspan export retry billing --code no_meter")
)
@click.argument("export")
@click.option("--item", metavar="ITEM", help="Only this item.")
@click.option("--code", metavar="CODE", help="Only items that were rejected with this code.")
@click.option("--present", is_flag=True, help="The target has this item: I looked.")
@click.option("--absent", is_flag=True, help="The target has not got this item, I looked: it is sent again.")
@click.option("--external-id", metavar="ID", help="With --present: what the target calls it.")
@click.option("--dry-run", is_flag=True, help="Only print what would be planned.")
@click.pass_context
def retry(context: click.Context, /, export: str, **given: Any) -> None:
    """Send ``export.retry`` and, for all items, ``export.run`` step by step."""
    body = {"export": export, **{name: value for name, value in given.items() if value}}
    if given["present"] or given["absent"]:
        send(context, "export.retry", body)
    elif len(body) > 1:
        show(context, _kept(execute(context, "export.retry", body)))
    else:
        with _commands(context) as command:
            planned = command("export.retry", body)
            receipt = _steps(command, export, now=True)
        show(context, _ran(export, planned, receipt), quiet=("superseded",))


def _switch(verb: str, text: str) -> click.Command:
    @click.command(verb, help=f"{text}\n\n" + example(f"tollspan export {verb} billing --note 'new account there'"))
    @click.argument("export")
    @click.option("--note", default="", help="Why, for whoever reads the history.")
    @click.pass_context
    def change(context: click.Context, /, export: str, note: str) -> None:
        send(context, f"export.{verb}", {"export": export, "note": note})

    return change


pause = _switch("pause", "Stop an export from sending; it is planned as before.")
resume = _switch("resume", "Let a paused export send again.")


@contextmanager
def _commands(context: click.Context) -> Iterator[Command]:
    """Give what executes several commands at one rater."""
    with open_door(context) as (rater, config):

        def command(kind: str, body: Mapping[str, Any]) -> Receipt:
            return rater.execute(kind, checked(kind, body), tenant=config.tenant, actor=actor())

        yield command


def _asked(export: str, span: Mapping[str, str | None]) -> dict[str, Any]:
    named = {"from": span["since"], "to": span["to"], "period": span["period"]}
    return {"export": export, **{name: value for name, value in named.items() if value is not None}}


def _steps(command: Command, export: str, *, now: bool = False) -> Receipt:
    """Run until nothing is due any more; the receipt adds up what all steps did.

    What waits is tried ``now`` by the first step alone, a longer one, so that nothing is tried over and over.
    """
    sums: dict[str, int] = {}
    body: dict[str, Any] = {"export": export, **({"seconds": NOW_S, "now": True} if now else {"seconds": STEP_S})}
    with _bar(export) as tell:
        while True:
            receipt = command("export.run", body)
            body = {"export": export, "seconds": STEP_S}
            for name, value in receipt.body.items():
                if isinstance(value, int) and name not in {"more", "next_ns", "later", "to_plan"}:
                    sums[name] = sums.get(name, 0) + value
            tell(receipt.body["items"])
            if not receipt.body["more"]:
                return Receipt(receipt.position, {**receipt.body, **sums})


@contextmanager
def _bar(export: str) -> Iterator[Callable[[Mapping[str, int]], None]]:
    """Show a bar on a terminal; what is piped holds none of it."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(printable(export), total=None)

        def tell(standing: Mapping[str, int]) -> None:
            left = standing["waiting"] + standing["sent"]
            done = sum(standing.values()) - left
            progress.update(task, total=left + done, completed=done)

        yield tell


def _ran(export: str, planned: Receipt | None, receipt: Receipt) -> Answer:
    said = receipt.body
    row: dict[str, Cell] = {"export": export, "planned": planned.body["planned"] if planned else None, **said["items"]}
    waits = Waiting(**said["waits"]) if said.get("waits") else None
    notes = [
        f"requests: {said['requests']}; accepted: {said['accepted']}",
        *(_plan_notes(planned.body) if planned else ()),
        *_run_notes(export, said, waits),
    ]
    ok = not (said["halted"] or said["why"] or waits or said["items"]["rejected"] or said["items"]["held"])
    return Answer(f"Export {export}", tuple(row), [row], receipt.position, notes=notes, ok=ok)


def _run_notes(export: str, said: Mapping[str, Any], waits: Waiting | None) -> Iterator[str]:
    """Say what a run left open, and why."""
    later = said["later"] - (waits.items if waits else 0)
    if later > 0:
        yield f"waiting for their time: {later}; run again, or let serve do it by its schedule"
    if waits:
        yield waits.note(export)
    if said["to_plan"]:
        yield f"too old for the target: {said['to_plan']}; the next plan sees to them"
    if said["halted"]:
        yield f"it ended early: {said['halted']}"
    elif said["why"] and not waits:
        yield f"the last request came to nothing, the next run repeats it: {said['why']}"
    for state, hint in (("rejected", "retry"), ("held", "retry --item")):
        if said["items"][state]:
            yield f"{state}: {said['items'][state]}; tollspan export items {export} --state {state}, then {hint}"


def _kept(receipt: Receipt) -> Answer:
    """Lay out what a plan kept back."""
    rows = receipt.body["kept_back"]
    return Answer("Kept back", _KEPT, rows, receipt.position, notes=_plan_notes(receipt.body))


def _elements(receipt: Receipt) -> Answer:
    """Lay out what would be sent: a row for each item, with its element as JSON."""
    rows: list[dict[str, Cell]] = [
        {
            "item_id": one["item_id"],
            "customer": one["draft"]["customer"],
            "service": one["draft"]["service"]["label"],
            **{name: one["draft"][name] for name in ("meter", "quantity", "amount", "currency")},
            "element": orjson.dumps(one["element"]).decode(),
        }
        for one in receipt.body["elements"]
    ]
    return Answer("What would be sent", _ELEMENTS, rows, receipt.position, notes=_plan_notes(receipt.body))


def _plan_notes(said: Mapping[str, Any]) -> list[str]:
    found = [f"items {'that would be ' if said.get('dry_run') else ''}planned: {said['planned']}"]
    found += said.get("nothing", ())
    if said["superseded"]:
        found.append(f"given up for new ones: {said['superseded']}")
    kept = sum(one["drafts"] for one in said["kept_back"] if not one["on_purpose"])
    if kept:
        found.append(f"kept back: {kept}; tollspan export check lists them and says why")
    found += [f"carried: {one['value']} {one['meter']} of {one['customer']}" for one in said["carried"]]
    if said["unattributed_calls"]:
        found.append(f"calls without a customer, handed over to nobody: {said['unattributed_calls']}")
    return found
