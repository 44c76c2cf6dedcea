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
    "customer": (
        ("This customer", f"/d/{CUSTOMER}?var-customer=${{__value.raw}}&${{__url_time_range}}"),
        ("The customer's page", "${pages}/pages/customer?customer=${__value.raw}"),
    )
}
_IN_TEMPO: Final = (
    '{"trace":{"datasource":"tempo","queries":[{"refId":"A","datasource":{"type":"tempo","uid":"tempo"},'
    '"queryType":"traceql","query":"${__value.raw}"}],"range":{"from":"${__from}","to":"${__to}"}}}'
)
_TO_TRACE: Final = (
    ("Trace", f"/explore?schemaVersion=1&panes={_IN_TEMPO}"),
    ("Explain the trace", "${pages}/pages/explain?id=${__value.raw}"),
)
_TO_CALL: Final = {
    "call_id": (
        ("Explain", f"/d/{TRACES}?var-id=${{__value.raw}}&${{__url_time_range}}"),
        ("The call's page", "${pages}/pages/call?id=${__value.raw}"),
    ),
    "trace_ids.0": _TO_TRACE,
}
_TO_LINE: Final = {"line_id": (("Explain the line", "${pages}/pages/explain?id=${__value.raw}"),)}
_CALL: Final = ("call_id", "trace_ids.0", "customer", "model", "outcome", "currency")
_SIZES: Final = ("input_tokens", "output_tokens", "ttft_ms", "duration_ms", "cost", "charge")
_LASTS: Final = ("ttft_ms_p50", "ttft_ms_p95", "duration_ms_p50", "duration_ms_p95")
_UNITS: Final = {
    **dict.fromkeys(("ttft_ms", "duration_ms", *_LASTS), "ms"),
    **dict.fromkeys(("margin_percent", "used_percent"), "percent"),
}
_MONEY: Final = ("charge", "cost")
_TOKENS: Final = ("calls", "input_tokens", "output_tokens")


def _usage(by: str, **more: str) -> Asked:
    params = {"by": by, "top": "50", **IN_TIME, **more}
    return Asked("usage", params, (*by.split(","), "currency", "cost_currency"), (*_TOKENS, *_MONEY))


def _calls(limit: int, **more: str) -> Asked:
    return Asked("calls", {"limit": str(limit), **IN_TIME, **more}, _CALL, _SIZES, ("started_at",))


def _by_day(**more: str) -> Asked:
    params = {"by": "day", "sort": "day", **IN_TIME, **more}
    return Asked("usage", params, ("currency",), _MONEY, ("begins_at",), "timeseries")


def _latency(by: str) -> Asked:
    """Ask for quantiles of the calls that came to their end, with those that do not say what they took."""
    params = {"by": by, "top": "50", "outcome": "complete", **IN_TIME}
    numbers = ("calls", *_LASTS, "output_tokens_per_second_p50", "unknown_ttft", "unknown_duration")
    return Asked("latency", params, tuple(by.split(",")), numbers)


def _by_hour(measure: str) -> Asked:
    params = {"by": "model,hour", "sort": "hour", "outcome": "complete", **IN_TIME}
    quantiles = (f"{measure}_p50", f"{measure}_p95")
    return Asked("latency", params, ("model",), quantiles, ("begins_at",), "timeseries")


@dataclass(frozen=True)
class Board:
    """One dashboard; ``variables`` are those of the table below, ``since`` is where its first look begins."""

    uid: str
    title: str
    panels: Sequence[Panel]
    variables: Sequence[str] = ()
    since: str = "now-7d"


def boards() -> Iterator[Board]:
    """Yield the dashboards in the order in which they link to each other."""
    yield Board("tollspan-overview", "Spend, revenue, margin", list(_overview()), ("pages",))
    yield Board(CUSTOMER, "One customer", list(_customer()), ("customer", "pages"))
    yield Board("tollspan-models", "Models, features, prompts", list(_models()))
    yield Board(
        TRACES, "Traces with cost", list(_traces()), ("id", "pages"), "now-12h"
    )  # Tempo's own limit is 24 hours
    yield Board("tollspan-pipeline", "Pipeline and audit", list(_pipeline()))


def _overview() -> Iterator[Panel]:
    yield number("Revenue this month", promql("tollspan:revenue:sum", "{{currency}}"))
    yield number("Charges for calls this month", promql("tollspan:charge:sum", "{{currency}}"))
    yield number("Provider cost this month", promql("tollspan:cost:sum", "{{currency}}"))
    yield number("Margin this month, where cost is known", promql("tollspan:margin:sum", "{{currency}}"))
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
    columns = ("line_id", "description", "quantity", "unit_price", "amount", "currency", "why")
    bill = Asked("invoice", _OF_CUSTOMER, columns)
    yield rows("The running bill, to the last digit", bill, _TO_LINE, {})
    yield lines("Charge and cost by day", _by_day(**_OF_CUSTOMER))
    yield rows("Models", _usage("provider,model", **_OF_CUSTOMER), {}, {})
    yield rows("Calls", _calls(200, **_OF_CUSTOMER), _TO_CALL, _UNITS)


