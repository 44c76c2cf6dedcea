"""A panel of every board shows the numbers that the demo's own plan gives, counted here without the query layer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from tests.dashboards.conftest import Served
from tests.dashboards.prometheus import PrometheusProcess
from tests.dashboards.test_boards import answered, panels
from tollspan_rater.demo.prices import documents
from tollspan_rater.demo.records import identity
from tollspan_rater.demo.reference import bills
from tollspan_rater.demo.traffic import MS_NS, PlannedCall


def shown(demo: Served, title: str, board: str = "") -> list[dict[str, Any]]:
    """Return the rows of the panel of a title, on the one board that has it or on a named one."""
    [target] = [panel["targets"][0] for uid, panel in panels() if panel["title"] == title and board in {"", uid}]
    return answered(demo, target)


def grouped(calls: Iterable[PlannedCall], by: Callable[[PlannedCall], Any]) -> dict[Any, list[PlannedCall]]:
    groups: dict[Any, list[PlannedCall]] = defaultdict(list)
    for call in calls:
        groups[by(call)].append(call)
    return dict(groups)


def exact(demo: Served) -> dict[str, Fraction]:
    """What each customer owes, by the second program, which shares no code with the rater."""
    owed: dict[str, Fraction] = defaultdict(Fraction)
    for (customer, _), bill in bills(demo.planned.calls, demo.planned.plan_of, documents(demo.planned.pricing)).items():
        owed[customer] += bill.exact
    return dict(owed)


def test_overview_the_calls_and_tokens_of_heavy_users(demo: Served) -> None:
    rows = {
        row["customer"]: (row["calls"], row["input_tokens"], row["output_tokens"]) for row in shown(demo, "Heavy users")
    }
    assert rows == {
        customer: (len(calls), sum(call.input or 0 for call in calls), sum(call.output or 0 for call in calls))
        for customer, calls in grouped(demo.planned.calls, lambda call: call.customer).items()
    }


def test_overview_revenue_is_what_the_second_program_bills(demo: Served) -> None:
    rows = shown(demo, "Margin by customer, with base fees of whole periods")
    revenue = {row["customer"]: Fraction(row["revenue"] or 0) for row in rows}
    assert {name: amount for name, amount in revenue.items() if amount} == {
        name: amount for name, amount in exact(demo).items() if amount
    }


def test_overview_revenue_this_month_of_prometheus(prometheus: PrometheusProcess, demo: Served) -> None:
    [told] = prometheus.query("tollspan:revenue:sum")
    assert told["metric"]["currency"] == "USD"
    assert float(told["value"][1]) == pytest.approx(float(sum(exact(demo).values())), rel=1e-12)


def test_overview_margin_this_month_of_prometheus(prometheus: PrometheusProcess, demo: Served) -> None:
    """Every cost of the demo is known, and every customer with revenue has a margin."""
    [told] = prometheus.query("tollspan:margin:sum")
    cost = sum(Fraction(row["cost"]) for row in shown(demo, "Heavy users") if row["customer"] in billed(demo))
    assert told["metric"]["currency"] == "USD"
    assert float(told["value"][1]) == pytest.approx(float(sum(exact(demo).values()) - cost), rel=1e-12)


def billed(demo: Served) -> set[str]:
    return {
        row["customer"] for row in shown(demo, "Margin by customer, with base fees of whole periods") if row["margin"]
    }


def test_customer_the_running_bill(demo: Served) -> None:
    customer = str(demo.call["customer"])
    of_customer = [call for call in demo.planned.calls if call.customer == customer]
    [bill] = bills(of_customer, {customer: demo.planned.plan_of[customer]}, documents(demo.planned.pricing)).values()
    amounts = [Fraction(row["amount"]) for row in shown(demo, "The running bill, to the last digit")]
    assert sum(amounts, Fraction(0)) == bill.rounded


def rank(values: Iterable[int | None], part: str) -> int | None:
    """Return the nearest rank of the known values."""
    known = sorted(value for value in values if value is not None)
    return known[ceil(Decimal(part) * len(known)) - 1] if known else None


@pytest.mark.parametrize(
    ("title", "columns", "by"),
    [
        ("Latency of models", ("provider", "model"), lambda call: (call.provider, call.model)),
        ("Latency of features", ("feature",), lambda call: (call.feature,)),
        ("Latency of prompt versions", ("prompt", "prompt_version"), lambda call: (call.feature, call.prompt_version)),
    ],
)
def test_models_quantiles_of_latency(
    demo: Served, title: str, columns: tuple[str, ...], by: Callable[[PlannedCall], Any]
) -> None:
    complete = [call for call in demo.planned.calls if call.outcome == "complete"]
    assert {tuple(row[name] for name in columns): figures(row) for row in shown(demo, title)} == {
        key: {
            "calls": len(calls),
            **{f"ttft_ms_{name}": rank((call.ttft_ms for call in calls), part) for name, part in PARTS.items()},
            **{f"duration_ms_{name}": rank(map(lasted_ms, calls), part) for name, part in PARTS.items()},
            "unknown_ttft": 0,
            "unknown_duration": 0,
        }
        for key, calls in grouped(complete, by).items()
    }


PARTS = {"p50": "0.5", "p95": "0.95"}


def lasted_ms(call: PlannedCall) -> int:
    return (call.end_ns - call.start_ns) // MS_NS


def figures(row: dict[str, Any]) -> dict[str, Any]:
    left_out = ("provider", "model", "feature", "prompt", "prompt_version", "output_tokens_per_second_p50")
    return {name: value for name, value in row.items() if name not in left_out}


def test_models_duration_by_length_of_output(demo: Served) -> None:
    complete = [call for call in demo.planned.calls if call.outcome == "complete"]
    classes = grouped(complete, lambda call: (call.output or 0).bit_length())
    assert shown(demo, "Duration against output tokens, by length class") == [
        {
            "output_tokens_p50": rank((call.output for call in calls), "0.5"),
            **{f"duration_ms_{name}": rank(map(lasted_ms, calls), part) for name, part in PARTS.items()},
        }
        for _bits, calls in sorted(classes.items(), reverse=True)
    ]


def test_traces_each_listed_call_is_the_planned_one_of_its_trace(demo: Served) -> None:
    calls = {call.number: call for call in demo.planned.calls}
    attempts = grouped(calls.values(), lambda call: call.number if call.retry_of is None else call.retry_of)
    planned = {
        identity(calls[first], demo.planned.seed, None).trace_id: Counter(map(seen, made))
        for first, made in attempts.items()
    }
    rows = [panel for panel in shown(demo, "Calls", "tollspan-traces") if panel["customer"]]
    assert len(rows) == 200
    for row in rows:
        taken = planned[row["trace_ids.0"]]
        as_seen = (
            row["customer"],
            row["model"],
            row["input_tokens"],
            row["output_tokens"],
            row["ttft_ms"],
            row["duration_ms"],
        )
        assert taken[as_seen] == 1


def seen(call: PlannedCall) -> tuple[Any, ...]:
    model = call.model
    return (call.customer, model, call.input, call.output, call.ttft_ms, lasted_ms(call))


def test_pipeline_the_fates_of_what_was_sent(prometheus: PrometheusProcess, demo: Served) -> None:
    pieces = {each["metric"]["fate"]: int(each["value"][1]) for each in prometheus.query("tollspan_pieces")}
    copies = sum(request.copies for request in demo.sent)
    assert copies > 0
    assert {fate: count for fate, count in pieces.items() if count} == {
        "stored": len(demo.planned.calls),
        "duplicate": copies,
    }
    [refused] = prometheus.query("tollspan_sender_key_refused")
    assert (refused["metric"]["sender"], refused["value"][1]) == ("127.0.0.1", "1")
