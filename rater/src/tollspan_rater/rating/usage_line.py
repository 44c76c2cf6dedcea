"""Lines for usage: a component's quantity, what of it is included, and what the rest costs, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.model import (
    PER,
    CostPlus,
    Flat,
    Graduated,
    Package,
    Percentage,
    PerUnit,
    Stairstep,
    Volume,
    shortest,
)
from tollspan_rater.pricing.pattern import ANY
from tollspan_rater.pricing.period import Period
from tollspan_rater.rating import cost_plus
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.charge import fee_at_zero
from tollspan_rater.rating.line import Line, line_id
from tollspan_rater.rating.pool import handed_out
from tollspan_rater.rating.rounding import rounded
from tollspan_rater.rating.tally import Tally
from tollspan_rater.rating.tariff import Component, Tariff

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
NAMES: Final[dict[type, str]] = {
    Graduated: "graduated",
    Volume: "volume",
    Stairstep: "stairstep",
    Package: "package",
    Flat: "flat",
    Percentage: "percentage",
    CostPlus: cost_plus.NAME,
}


def usage_lines(period: Period, owner: str, tariff: Tariff, counted: Tally) -> Iterator[Line]:
    """Yield the lines of all components in their order: the fee at zero where there is one, then the usage."""
    parts = list(zip(tariff.pools, handed_out(tariff.pools, counted.quantities), strict=True))
    for index, component in enumerate(tariff.components):
        if fee_at_zero(component.item):
            yield _fee_line(period, owner, component, tariff)
        free = [(pool.name, part[index]) for pool, part in parts if part.get(index)]
        standing = counted.standings[index]
        if standing.quantity or standing.amount(exact_sum(quantity for _, quantity in free)):
            yield _usage_line(period, owner, component, counted, index, free)


def fee_name(component: Component) -> str:
    """Return the name of the component of what a price asks for whatever was used."""
    return f"{component.name}/flat_fee"


def _usage_line(
    period: Period, owner: str, component: Component, counted: Tally, index: int, free: Sequence[tuple[str, Decimal]]
) -> Line:
    """Return the line of the component at ``index``, of whose quantity ``free`` parts cost nothing."""
    item, standing = component.item, counted.standings[index]
    included = exact_sum(quantity for _, quantity in free)
    steps = standing.steps(free)
    exact = shortest(exact_sum(step.amount for step in steps))
    versions = dict.fromkeys(v for s in sorted(counted.segments[index]) if (v := counted.versions[s]))
    plain = isinstance(item.price, PerUnit) and item.unit is None
    return Line(
        line_id=line_id(owner, period, component.name),
        kind="usage",
        component=component.name,
        plan=component.plan,
        meter=item.meter,
        description=_description(component),
        quantity=shortest(standing.quantity),
        included=shortest(included),
        billable=shortest(EXACT.subtract(standing.quantity, included)),
        unit_price=item.price.unit_price if plain and isinstance(item.price, PerUnit) else None,
        steps=steps,
        amount_exact=exact,
        amount=rounded(exact, component.currency),
        currency=component.currency,
        price_version=", ".join(versions),
        calls=counted.calls[index],
        why=_why(component, free),
        contains=tuple((meter, shortest(part)) for meter, part in sorted(counted.contains[index].items())),
    )


def _fee_line(period: Period, owner: str, component: Component, tariff: Tariff) -> Line:
    """Return the line of what a component asks for in a period whatever was used."""
    fee, name = fee_at_zero(component.item), fee_name(component)
    return Line(
        line_id=line_id(owner, period, name),
        kind="flat_fee",
        component=name,
        plan=component.plan,
        meter=component.item.meter,
        description=f"fee of {_description(component)}",
        quantity=ONE,
        included=ZERO,
        billable=ONE,
        unit_price=fee,
        steps=(Step("fee of the period, with or without use", ONE, fee, fee),),
        amount_exact=fee,
        amount=rounded(fee, component.currency),
        currency=component.currency,
        price_version=", ".join(tariff.versions(component)),
        calls=0,
        why=f"{_priced(component)}, whose fee is due without use, too",
    )


def _description(component: Component) -> str:
    item = component.item
    where = [name for name in (item.model, item.provider) if name != ANY]
    where += [f"{name} {pattern}" for name, pattern in item.match]
    return f"{item.meter.replace('_', ' ')}{' of ' if where else ''}{', '.join(where)}"


def _priced(component: Component) -> str:
    """Say which price was taken, as its file quotes it."""
    item = component.item
    words = [f"card {item.card} prices {item.meter}"]
    words.append("of every model" if item.model == ANY else f"of models like {item.model}")
    words += [f"where {name} is like {pattern}" for name, pattern in item.match]
    if isinstance(item.price, PerUnit):
        quoted = shortest(EXACT.scaleb(item.price.unit_price, PER[item.per]))
        words.append(f"at {quoted:f} {component.currency} per {item.per}")
    else:
        words.append(f"by {NAMES[type(item.price)]} price")
    return " ".join(words)


def _why(component: Component, free: Sequence[tuple[str, Decimal]]) -> str:
    """Say in a sentence which price was taken and what cost nothing."""
    covered = " and ".join(f"{quantity:,f} {name}" for name, quantity in free)
    return _priced(component) + (f" after {covered}" if covered else "")
