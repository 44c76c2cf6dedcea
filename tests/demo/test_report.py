from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tollspan_rater.demo import report
from tollspan_rater.demo.comparison import Check, by_customer
from tollspan_rater.demo.scenario import Scenario, scenario
from tollspan_rater.demo.sending import Sent
from tollspan_rater.demo.stage import Delivery, Outcome
from tollspan_rater.query.answer import Answer, Cell

NOW = 1_795_251_600_000_000_000
PLANNED = scenario((), 400, 14, 1, NOW)
EQUAL, OFF = Check("calls", 12_345, 12_345), Check("input tokens", 7, 8)


def outcome(*checks: Check, audit_ok: bool = True) -> Outcome:
    """Every customer owes $1.50, and costs $0.25 if it made calls."""
    usage: list[dict[str, Cell]] = [
        {"customer": name, "calls": n.calls, "input_tokens": n.input, "output_tokens": n.output, "cost": "0.25",
         "charge": str(n.calls)}
        for name, n in by_customer(PLANNED.calls).items()
    ]  # fmt: skip
    equation: dict[str, Cell] = {"equation": "a = b", "left": 1, "right": 1, "holds": True, "terms": ""}
    details = {name: {"totals": {"USD": "1.50"}} for name in PLANNED.plan_of}
    return Outcome(
        Answer("Usage", ("customer",), usage, 7),
        Answer("Audit", ("equation",), [equation], 7, ok=audit_ok),
        {"2026-11": Answer("Invoices", (), [], 7, details=details)},
        checks,
    )


def printed(thing: object) -> str:
    out = StringIO()
    Console(file=out, width=report.WIDTH).print(thing)
    return out.getvalue()


def test_the_ten_largest_bills_the_others_and_all_add_up() -> None:
    lines = [line.split() for line in printed(report.bills_table(PLANNED, outcome(EQUAL))).splitlines() if line.strip()]
    assert len(lines) == 1 + 2 + 10 + 1 + 1
    customers = len(by_customer(PLANNED.calls))
    said = lines[-1]
    assert said[0] == "all"
    assert said[1] == f"{len(PLANNED.calls):,}"
    assert said[-3:] == ["21.00", f"{customers / 4:.2f}", f"{21 - customers / 4:.2f}"]
    assert lines[-2][:2] == ["4", "others"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (outcome(EQUAL), "Nothing lost"),
        (outcome(EQUAL, OFF), "DIFFERENT: input tokens"),
        (outcome(EQUAL, audit_ok=False), "DIFFERENT: an equation of the audit does not hold"),
    ],
)
def test_the_verdict_names_what_differs(found: Outcome, said: str) -> None:
    assert report.verdict(found).startswith(said)
    assert found.ok == said.startswith("Nothing")


def test_numbers_stand_side_by_side() -> None:
    lines = [line.split() for line in printed(report.checks_table([EQUAL, OFF])).splitlines()]
    assert ["calls", "12,345", "12,345", "yes"] in lines
    assert ["input", "tokens", "7", "8", "NO"] in lines


@pytest.mark.parametrize(
    ("traced", "sdk_calls", "said"),
    [
        (False, 40, "40 calls were made with the real OpenAI and Anthropic SDKs; "),
        (False, None, "No SDK calls: pip install 'tollspan-rater[demo]'"),
        (True, 0, "no SDK calls, so that its totals stand alone"),
    ],
)
def test_it_says_which_calls_are_which(*, traced: bool, sdk_calls: int | None, said: str) -> None:
    made = Scenario(1, PLANNED.customers, PLANNED.calls, {}, traced)
    assert said in report.opening(made, sdk_calls)
    assert f"{len(PLANNED.calls):,} generated records" in report.opening(made, sdk_calls)


def test_it_says_how_the_sending_went() -> None:
    sent = Sent(requests=9, acknowledged=1_500, copies=300, retries=4)
    said = report.sending(Delivery(sent, killed_after=812, restart_s=1.25, seconds=3.0))
    assert "9 requests in 3.0 s, 300 spans twice" in said
    assert "after 812 acknowledged spans; it was back in 1.2 s; 4 attempts" in said


def test_the_next_commands_name_the_folder_and_the_largest_customer() -> None:
    assert "tollspan demo --keep" in report.closing(outcome(EQUAL), None)[0]
    counts = by_customer(PLANNED.calls)
    largest = max(counts, key=lambda name: counts[name].calls)
    assert f"tollspan invoice {largest} --data {Path('kept')} --period 2026-11" in "\n".join(
        report.closing(outcome(EQUAL), "kept")
    )