def _models() -> Iterator[Panel]:
    yield rows("Models", _usage("provider,model"), {}, {})
    yield rows("Features", _usage("feature"), {}, {})
    yield rows("Prompt versions", _usage("prompt,prompt_version"), {}, {})
    yield lines("Provider cost by model, month to date", promql("tollspan_model_cost", "{{model}} {{currency}}"))
    yield rows("Latency of models", _latency("provider,model"), {}, _UNITS)
    yield rows("Latency of features", _latency("feature"), {}, _UNITS)
    yield rows("Latency of prompt versions", _latency("prompt,prompt_version"), {}, _UNITS)
    yield lines("Time to first token by hour", _by_hour("ttft_ms"), "ms")
    yield lines("Duration by hour", _by_hour("duration_ms"), "ms")
    params = {"by": "output_length", "sort": "output_tokens", "outcome": "complete", **IN_TIME}
    lengths = Asked("latency", params, (), ("output_tokens_p50", "duration_ms_p50", "duration_ms_p95"))
    yield cloud("Duration against output tokens, by length class", lengths, _UNITS)


def _traces() -> Iterator[Panel]:
    expensive = traceql("{ span.tollspan.cost > 0.01 }")
    yield rows("Traces above one cent", expensive, {"traceID": _TO_TRACE}, {})
    spent = "{ span.tollspan.cost != nil } | sum_over_time(span.tollspan.cost) by (span.tollspan.customer)"
    yield lines("Provider cost by customer", traceql(spent))
    gained = "{ span.tollspan.margin != nil } | sum_over_time(span.tollspan.margin) by (span.tollspan.feature)"
    yield lines("Margin by feature", traceql(gained))
    yield rows("Explain the call, trace, span or line ${id}", _EXPLAINED, {}, {})
    yield rows("Calls", _calls(200), _TO_CALL, _UNITS)


_EXPLAINED: Final = Asked("explain", {"id": "${id}"}, ("about", "what", "value"))


def _pipeline() -> Iterator[Panel]:
    yield number("Takes spans", promql("tollspan_taking_spans"), "bool_yes_no")
    yield number("Largest difference of the audit", promql("max(abs(tollspan_audit_difference))"))
    yield number("Records lost by senders", promql("tollspan_sender_lost_records"))
    yield number("Calls without a price", promql("tollspan_unpriced_calls"))
    yield number("Calls without a customer", promql("tollspan_unattributed_calls"))
    yield number("Calls that are not exact", promql("sum(tollspan_inexact_calls)"))
    yield number("Requests refused for their key, by sender", promql("tollspan_sender_key_refused", "{{sender}}"))
    yield lines("Requests by outcome", promql("tollspan:requests:rate5m", "{{outcome}}"), "reqps")
    yield lines("Lag of the store", promql("tollspan_lag_seconds"), "s")
    yield lines("Entries in the queue", promql("tollspan_queue_entries"))
    yield lines("Disk left before senders are refused", promql("tollspan:disk_left:bytes"), "bytes")
    yield lines("Pieces by fate", promql("tollspan_pieces", "{{fate}}"))
    yield rows("Audit", Asked("audit", {}, ("equation", "left", "right", "difference", "holds", "terms")), {}, {})


_TYPED: Final = {
    "id": ("Call, trace, span or line", ""),
    "pages": ("Address of the rater's pages", "http://127.0.0.1:4319"),
}
_CUSTOMERS: Final = Asked("customers.list", {"seen": "true"}, ("customer",))
_MARK: Final = {"recorded_at": "time", "version": "title", "note": "text", "author": "tags"}  # as Grafana reads marks
_PRICES: Final = Asked("pricing.show", {}, ("version", "note", "author"), (), ("recorded_at",), titles=_MARK)


def dashboard(board: Board, others: Sequence[Board]) -> Dashboard:
    """Return the dashboard with links to the others, its variables and a mark where prices changed."""
    prices = AnnotationQuery().name("Price changes").datasource(RATER).target(_PRICES).enable(True).icon_color("orange")  # noqa: FBT003 - the builder's form
    made = Dashboard(board.title).uid(board.uid).tags(["tollspan"]).readonly().timezone("browser")
    made = made.time(board.since, "now").refresh("1m").tooltip(DashboardCursorSync.CROSSHAIR).annotation(prices)
    for name in board.variables:
        made = made.with_variable(_variable(name))
    for other in others:
        made = made.link(link(other.title, other.uid))
    for panel in board.panels:
        made = made.with_panel(panel)
    return made


def _variable(name: str) -> QueryVariable | TextBoxVariable:
    if name in _TYPED:
        label, default = _TYPED[name]
        return TextBoxVariable(name).label(label).default_value(default)
    listed: dict[str, object] = {"queryType": "infinity", "query": "", "infinityQuery": _CUSTOMERS.build().to_json()}
    return QueryVariable(name).label("Customer").datasource(RATER).query(listed)
