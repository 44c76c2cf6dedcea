"""The five dashboards, as tables of panels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Dashboard, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from dashboards.panels import Panel, cloud, lines, link, number, rows
from dashboards.sources import IN_TIME, RATER, Asked, promql, traceql

CUSTOMER, TRACES = "tollspan-customer", "tollspan-traces"
_OF_CUSTOMER: Final = {"customer": "${customer}"}
_TO_CUSTOMER: Final = {
    "customer": ("This customer", f"/d/{CUSTOMER}?var-customer=${{__value.raw}}&${{__url_time_range}}")
}
_TO_CALL: Final = {
    "call_id": ("Explain", f"/d/{TRACES}?var-id=${{__value.raw}}&${{__url_time_range}}"),
    "trace_ids.0": (
        "Trace",
        '/explore?left={"datasource":"tempo","queries":[{"refId":"A","queryType":"traceql","query":"${__value.raw}"}]}',
    ),
}
_CALL: Final = ("call_id", "trace_ids.0", "customer", "model", "outcome", "currency")
_SIZES: Final = ("input_tokens", "output_tokens", "ttft_ms", "duration_ms", "cost", "charge")
_UNITS: Final = {"ttft_ms": "ms", "duration_ms": "ms", "margin_percent": "percent", "used_percent": "percent"}
_MONEY: Final = ("charge", "cost")
_TOKENS: Final = ("calls", "input_tokens", "output_tokens")


def _usage(by: str, **more: str) -> Asked:
    params = {"by": by, "top": "50", **IN_TIME, **more}
    return Asked("usage", params, (*by.split(","), "currency", "cost_currency"), (*_TOKENS, *_MONEY))


def _calls(limit: int, **more: str) -> Asked:
    return Asked("calls", {"limit": str(limit), **IN_TIME, **more}, _CALL, _SIZES, ("started_at",))


def _by_day(**more: str) -> Asked:
    return Asked("usage", {"by": "day", "sort": "day", **IN_TIME, **more}, ("currency",), _MONEY, ("day",))


@dataclass(frozen=True)
class Board:
    """One dashboard; ``variables`` are those of the table below."""

    uid: str
    title: str
    panels: Sequence[Panel]
    variables: Sequence[str] = ()


def boards() -> Iterator[Board]:
    """Yield the dashboards in the order in which they link to each other."""
    yield Board("tollspan-overview", "Spend, revenue, margin", list(_overview()))
    yield Board(CUSTOMER, "One customer", list(_customer()), ("customer",))
    yield Board("tollspan-models", "Models, features, prompts", list(_models()))
    yield Board(TRACES, "Traces with cost", list(_traces()), ("id",))
    yield Board("tollspan-pipeline", "Pipeline and audit", list(_pipeline()))


def _overview() -> Iterator[Panel]:
    yield number("Revenue this month", promql("tollspan:revenue:sum", "{{currency}}"))
    yield number("Charges for calls this month", promql("tollspan:charge:sum", "{{currency}}"))
    yield number("Provider cost this month", promql("tollspan:cost:sum", "{{currency}}"))
    yield number("Calls this month", promql("tollspan_calls"))
    yield lines("Charges by customer, month to date", promql("tollspan_customer_charge", "{{customer}} {{currency}}"))
    yield lines("Charge and cost by day", _by_day())
    yield rows("Heavy users", _usage("customer"), _TO_CUSTOMER, _UNITS)
    margins = Asked(
        "margin", {"by": "customer", "top": "50", **IN_TIME}, ("customer", "currency"),
        ("revenue", "cost", "margin", "margin_percent"),
    )  # fmt: skip
    yield rows("Margin by customer, with base fees of whole periods", margins, _TO_CUSTOMER, _UNITS)


def _customer() -> Iterator[Panel]:
    left = Asked(
        "allowance", _OF_CUSTOMER, ("plan", "meter", "period", "resets_at"),
        ("limit", "used", "used_percent", "remaining", "over"),
    )  # fmt: skip
    yield rows("Allowance of the running period", left, {}, _UNITS)
    bill = Asked("invoice", _OF_CUSTOMER, ("description", "quantity", "unit_price", "amount", "currency", "why"))
    yield rows("The running bill, to the last digit", bill, {}, {})
    yield lines("Charge and cost by day", _by_day(**_OF_CUSTOMER))
    yield rows("Models", _usage("provider,model", **_OF_CUSTOMER), {}, {})
    yield rows("Calls", _calls(200, **_OF_CUSTOMER), _TO_CALL, _UNITS)


def _models() -> Iterator[Panel]:
    yield rows("Models", _usage("provider,model"), {}, {})
    yield rows("Features", _usage("feature"), {}, {})
    yield rows("Prompt versions", _usage("prompt,prompt_version"), {}, {})
    yield lines("Provider cost by model, month to date", promql("tollspan_model_cost", "{{model}} {{currency}}"))
    shape = Asked("calls", {"limit": "1000", **IN_TIME}, (), ("output_tokens", "duration_ms"))
    yield cloud("Output tokens against duration in ms, the first 1,000 calls", shape)


def _traces() -> Iterator[Panel]:
    yield rows("Traces above one cent", traceql("{ span.tollspan.cost != nil && span.tollspan.cost > 0.01 }"), {}, {})
    spent = "{ span.tollspan.cost != nil } | sum_over_time(span.tollspan.cost) by (span.tollspan.customer)"
    yield lines("Provider cost by customer", traceql(spent))
    gained = "{ span.tollspan.margin != nil } | sum_over_time(span.tollspan.margin) by (span.tollspan.feature)"
    yield lines("Margin by feature", traceql(gained))
    yield rows("Explain the call, trace, span or line ${id}", _EXPLAINED, {}, {})
    yield rows("Calls", _calls(200), _TO_CALL, _UNITS)


_EXPLAINED: Final = Asked("explain", {"id": "${id}"}, ("what", "value"))


def _pipeline() -> Iterator[Panel]:
    yield number("Takes spans", promql("tollspan_taking_spans"), "bool_yes_no")
    yield number("Largest difference of the audit", promql("max(abs(tollspan_audit_difference))"))
    yield number("Records lost by senders", promql("tollspan_sender_lost_records"))
    yield number("Calls without a price", promql("tollspan_unpriced_calls"))
    yield number("Calls without a customer", promql("tollspan_unattributed_calls"))
    yield number("Calls that are not exact", promql("sum(tollspan_inexact_calls)"))
    yield lines("Requests by outcome", promql("tollspan:requests:rate5m", "{{outcome}}"), "reqps")
    yield lines("Lag of the store", promql("tollspan_lag_seconds"), "s")
    yield lines("Entries in the queue", promql("tollspan_queue_entries"))
    yield lines("Disk left before senders are refused", promql("tollspan:disk_left:bytes"), "bytes")
    yield lines("Pieces by fate", promql("tollspan_pieces", "{{fate}}"))
    yield rows("Audit", Asked("audit", {}, ("equation", "left", "right", "difference", "holds", "terms")), {}, {})


_CUSTOMERS: Final = Asked("customers.list", {}, ("customer",))
_PRICES: Final = Asked("pricing.show", {}, ("version", "note", "author"), (), ("recorded_at",))


def dashboard(board: Board, others: Sequence[Board]) -> Dashboard:
    """Return the dashboard with links to the others, its variables and a mark where prices changed."""
    prices = AnnotationQuery().name("Price changes").datasource(RATER).target(_PRICES).enable(True).icon_color("orange")  # noqa: FBT003 - the builder's form
    made = Dashboard(board.title).uid(board.uid).tags(["tollspan"]).readonly().timezone("browser")
    made = made.time("now-7d", "now").refresh("1m").tooltip(DashboardCursorSync.CROSSHAIR).annotation(prices)
    for name in board.variables:
        made = made.with_variable(_variable(name))
    for other in others:
        made = made.link(link(other.title, other.uid))
    for panel in board.panels:
        made = made.with_panel(panel)
    return made


def _variable(name: str) -> QueryVariable | TextBoxVariable:
    if name == "id":
        return TextBoxVariable("id").label("Call, trace, span or line")
    listed = {"queryType": "infinity", "query": "", "infinityQuery": _CUSTOMERS.build().to_json()}
    return QueryVariable(name).label("Customer").datasource(RATER).query(listed)
