"""What the demo prints: the bills, the audit, the comparison, and what to try next."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tollspan_rater.demo.comparison import CURRENCY, Check, money
from tollspan_rater.demo.scenario import Scenario
from tollspan_rater.demo.stage import Delivery, Outcome
from tollspan_rater.query.answer import Answer

TOP: Final = 10
WIDTH: Final = 120  # without a terminal
COLUMNS: Final = ("customer", "plan", "calls", "input", "output", f"bill {CURRENCY}", "cost", "margin")


def console() -> Console:
    """Return where to print; without a terminal no colours and a fixed width."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def bills_table(scenario: Scenario, outcome: Outcome) -> Table:
    """Lay out the bill, cost and margin of the customers with the largest bills, and of all."""
    rows = sorted(_bill_rows(scenario, outcome), key=lambda row: (-row[5], row[0]))
    table = _table("Bills", COLUMNS, numeric=COLUMNS[2:])
    for row in rows[:TOP]:
        table.add_row(*_cells(row))
    if rows[TOP:]:
        table.add_row(*_cells((f"{len(rows) - TOP} others", "", *_sums(rows[TOP:]))))
    table.add_section()
    table.add_row(*_cells(("all", "", *_sums(rows))), style="bold")
    return table


_Row = tuple[Any, ...]  # customer, plan, calls, input, output, then bill, cost and margin as fractions


def _bill_rows(scenario: Scenario, outcome: Outcome) -> list[_Row]:
    usage = {row["customer"]: row for row in outcome.usage.rows}
    found = []
    for name, plan in scenario.plan_of.items():
        counts = [int(str(usage.get(name, {}).get(key) or 0)) for key in ("calls", "input_tokens", "output_tokens")]
        details: list[Any] = [answer.details.get(name, {}) for answer in outcome.invoices.values()]
        bill = sum((Fraction(one.get("totals", {}).get(CURRENCY, "0")) for one in details), Fraction(0))
        spent = Fraction(str(usage.get(name, {}).get("cost") or 0))
        found.append((name, plan, *counts, bill, spent, bill - spent))
    return found


def _sums(rows: Iterable[_Row]) -> list[Any]:
    return [sum(column) for column in zip(*(row[2:] for row in rows), strict=True)]


def _cells(row: Sequence[Any]) -> list[str]:
    return [*map(str, row[:2]), *(f"{count:,}" for count in row[2:5]), *(money(Fraction(value)) for value in row[5:])]


def audit_table(audit: Answer) -> Table:
    """Lay out the equations with both sides."""
    table = _table("Audit", ("equation", "left", "right", "holds", "terms"), numeric=("left", "right"))
    for row in audit.rows:
        cells = [row["equation"], row["left"], row["right"], "yes" if row["holds"] else "NO", row["terms"]]
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))
    return table


def checks_table(checks: Sequence[Check]) -> Table:
    """Lay out what the generator counted beside what tollspan answers."""
    table = _table(
        "Held against the generator", ("number", "generator", "tollspan", "equal"), ("generator", "tollspan")
    )
    for check in checks:
        cells = (check.what, _shown(check.counted), _shown(check.answered), "yes" if check.equal else "NO")
        table.add_row(*map(Text, cells), style=None if check.equal else "bold red")
    return table


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(title: str, columns: Sequence[str], numeric: Sequence[str]) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, justify="right" if name in numeric else "left", no_wrap=name in numeric)
    return table


def opening(scenario: Scenario, sdk_calls: int | None) -> str:
    """Say which calls are which."""
    records = f"{len(scenario.calls):,} generated records go through the instrumentation's record path"
    if scenario.from_trace:
        return f"{records}, with the times and tokens of the trace; no SDK calls, so that its totals stand alone."
    if sdk_calls is None:
        return f"{records}. No SDK calls: pip install 'tollspan-rater[demo]' adds some with the real SDKs."
    return f"{sdk_calls} calls were made with the real OpenAI and Anthropic SDKs; {records}."


def sending(delivery: Delivery) -> str:
    """Say how the sending went."""
    sent = delivery.sent
    return (
        f"Sent {sent.requests:,} requests in {delivery.seconds:.1f} s, {sent.copies:,} spans twice and out of order on "
        f"purpose. Killed the rater with SIGKILL after {delivery.killed_after:,} acknowledged spans; it was back "
        f"in {delivery.restart_s:.1f} s; {sent.retries:,} attempts were repeated until acknowledged."
    )


def verdict(outcome: Outcome) -> str:
    """Say whether all is equal."""
    different = [check.what for check in outcome.checks if not check.equal]
    if outcome.ok:
        return "Nothing lost, nothing counted twice, every bill equal to the last digit."
    return f"DIFFERENT: {', '.join(different) or 'an equation of the audit does not hold'}"


def closing(outcome: Outcome, kept: str | None) -> list[str]:
    """Say where the data is and what to try next."""
    month = max(outcome.invoices)
    largest = str(max(outcome.usage.rows, key=lambda row: Fraction(str(row["charge"] or 0)))["customer"])
    if kept is None:
        return ["The data was temporary. To keep it and look around: tollspan demo --keep demo-data"]
    return [
        f"The data is in {kept}. Try next:",
        f"  tollspan usage --data {kept} --by model,feature --sort cost",
        f"  tollspan invoice {largest} --data {kept} --period {month}",
        f"  tollspan calls --data {kept} --customer {largest} --limit 20",
        f"  tollspan audit --data {kept} --full",
    ]
