"""Why something costs what it costs: from a trace, span, call or line to the bill, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tollspan_rater.cost.rates import Unknown
from tollspan_rater.errors import NotFoundError
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.grouping import TOKEN_COLUMNS, UNSAID
from tollspan_rater.query.invoice import customers_with_usage, line_ids, rated_period
from tollspan_rater.query.rated import RatedCall, Rater
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, select
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import Line
from tollspan_rater.store import fates

COLUMNS: Final = ("about", "what", "value")
_TRACE, _SPAN = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
_SHOWN_CALLS: Final = 20

Row = tuple[str, str, Cell]


@dataclass(frozen=True, slots=True)
class Found:
    """What an id leads to: pieces with their fates, calls, lines."""

    title: str
    rows: list[Row]


def explain(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: everything known about an id, on one screen."""
    name = params["id"].strip()
    low = name.lower()
    if name.startswith("ln_"):
        found = _line(scope, name)
    elif name.startswith(("c_", "m_")):
        found = _call(scope, name)
    elif _TRACE.fullmatch(low):
        found = _trace(scope, low, None)
    elif _SPAN.fullmatch(low):
        found = _span(scope, low)
    else:
        raise NotFoundError(
            "id", name, "Give a trace id (32 hex digits), span id (16), call id (c_...) or line id (ln_...)."
        )
    rows: list[dict[str, Cell]] = [{"about": about, "what": what, "value": value} for about, what, value in found.rows]
    return Answer(found.title, COLUMNS, rows, scope.as_of, scope.zone)


def _trace(scope: Scope, trace_id: str, span_id: str | None) -> Found:
    pieces = fates.of_trace(scope.connection, scope.accounts.tenant, trace_id, span_id)
    if not pieces:
        raise NotFoundError("trace", trace_id, "It was not received, or belongs to another tenant.")
    rows: list[Row] = []
    for piece in pieces:
        words = piece.fate
        if piece.reason:
            words += f" ({piece.reason})"
        if piece.held_by:
            words += f", held by piece {piece.held_by}"
        rows.append((f"span {piece.span_id}", f"fate of piece {piece.position}:{piece.ordinal}", words))
    member = trace_id if span_id is None else f"{trace_id}:{span_id}"
    for call_id in _calls_with(scope, member)[:_SHOWN_CALLS]:
        rows.extend(_call(scope, call_id).rows)
    title = f"Trace {trace_id}" if span_id is None else f"Span {span_id} of trace {trace_id}"
    return Found(title, rows)


def _span(scope: Scope, span_id: str) -> Found:
    traces = scope.connection.execute(
        "SELECT DISTINCT trace_id FROM spans WHERE tenant = $tenant AND span_id = $span "
        "UNION SELECT DISTINCT trace_id FROM fates WHERE tenant = $tenant AND span_id = $span ORDER BY 1",
        {"tenant": scope.accounts.tenant, "span": span_id},
    ).fetchall()
    if not traces:
        raise NotFoundError("span", span_id, "It was not received, or belongs to another tenant.")
    found = [_trace(scope, trace_id, span_id) for (trace_id,) in traces]
    return Found(found[0].title, [row for one in found for row in one.rows])


def _calls_with(scope: Scope, member: str) -> list[str]:
    """Return the current calls that have a span, or any span of a trace, as a member."""
    rows = scope.connection.execute(
        "SELECT call_id FROM calls WHERE tenant = ? AND len(list_filter(members, lambda m: starts_with(m, ?))) > 0 "
        "ORDER BY started_ns, call_id",
        [scope.accounts.tenant, member],
    ).fetchall()
    return [row[0] for row in rows]


