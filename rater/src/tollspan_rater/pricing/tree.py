"""The tree of meters that prices are found in: ``tokens`` is its root, above input and output."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.meters import PARENT, TOKEN_METERS, UNIT_METERS

TOKENS: Final = "tokens"  # input and output together
KNOWN_METERS: Final[tuple[str, ...]] = (TOKENS, *TOKEN_METERS, *UNIT_METERS)
TREE: Final[dict[str, str]] = {**PARENT, "input": TOKENS, "output": TOKENS}


def below(meter: str, ancestor: str) -> bool:
    """Tell whether a meter is ``ancestor`` or part of it."""
    at: str | None = meter
    while at is not None and at != ancestor:
        at = TREE.get(at)
    return at is not None
