"""The usage behind a line by reason: all that its price would charge, what of it is charged, and what came twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.books import Bill
from tollspan_rater.query.call_fact import facts_of
from tollspan_rater.query.groups import usage_of
from tollspan_rater.query.line_facts import Row
from tollspan_rater.query.rated import segment_at, used
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import CallRow, Selection, select
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.query.wording import plain
from tollspan_rater.rating.decision import Decision
from tollspan_rater.rating.line import Line
from tollspan_rater.rating.quantity import exclusive
from tollspan_rater.rating.route import Route
from tollspan_rater.rating.tariff import Tariff
from tollspan_rater.store import fates

ZERO: Final = Decimal(0)
_COPIES: Final = f"""
    WITH copy AS (
        SELECT trace_id || ':' || span_id AS name, count(*) AS times FROM ({fates.CURRENT})
        WHERE tenant = $tenant AND fate = 'duplicate' GROUP BY ALL
    )
    SELECT call_id, times FROM calls JOIN copy ON copy.name = calls.evidence
    WHERE tenant = $tenant AND customer = $customer AND started_ns >= $start AND started_ns < $end
"""  # noqa: S608 - our text


@dataclass(slots=True)
class Part:
    """How much one decision holds, in how many calls and units."""

    quantity: Decimal = ZERO
    calls: int = 0

    def add(self, quantity: Decimal, calls: int) -> None:
        """Add usage."""
        self.quantity = EXACT.add(self.quantity, quantity)
        self.calls += calls


def usage_by_reason(scope: Scope, bill: Bill, line: Line) -> Iterator[Row]:
    """Yield how the usage that a line's price fits divides by the decision on it, as known now.

    What is charged and what is not add up to what was accepted. Copies of a span are no usage and stand apart.
    """
    segments = scope.accounts.segments(bill.customer, bill.rated.period)
    tariffs = Tariffs()
    tariff = tariffs.of(segments)
    index = next((place for place, one in enumerate(tariff.components) if one.name == line.component), None)
    if line.kind != "usage" or index is None:
        return
    parts = _parts(scope, bill, tariffs, tariff, index)
    about = f"line {line.line_id}"
    whole = Part()
    for part in parts.values():
        whole.add(part.quantity, part.calls)
    yield about, "usage accepted", _words(whole)
    for decision, part in sorted(parts.items(), key=lambda item: (not item[0].on_invoice, item[0].reason)):
        place = "on the invoice" if decision.on_invoice else "not on the invoice"
        quota = "counts toward the quota" if decision.counts_toward_quota else "not toward the quota"
        yield about, f"of it {decision.reason}", f"{_words(part)}: {place}, {quota}"
    copies = _copies(scope, bill, tariff, index)
    if copies.calls:
        yield about, "duplicates apart", f"{_words(copies)}: the same spans again, not usage"


def _parts(scope: Scope, bill: Bill, tariffs: Tariffs, tariff: Tariff, index: int) -> dict[Decision, Part]:
    found: dict[Decision, Part] = {}
    (usage,) = usage_of(scope.connection, scope.accounts, [(bill.customer, bill.rated.period)], tariffs)
    for group in usage.groups:
        route = tariff.route(group.segment, group.provider, group.model, group.facts)
        quantity = _routed(route, index, group.quantities)
        if quantity:
            found.setdefault(group.decision, Part()).add(quantity, group.calls)
    for sample in usage.samples:
        route = tariff.route(sample.segment, sample.provider, sample.model, sample.facts)
        quantity = _routed(route, index, {sample.meter: sample.quantity})
        if quantity:
            found.setdefault(sample.decision, Part()).add(quantity, 1)
    return found


def _routed(route: Route, index: int, quantities: Mapping[str, Decimal]) -> Decimal:
    """Return how much of some inclusive quantities a component's price fits, converted to its meter."""
    total = ZERO
    for meter, quantity in exclusive(quantities).items():
        target = route[meter]
        if target is not None and target.component == index:
            factor = Decimal(1) if target.conversion is None else target.conversion.factor
            total = EXACT.add(total, EXACT.multiply(quantity, factor))
    return total


def _copies(scope: Scope, bill: Bill, tariff: Tariff, index: int) -> Part:
    period, accounts, copies = bill.rated.period, scope.accounts, Part()
    bound = {
        "tenant": accounts.tenant, "customer": bill.customer, "start": period.start_ns, "end": period.end_ns,
    }  # fmt: skip
    times = dict(scope.connection.execute(_COPIES, bound).fetchall())
    if not times:
        return copies
    selection = Selection(accounts.tenant, period.start_ns, period.end_ns, (("customer", bill.customer),))
    phase = accounts.customer(bill.customer).phase
    for row in select(scope.connection, selection):
        if row.call_id in times:
            quantity = _routed(_route(tariff, row, phase), index, used(row))
            if quantity:
                again = times[row.call_id]
                copies.add(EXACT.multiply(quantity, Decimal(again)), again)
    return copies


def _route(tariff: Tariff, row: CallRow, phase: str | None) -> Route:
    number = tariff.segments.index(segment_at(tariff.segments, row.started_ns))
    return tariff.route(number, row.provider, row.model, facts_of(row, tariff.dimensions, phase))


def _words(part: Part) -> str:
    return f"{plain(part.quantity):,f} in {part.calls:,} calls and units"