def _legs(scope: Scope, call_id: str) -> list[dict[str, Any]]:
    found = scope.connection.execute(
        "SELECT revision, sign, position, customer, input, output, members, dialect, evidence, response_id, "
        "record_id, flags FROM legs WHERE tenant = ? AND call_id = ? ORDER BY position, revision, sign DESC",
        [scope.accounts.tenant, call_id],
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _call(scope: Scope, call_id: str) -> Found:
    legs = _legs(scope, call_id)
    if not legs:
        raise NotFoundError("call", call_id, "tollspan calls lists them.")
    current = _rated(scope, call_id)
    about = f"call {call_id}"
    rows: list[Row] = []
    if current is None:
        later = _calls_with(scope, legs[-1]["members"][0])
        rows.append((about, "state", f"its revisions net to zero; it is now {', '.join(later) or 'no call'}"))
    else:
        rows.extend((about, what, value) for what, value in _eight(scope, current))
        rows.extend((about, what, value) for what, value in _money(current))
    rows.extend((about, what, value) for what, value in _evidence(legs))
    return Found(f"Call {call_id}", rows)


def _rated(scope: Scope, call_id: str) -> RatedCall | None:
    """Rate a customer's period up to a call, so that its marginal charge is what the calls before it leave."""
    place = scope.connection.execute(
        "SELECT customer, started_ns FROM calls WHERE tenant = ? AND call_id = ?", [scope.accounts.tenant, call_id]
    ).fetchall()
    if not place:
        return None
    customer, started_ns = place[0]
    period = scope.accounts.period_at(customer, started_ns)
    who = () if customer is None else (("customer", customer),)
    selection = Selection(scope.accounts.tenant, period.start_ns, started_ns + 1, who, unattributed=customer is None)
    for call in Rater(scope.accounts).rate(select(scope.connection, selection)):
        if call.row.call_id == call_id:
            return call
    return None


def _eight(scope: Scope, call: RatedCall) -> Iterator[tuple[str, Cell]]:
    """Yield the answers to the eight questions that one screen must answer for any call."""
    row = call.row
    person = scope.names.name_of(scope.accounts.tenant, [row.user] if row.user else []).get(row.user or "", row.user)
    yield "which customer and user", f"{row.customer or UNSAID['customer']} / {person or 'nobody said'}"
    model = f"{row.provider or '?'} {row.model or '?'}"
    yield "which feature and model", f"{row.feature or 'nobody said'} / {model}, {row.operation or row.meter or '?'}"
    counts = {column: getattr(row, name) for column, name in TOKEN_COLUMNS.items()}
    known = ", ".join(
        f"{column.removesuffix('_tokens')} {count:,}" for column, count in counts.items() if count is not None
    )
    yield "how many tokens of each kind", f"{known or 'unknown'} ({row.quality}, {row.outcome})"
    yield "what did it cost us", _cost(call)
    yield "does it count toward a quota", f"{_yes(call.decision.counts_toward_quota)} ({call.decision.reason})"
    yield "is it on an invoice, on which line", ", ".join(_lines_of(scope, call)) or f"no ({call.reason})"
    yield "production, internal or test", row.environment or f"{UNSAID['environment']} (nobody said otherwise)"
    phase = row.phase or scope.accounts.customer(row.customer).phase or "ordinary"
    yield "what kind of account", f"{phase}, plan {call.plan or 'none'}"


def _cost(call: RatedCall) -> str:
    cost = call.cost
    if isinstance(cost, Unknown):
        return f"unknown: {cost.reason} ({cost.detail})"
    parts = " + ".join(f"{part.quantity:f} {part.meter} x {part.rate:f} [{part.source}]" for part in cost.parts)
    stated = call.row.reported_cost
    beside = "" if stated is None else f"; the instrumentation stated {plain(stated)}, which is not used"
    return (
        f"{plain(cost.amount)} {cost.currency}" + (f" = {parts}" if parts else f" ({', '.join(cost.flags)})") + beside
    )


def _money(call: RatedCall) -> Iterator[tuple[str, Cell]]:
    charged = call.charged
    yield (
        "what do we charge",
        (
            f"unpriced: {charged.reason}"
            if charged.amount is None
            else f"{plain(charged.amount)} {charged.currency or ''}"
        ),
    )
    for component, amount in charged.components:
        yield "charged by", f"{component}: {plain(amount)}"
    if charged.unpriced:
        yield "without a price", ", ".join(charged.unpriced)
    yield "price version", charged.version
    yield "period", f"{call.period.label} ({call.period.zone}), started {instant(call.row.started_ns)}"


def _lines_of(scope: Scope, call: RatedCall) -> list[str]:
    """Return the lines of the bill on which a call's components stand, or those that hold its included units."""
    if not call.decision.on_invoice or call.charged.amount is None:
        return []
    bill = rated_period(scope, call.row.customer, call.period)
    charged = {component for component, _amount in call.charged.components}
    if not charged:
        return [f"{line.line_id} as included units" for line in bill.lines if line.included]
    return [line.line_id for line in bill.lines if line.component in charged]


def _evidence(legs: list[dict[str, Any]]) -> Iterator[tuple[str, Cell]]:
    last = legs[-1]
    for member in last["members"]:
        chosen = " (its usage was chosen)" if member == last["evidence"] else ""
        yield "member", f"{member}{chosen}"
    yield "read by", last["dialect"]
    if last["response_id"]:
        yield "response id", last["response_id"]
    if last["flags"]:
        yield "flags", ", ".join(last["flags"])
    for leg in legs:
        sign = "+" if leg["sign"] > 0 else "-"
        usage = f"input {leg['input']}, output {leg['output']}, customer {leg['customer'] or UNSAID['customer']}"
        yield f"leg {sign}{leg['revision']}", f"at journal position {leg['position']}: {usage}"


def _line(scope: Scope, name: str) -> Found:
    for customer in sorted({*customers_with_usage(scope), *scope.accounts.names()}):
        for period in _billed(scope, customer):
            if name in line_ids(scope, customer, period):
                for line in rated_period(scope, customer, period).lines:
                    if line.line_id == name:
                        return Found(f"Line {name}", list(_line_rows(scope, customer, period, line)))
    raise NotFoundError("line", name, "tollspan invoice --all lists the lines of the running period.")


def _billed(scope: Scope, customer: str) -> Iterator[Period]:
    """Yield the periods in which a customer may have a bill: a base fee needs no usage."""
    (first, last) = scope.connection.execute(
        "SELECT min(started_ns), max(started_ns) FROM calls WHERE tenant = ?", [scope.accounts.tenant]
    ).fetchall()[0]
    if first is None:
        first = last = scope.now_ns
    yield from scope.accounts.periods(customer, min(first, scope.now_ns), max(last, scope.now_ns))


def _line_rows(scope: Scope, customer: str, period: Period, line: Line) -> Iterator[Row]:
    about = f"line {line.line_id}"
    yield about, "on the bill of", f"{customer}, {period.label} ({period.zone})"
    yield about, "what", f"{line.description}: {line.quantity:,f}, of which {line.included:,f} included"
    for step in line.steps:
        price = "" if step.unit_price is None else f" x {step.unit_price:f}"
        yield about, "step", f"{step.text}: {step.quantity:,f}{price} = {step.amount:f}"
    yield about, "amount", f"{line.amount_exact:f} {line.currency}, rounded {line.amount:f}"
    yield about, "why", line.why
    yield about, "price version", line.price_version
    selection = Selection(scope.accounts.tenant, period.start_ns, period.end_ns, (("customer", customer),))
    shown = 0
    for call in Rater(scope.accounts).rate(select(scope.connection, selection)):
        amount = dict(call.charged.components).get(line.component)
        if amount is not None:
            shown += 1
            if shown <= _SHOWN_CALLS:
                yield about, f"call {call.row.call_id}", f"{plain(amount)} ({', '.join(call.row.trace_ids)})"
    if shown > _SHOWN_CALLS:
        yield about, "calls", f"{shown} in all; tollspan calls --customer {customer} lists them"


def _yes(value: bool) -> str:  # noqa: FBT001 - it words one truth value
    return "yes" if value else "no"
