"""What can be seen with one rate card at hand: ambiguity, prices that fall, options that contradict each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, combinations, islice, pairwise
from typing import Final

from tollspan_rater.domain.meters import UNIT_METERS
from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.finding import Findings
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.match import rivals
from tollspan_rater.pricing.model import Conversion, CostPlus, Percentage, Stairstep, Tier, Volume, shortest
from tollspan_rater.pricing.pattern import ANY, can_meet, head
from tollspan_rater.pricing.tree import KNOWN_METERS

WHOLE: Final = Decimal(1)
TREE_METERS: Final = frozenset(KNOWN_METERS) - frozenset(UNIT_METERS)
Remark = tuple[str, str]  # problem, remedy


def check_card(card: RateCard, findings: Findings) -> None:
    """Note what is wrong or surprising within one card."""
    _check_rivals(card, findings)
    for item in card.items:
        for problem, remedy in _errors(item):
            findings.error(item.path, item.line, problem, remedy)
        for problem, remedy in _warnings(item):
            findings.warning(item.path, item.line, problem, remedy)
    used = {item.meter for item in card.items} | {
        item.price.to for item in card.items if isinstance(item.price, Conversion)
    }
    for meter in card.meters:
        if meter not in used:
            remedy = "Price it, or delete it from `meters:`"
            findings.warning(card.path, card.line, f"card {card.name} declares {meter} and has no price for it", remedy)


def _check_rivals(card: RateCard, findings: Findings) -> None:
    ranked: dict[Hashable, list[PriceItem]] = {}
    alike: dict[Hashable, list[PriceItem]] = {}
    for item in card.items:
        ranked.setdefault((item.meter, *item.rank[:3]), []).append(item)
        alike.setdefault((item.meter, item.model, item.provider, item.match), []).append(item)
    for one, other in chain.from_iterable(map(_near, ranked.values())):
        if (
            can_meet(one.model, other.model)
            and can_meet(one.provider, other.provider)
            and rivals(one.match, other.match)
        ):
            first, second = sorted((one, other), key=lambda item: item.line)
            problem = f"ambiguous: {second.key} and {first.key} (line {first.line}) fit the same usage equally well"
            remedy = "Make one of the patterns more specific, or give one a higher `priority:`"
            findings.error(second.path, second.line, problem, remedy)
    for one, other in chain.from_iterable(combinations(items, 2) for items in alike.values()):
        if one.priority != other.priority:
            lost, kept = sorted((one, other), key=lambda item: item.priority)
            problem = f"{lost.key} is never used: {kept.key} (line {kept.line}) fits the same and goes before it"
            findings.warning(lost.path, lost.line, problem, "Delete it, or change what it is for")


def _near(items: Sequence[PriceItem]) -> Iterator[tuple[PriceItem, PriceItem]]:
    """Yield the pairs that the heads of one pattern do not keep apart: of the pattern in which items differ most."""
    patterns = [dict(item.match) | {"model": item.model, "provider": item.provider} for item in items]
    names = sorted({name for each in patterns for name in each})
    by_name = {name: [head(each.get(name, ANY)) for each in patterns] for name in names}
    heads = max(by_name.values(), key=lambda each: len(set(each)))
    ordered = sorted(zip(heads, items, strict=True), key=lambda pair: pair[0])
    for place, (begin, one) in enumerate(ordered):
        for other_begin, other in islice(ordered, place + 1, None):
            if not other_begin.startswith(begin):
                break
            yield one, other


def _errors(item: PriceItem) -> Iterator[Remark]:
    """Yield what makes an item mean nothing."""
    price = item.price
    by_event = isinstance(price, Percentage) and price.by_event
    if isinstance(price, Conversion):
        if price.to == item.meter:
            yield f"{item.meter} is converted to itself", "Convert to another meter, and price that"
        if item.aggregate != "sum":
            yield _not_summed(item, "converted"), "Price it directly"
        return
    if by_event and item.meter in TREE_METERS:
        remedy = "Declare a meter of amounts under `meters:`, or keep `rate` alone"
        yield f"{item.meter} counts tokens: it has no single amounts to take fees of", remedy
    for kind, applies in (("by single events", by_event), ("at cost plus", isinstance(price, CostPlus))):
        if applies and item.unit is not None:
            yield f"{item.meter} is priced {kind}, which a `unit` cannot convert", "Delete `unit`"
        if applies and item.aggregate != "sum":
            yield _not_summed(item, f"priced {kind}"), "Take another price model, or sum the meter"


def _not_summed(item: PriceItem, done: str) -> str:
    return f"{item.meter} is aggregated by {item.aggregate} and so cannot be {done}"


def _warnings(item: PriceItem) -> Iterator[Remark]:
    """Yield what works, but may surprise."""
    price = item.price
    if isinstance(price, Volume | Stairstep):
        yield from _falls(item, price)
    if isinstance(price, Percentage):
        if price.rate > WHOLE:
            shown = shortest(EXACT.scaleb(price.rate, 2))
            yield f"{item.meter} is charged {shown:f} percent of its amount", "Write 2.9 for 2.9 percent"
        if item.meter in KNOWN_METERS:
            problem = f"a percentage of {item.meter}, which counts units and is no amount of money"
            yield problem, "Declare a meter of amounts, like payment_volume, under `meters:`"


def _falls(item: PriceItem, price: Volume | Stairstep) -> Iterator[Remark]:
    """Yield where one more unit lowers the whole bill."""
    if isinstance(price, Volume):
        edges = [(lower.up_to, _total(lower), _total(upper, lower.up_to)) for lower, upper in pairwise(price.tiers)]
        kind, remedy = "volume cliff", "Take `graduated` if using more should never cost less"
    else:
        edges = [(lower.up_to, lower.amount, upper.amount) for lower, upper in pairwise(price.stairs)]
        kind, remedy = "stairstep fall", "Let the amounts rise if using more should never cost less"
    for bound, before, after in edges:
        if bound is not None and after < before:
            fall = f"from {shortest(before):f} to {shortest(after):f}"
            yield f"{kind} of {item.key}: at {bound} units the bill falls {fall}", remedy


def _total(tier: Tier, quantity: Decimal | None = None) -> Decimal:
    units = tier.up_to if quantity is None else quantity
    return EXACT.add(EXACT.multiply(units or Decimal(0), tier.unit_price), tier.flat)
