"""Usage to hand over: what is on the invoice, by customer, meter and bucket of time, each token counted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from tollspan_rater.domain.money import EXACT
from tollspan_rater.export.bucket import HOUR, service_at
from tollspan_rater.export.draft import Service
from tollspan_rater.export.plan import Use
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, number_of
from tollspan_rater.query.spell import Spell, registered, spells_of
from tollspan_rater.query.summed_usage import usage_rows
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.rating.decision import CallFacts, decide
from tollspan_rater.rating.quantity import exclusive

ZERO: Final = Decimal(0)
_QUARTER: Final = HOUR // 4  # days of all zones begin at a whole quarter of an hour
Bucket = Literal["hour", "day", "period"]
Dimensions = tuple[tuple[str, str], ...]


class _Place(NamedTuple):
    customer: str
    service: Service
    dimensions: Dimensions


def usage(
    scope: Scope,
    bucket: Bucket,
    dimensions: Sequence[str],
    told_as: Callable[[str], str],
    span: tuple[int | None, int | None] = (None, None),
) -> list[Use]:
    """Return the usage that is on the invoice, of buckets that began in a span of time.

    A part that is a meter of its own is taken out of its whole. ``told_as`` says under which meter a quantity is told:
    several that are told under one are added up. Calls of nobody are not among it.
    """
    wanted = _periods(scope, span)
    sums: dict[_Place, dict[str, Decimal]] = {}
    labels: dict[_Place, str] = {}
    if not wanted:
        return []
    spells = spells_of(scope.accounts, wanted, Tariffs())
    step = HOUR if all(period.start_ns % HOUR == period.end_ns % HOUR == 0 for _, period in wanted) else _QUARTER
    with registered(scope.connection, scope.accounts.tenant, spells) as values:
        for key, _calls, quantities, _unknown in usage_rows(
            scope.connection, values, dimensions, () if bucket == "period" else (f"started_ns // {step}",)
        ):
            place = _place(key, spells, wanted, bucket, dimensions, step)
            if place is not None and _within(place.service, span):
                labels.setdefault(place, wanted[spells[key[0]].of][1].label)
                _add(sums.setdefault(place, {}), quantities)
    return [
        Use(place.customer, meter, place.dimensions, place.service, labels[place], quantity)
        for place, inclusive in sums.items()
        for meter, quantity in _told(exclusive(inclusive), told_as).items()
    ]


def unattributed(scope: Scope) -> int:
    """Return how many calls are nobody's, so that nobody is told of them."""
    return number_of(scope.connection, Selection(scope.accounts.tenant, unattributed=True))


def _periods(scope: Scope, span: tuple[int | None, int | None]) -> list[tuple[str | None, Period]]:
    """Return the billing periods in which customers used something within a span of time, a day more on both sides."""
    day = 24 * HOUR
    rows = scope.connection.execute(
        "SELECT customer, min(started_ns), max(started_ns) FROM calls WHERE tenant = $tenant AND customer IS NOT NULL "
        "AND ($start::BIGINT IS NULL OR started_ns >= $start - $day) "
        "AND ($end::BIGINT IS NULL OR started_ns < $end + $day) GROUP BY customer ORDER BY customer",
        {"tenant": scope.accounts.tenant, "start": span[0], "end": span[1], "day": day},
    ).fetchall()
    return [(name, period) for name, *times in rows for period in scope.accounts.periods(name, *times)]


def _place(
    key: tuple[Any, ...],
    spells: Sequence[Spell],
    wanted: Sequence[tuple[str | None, Period]],
    bucket: Bucket,
    dimensions: Sequence[str],
    step: int,
) -> _Place | None:
    """Return where a row of usage counts, ``None`` where it is on no invoice."""
    number, _provider, _model, environment, phase, outcome, billable, again, retried, quality, *more = key
    if number is None:
        return None
    spell = spells[number]
    facts = CallFacts(environment, phase or spell.phase, outcome, billable, 2 if again else 1, retried, quality)
    if spell.customer is None or not decide(facts, spell.policy).on_invoice:
        return None
    period = wanted[spell.of][1]
    service = (
        Service(period.label, period.zone, period.start_ns, period.end_ns)
        if bucket == "period"
        else service_at(bucket, more[-1] * step, period.zone)
    )
    return _Place(spell.customer, service, tuple((name, more[at] or "") for at, name in enumerate(dimensions)))


def _within(service: Service, span: tuple[int | None, int | None]) -> bool:
    start, end = span
    return (start is None or service.start_ns >= start) and (end is None or service.start_ns < end)


def _add(sums: dict[str, Decimal], quantities: dict[str, Decimal]) -> None:
    for meter, quantity in quantities.items():
        sums[meter] = EXACT.add(sums.get(meter, ZERO), quantity)


def _told(quantities: dict[str, Decimal], told_as: Callable[[str], str]) -> dict[str, Decimal]:
    told: dict[str, Decimal] = {}
    for meter, quantity in quantities.items():
        _add(told, {told_as(meter): quantity})
    return told
