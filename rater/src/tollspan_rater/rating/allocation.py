"""Shared amounts, divided among those who share them so that nothing is lost and nothing is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

from tollspan_rater.domain.money import allocate

AllocationRule = Literal["equal", "usage", "weights"]

_FINEST: Final = 12  # decimals of a part, or as many as the shared amount has


def parts_of(
    shared: Decimal,
    own: Mapping[str, Decimal],
    rule: AllocationRule,
    weights: Mapping[str, Decimal],
) -> dict[str, Decimal]:
    """Return who bears how much of a shared amount; the parts add up to it exactly.

    ``own`` maps those who share to what each has of its own: with ``equal`` all bear the same, with ``usage`` in
    proportion to it (who has a credit bears nothing; when nobody has anything, all bear the same). With ``weights``
    the named ones bear it in these proportions, whatever they have of their own. What is left of a division at the
    twelfth decimal goes to the largest remainders. Nobody to bear it: nothing is divided.
    """
    names = sorted(weights if rule == "weights" else own)
    by_rule = {
        "equal": [Decimal(1)] * len(names),
        "usage": [max(own.get(name, Decimal(0)), Decimal(0)) for name in names],
        "weights": [weights.get(name, Decimal(0)) for name in names],
    }
    found = by_rule[rule]
    proportions = found if any(found) else by_rule["equal"]
    return dict(zip(names, allocate(shared, proportions, _quantum(shared)), strict=True))


def _quantum(amount: Decimal) -> Decimal:
    exponent = amount.as_tuple().exponent
    return Decimal(1).scaleb(min(-_FINEST, exponent) if isinstance(exponent, int) else -_FINEST)


def read_weights(parts: Sequence[str]) -> dict[str, Decimal]:
    """Return the weights in texts like ``research=3``.

    Raises:
        ValueError: one is no name with a number above 0, or stands twice.
    """
    found: dict[str, Decimal] = {}
    for part in parts:
        name, _, text = part.rpartition("=")
        if not name or name in found or not text.replace(".", "", 1).isdecimal() or not Decimal(text):
            raise ValueError(f"{part!r} is no weight of its own: give NAME=NUMBER, for example research=3")
        found[name] = Decimal(text)
    return found
