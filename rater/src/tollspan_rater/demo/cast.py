"""Who and what appears in the demo: customers, plans, features, models, environments, with their weights."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from typing import Final, TypeVar

from tollspan.semconv import UsageApi

_FIRST: Final = (
    *("amber", "birch", "cobalt", "delta", "ember", "fjord", "granite", "harbor", "indigo", "juniper"),
    *("kestrel", "lumen", "meadow", "north", "opal", "pine", "quartz", "river", "summit", "tundra"),
)
_SECOND: Final = ("books", "clinic", "freight", "games", "homes", "labs", "legal", "media", "schools", "tools")
ZIPF_EXPONENT: Final = 1.1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the demo: its id, its plan and how many users it has."""

    name: str
    plan: str
    users: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model as its provider names it; ``cache_write`` tells whether writing to the prompt cache is billed."""

    provider: str
    name: str
    api: UsageApi
    weight: int
    reasons: bool = False
    cache_write: bool = False


MODELS: Final = (
    Model("openai", "gpt-4.1", "openai.chat", 26),
    Model("openai", "gpt-4.1-mini", "openai.chat", 24),
    Model("openai", "gpt-4o-mini", "openai.chat", 14),
    Model("openai", "o4-mini", "openai.responses", 8, reasons=True),
    Model("anthropic", "claude-sonnet-5-5", "anthropic.messages", 18, cache_write=True),
    Model("anthropic", "claude-haiku-5-5", "anthropic.messages", 10, cache_write=True),
)
# Large customers hold large plans: the upper end of a share of the ranks, and the plans drawn there.
PLANS: Final[Sequence[tuple[float, Sequence[tuple[str, int]]]]] = (
    (0.1, (("enterprise", 60), ("pro", 40))),
    (0.4, (("pro", 60), ("starter", 40))),
    (1.0, (("starter", 55), ("free", 45))),
)
# None: nobody said, which means production.
ENVIRONMENTS: Final[Sequence[tuple[str | None, int]]] = ((None, 940), ("staging", 20), ("test", 25), ("qa", 15))
FEATURES: Final = {
    "code": (("code completion", 70), ("code review", 30)),
    "conversation": (("support reply", 45), ("document summary", 35), ("search assistant", 20)),
}


def customers(count: int, rng: random.Random) -> tuple[Customer, ...]:
    """Make up customers, the busiest first; their names stay apart however many there are."""
    pairs = [f"{first}-{second}" for second, first in product(_SECOND, _FIRST)]
    rng.shuffle(pairs)
    names = [pairs[n % len(pairs)] + (f"-{n // len(pairs) + 1}" if n >= len(pairs) else "") for n in range(count)]
    plans = [next(plans for end, plans in PLANS if rank < end * count) for rank in range(count)]
    return tuple(Customer(name, draw(held, rng), rng.randrange(3, 40)) for name, held in zip(names, plans, strict=True))


def draw(weighted: Sequence[tuple[T, int]], rng: random.Random) -> T:
    """Draw one of some things by their weights."""
    return rng.choices([thing for thing, _ in weighted], [weight for _, weight in weighted])[0]


def zipf(count: int) -> Sequence[float]:
    """Return cumulative weights by rank: how production traffic spreads over customers."""
    return list(accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, count + 1)))
