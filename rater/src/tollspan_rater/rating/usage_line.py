"""Lines for usage: a component's quantity, what of it is included, and what the rest costs, step by step."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.model import PER, PerUnit, shortest
from tollspan_rater.pricing.pattern import ANY
from tollspan_rater.pricing.period import Period
from tollspan_rater.rating.amount import Step, steps_of
from tollspan_rater.rating.line import Line, line_id
from tollspan_rater.rating.rounding import rounded
from tollspan_rater.rating.tally import Tally
from tollspan_rater.rating.tariff import Component

ZERO: Final = Decimal(0)


def usage_line(period: Period, owner: str, component: Component, counted: Tally, index: int, included: Decimal) -> Line:
    """Return the line of the component at ``index``, of whose quantity ``included`` is free."""
    item, quantity = component.item, counted.quantities[index]
    billable = EXACT.subtract(quantity, included)
    steps = steps_of(item.price, billable)
    if included:
        steps = (Step(f"included in plan {component.plan}", included, ZERO, ZERO), *steps)
    exact = shortest(exact_sum(step.amount for step in steps))
    versions = dict.fromkeys(v for s in sorted(counted.segments[index]) if (v := counted.versions[s]))
    return Line(
        line_id=line_id(owner, period, component.name),
        kind="usage",
        component=component.name,
        plan=component.plan,
        meter=item.meter,
        description=_description(component),
        quantity=shortest(quantity),
        included=shortest(included),
        billable=shortest(billable),
        unit_price=item.price.unit_price if isinstance(item.price, PerUnit) else None,
        steps=steps,
        amount_exact=exact,
        amount=rounded(exact, component.currency),
        currency=component.currency,
        price_version=", ".join(versions),
        calls=counted.calls[index],
        why=_why(component, included),
        contains=tuple(sorted((meter, shortest(part)) for meter, part in counted.contains[index].items())),
    )


def _description(component: Component) -> str:
    item = component.item
    where = [name for name in (item.model, item.provider) if name != ANY]
    return f"{item.meter.replace('_', ' ')}{' of ' if where else ''}{', '.join(where)}"


def _why(component: Component, included: Decimal) -> str:
    """Say in a sentence which price was taken, as its file quotes it, and what the plan covers."""
    item = component.item
    words = [f"card {item.card} prices {item.meter}"]
    words.append("of every model" if item.model == ANY else f"of models like {item.model}")
    if isinstance(item.price, PerUnit):
        quoted = shortest(EXACT.scaleb(item.price.unit_price, PER[item.per]))
        words.append(f"at {quoted:f} {component.currency} per {item.per}")
    else:
        words.append(f"by {type(item.price).__name__.lower()} price")
    if included:
        words.append(f"after {included:,f} included in plan {component.plan}")
    return " ".join(words)
