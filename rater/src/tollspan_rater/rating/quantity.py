"""Quantities of the meter tree: from inclusive counts to parts that each are charged once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.meters import ALSO_IN, PARENT
from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage
from tollspan_rater.pricing.tree import TOKENS, TREE

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
# Children before parents: a count that nobody stated is at least the sum of its known parts.
FILLED: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("cache_write", ("cache_write_5m", "cache_write_1h")),
    ("input", ("cache_read", "cache_write", "audio_in", "image_in")),
    ("output", ("reasoning", "audio_out")),
)


def of_usage(usage: Usage) -> dict[str, Decimal]:
    """Return the known inclusive quantities of a provider call, one ``request`` among them.

    A count that is unknown while parts of it are known is filled with their sum. Whoever sums up calls
    before rating must fill each call first: ``coalesce(cache_write, cache_write_5m + cache_write_1h)``.
    """
    known = {meter: Decimal(count) for meter in TOKEN_FIELDS if (count := getattr(usage, meter)) is not None}
    for parent, parts in FILLED:
        stated = [known[part] for part in parts if part in known]
        if parent not in known and stated:
            known[parent] = exact_sum(stated)
    return {"request": ONE, **known, **usage.units}


def exclusive(quantities: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Take each known part out of the nearest known quantity that contains it.

    The results add up to the roots, in every branch. ``tokens`` as a quantity of its own holds tokens that
    nobody split, so that input and output are not taken out of it. Works on sums as on single calls.
    """
    own = dict(quantities)
    subtract = EXACT.subtract
    for meter, quantity in quantities.items():
        parent = PARENT.get(meter)
        while parent is not None and parent not in own:
            parent = PARENT.get(parent)
        if parent is not None:
            own[parent] = subtract(own[parent], quantity)
        also = ALSO_IN.get(meter)
        if also is not None and also in own and "input" in own:  # it was in both, so it is out of the input twice
            own[also] = subtract(own[also], quantity)
            own["input"] = EXACT.add(own["input"], quantity)
    return own


def covered(meter: str, meters: Collection[str]) -> bool:
    """Tell whether a meter is one of some, or part of one."""
    return any(at in meters for at in path(meter))


def without(quantities: Mapping[str, Decimal], meters: Collection[str]) -> dict[str, Decimal]:
    """Leave some meters and their parts out of inclusive quantities, also out of the wholes that contain them."""
    left = dict(quantities)
    for meter, own in exclusive(quantities).items() if meters else ():
        if covered(meter, meters):
            left.pop(meter)
            wholes = {*path(meter)[1:], ALSO_IN.get(meter, meter)} - {TOKENS, meter}
            for whole in wholes & quantities.keys():
                left[whole] = EXACT.subtract(left.get(whole, ZERO), own)
    return {meter: quantity for meter, quantity in left.items() if not covered(meter, meters)}


def inclusive(quantities: Mapping[str, Decimal], meter: str) -> Decimal:
    """Return how much of an allowance's meter was used; ``tokens`` is input, output and what nobody split."""
    if meter != TOKENS:
        return quantities.get(meter, ZERO)
    return exact_sum(quantities.get(part, ZERO) for part in (TOKENS, "input", "output"))


def path(meter: str) -> tuple[str, ...]:
    """Return a meter and all that contain it, nearest first."""
    found = [meter]
    while found[-1] in TREE:
        found.append(TREE[found[-1]])
    return tuple(found)
