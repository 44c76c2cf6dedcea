"""Whom a call was for, how much it used, what it cost, what is charged: the eight questions, the way to a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from tollspan_rater.cost.rates import Unknown
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.bill import rated_period
from tollspan_rater.query.books import Books
from tollspan_rater.query.grouping import TOKEN_COLUMNS, UNSAID
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.resumed import resumed
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import RatedPeriod

Fact = tuple[str, Cell]


class Bills:
    """Rates for one answer: each customer's period once, however many of its calls are explained."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._bills: dict[tuple[str | None, str], RatedPeriod] = {}
        self._books = Books(scope)

    def rated(self, call_ids: Collection[str]) -> dict[str, RatedCall]:
        """Return those of some calls that stand, rated: each marginal charge is what the calls before it leave."""
        places = self._scope.connection.execute(
            "SELECT call_id, customer, started_ns FROM calls WHERE tenant = ? AND list_contains(?, call_id)",
            [self._scope.accounts.tenant, list(call_ids)],
        ).fetchall()
        wanted: defaultdict[tuple[str | None, Period], dict[str, int]] = defaultdict(dict)
        for call_id, customer, started_ns in places:
            wanted[customer, self._scope.accounts.period_at(customer, started_ns)][call_id] = started_ns
        found: dict[str, RatedCall] = {}
        for (customer, period), starts in wanted.items():
            found.update(self._up_to(customer, period, starts))
        return found

    def _up_to(
        self, customer: str | None, period: Period, starts: Mapping[str, int]
    ) -> Iterator[tuple[str, RatedCall]]:
        scope = self._scope
        who = () if customer is None else (("customer", customer),)
        end_ns = max(starts.values()) + 1
        selection = Selection(scope.accounts.tenant, period.start_ns, end_ns, who, unattributed=customer is None)
        for call in resumed(scope.connection, scope.accounts, selection, min(starts.values())):
            if call.row.call_id in starts:
                yield call.row.call_id, call

    def facts(self, call: RatedCall) -> Iterator[Fact]:
        """Yield the answers to the eight questions that one screen must answer for any call, then its money."""
        yield from self._eight(call)
        yield from _money(call)

    def _eight(self, call: RatedCall) -> Iterator[Fact]:
        row, scope = call.row, self._scope
        person = scope.names.name_of(scope.accounts.tenant, [row.user] if row.user else []).get(
            row.user or "", row.user
        )
        yield "which customer and user", f"{row.customer or UNSAID['customer']} / {person or 'nobody said'}"
        model = f"{row.provider or '?'} {row.model or '?'}"
        yield (
            "which feature and model",
            f"{row.feature or 'nobody said'} / {model}, {row.operation or row.meter or '?'}",
        )
        counts = {column: getattr(row, name) for column, name in TOKEN_COLUMNS.items()}
        known = ", ".join(
            f"{column.removesuffix('_tokens')} {count:,}" for column, count in counts.items() if count is not None
        )
        yield "how many tokens of each kind", f"{known or 'unknown'} ({row.quality}, {row.outcome})"
        yield "what did it cost us", _cost(call)
        yield "does it count toward a quota", f"{_yes(call.decision.counts_toward_quota)} ({call.decision.reason})"
        yield "is it on an invoice, on which line", ", ".join(self._lines_of(call)) or f"no ({call.reason})"
        yield "production, internal or test", row.environment or f"{UNSAID['environment']} (nobody said otherwise)"
        phase = row.phase or scope.accounts.customer(row.customer).phase or "ordinary"
        yield "what kind of account", f"{phase}, plan {call.plan or 'none'}"

    def _lines_of(self, call: RatedCall) -> list[str]:
        """Return the lines of the bill on which a call's components stand, or those that hold its included units."""
        if not call.decision.on_invoice or call.charged.amount is None:
            return []
        bill = self._bill(call.row.customer, call.period)
        charged = {component for component, _amount in call.charged.components}
        if not charged:
            return [f"{line.line_id} as included units" for line in bill.lines if line.included]
        lines = [line.line_id for line in bill.lines if line.component in charged]
        return [*lines, *self._adjustments_of(call, charged)]

    def _adjustments_of(self, call: RatedCall, charged: Collection[str]) -> Iterator[str]:
        """Yield the adjustments by which a call is charged that came after its period was closed."""
        customer = call.row.customer
        close = None if customer is None else self._books.close_of(customer, call.period.label)
        if customer is None or close is None or call.row.position <= close.cutoff:
            return
        for since in self._books.closed(customer, close).since:
            if since.adjustment.corrects.component in charged:
                place = since.booked_in or "the open period"
                yield f"adjusted by {since.adjustment.line.line_id} on the bill of {place}"

    def _bill(self, customer: str | None, period: Period) -> RatedPeriod:
        place = (customer, period.label)
        if place not in self._bills:
            self._bills[place] = rated_period(self._scope, customer, period)
        return self._bills[place]


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


def _money(call: RatedCall) -> Iterator[Fact]:
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


def _yes(value: bool) -> str:  # noqa: FBT001 - it words one truth value
    return "yes" if value else "no"
