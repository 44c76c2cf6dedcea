"""What a physical call uses: drawn from the case and its number in it, so that every run bills the same."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from tollspan_rater.demo.provider.bill import Counts

# Ranges are far apart and wide, so that two figures of one trace are hardly ever equal by chance.
FRESH = (11_000, 99_000)
READ = (210_000, 480_000)
WRITTEN = (510_000, 890_000)
OUTPUT = (1_100, 9_900)
REASONING = (10_100, 31_000)
TOOL_PROMPT = (310, 990)

# What a bill counts beside the figures, by the rater's meters; a part of a figure is smaller than its least value.
UNITS: Mapping[str, tuple[int, int]] = {
    "audio_in": (1_000, 4_000),
    "image_in": (5_000, 7_000),
    "audio_out": (100, 400),
    "image_out": (500, 700),
    "audio_second": (31, 290),
    "compaction_in": (1_200_000, 1_900_000),
    "compaction_out": (41_000, 90_000),
    "citation": (3_100, 8_900),
    "image": (1, 5),
    "ocr_page": (2, 30),
    "search_source": (3, 20),
    "search_unit": (2, 9),
    "web_fetch": (11, 19),
    "web_search": (2, 9),
}


@dataclass(frozen=True, slots=True)
class Draw:
    """The counts of one call; ``tool_prompt`` tokens of tool results are part of ``counts.input`` (Gemini)."""

    counts: Counts
    tool_prompt: int = 0
    units: Mapping[str, int] = field(default_factory=dict)

    def unit(self, name: str) -> int:
        """Return a unit's quantity, 0 where the call has none of it."""
        return self.units.get(name, 0)


def draw(case: str, number: int, traits: Collection[str]) -> Draw:
    """Draw the counts of call ``number`` of a case; traits ``cached``, ``reasoning``, ``tool-prompt`` add to them."""
    rng = random.Random(hashlib.sha256(f"{case} {number}".encode()).digest())  # noqa: S311 - reproducible on purpose
    fresh, output = rng.randrange(*FRESH), rng.randrange(*OUTPUT)
    read = rng.randrange(*READ) if "cached" in traits else 0
    written = rng.randrange(*WRITTEN) if "cached" in traits else 0
    long_lived = written // 3
    reasoning = rng.randrange(*REASONING) if "reasoning" in traits else 0
    tool_prompt = rng.randrange(*TOOL_PROMPT) if "tool-prompt" in traits else 0
    counts = Counts(
        input=fresh + read + written + tool_prompt,
        cache_read=read,
        cache_write_5m=written - long_lived,
        cache_write_1h=long_lived,
        output=output + reasoning,
        reasoning=reasoning,
    )
    return Draw(counts, tool_prompt)


def draw_units(case: str, number: int, names: Collection[str]) -> dict[str, int]:
    """Draw the named units of call ``number`` of a case; a unit's quantity does not depend on the others."""
    return {
        name: random.Random(f"{case} {number} {name}").randrange(*UNITS[name])  # noqa: S311 - reproducible on purpose
        for name in sorted(names)
    }


def without_caches(drawn: Draw, *, written: bool, read: bool = True) -> Draw:
    """Return the counts as an API without cache writes (or without caches at all) would state them."""
    counts = drawn.counts
    less = (counts.cache_write if written else 0) + (counts.cache_read if read else 0)
    kept = Counts(
        input=counts.input - less,
        cache_read=0 if read else counts.cache_read,
        cache_write_5m=0 if written else counts.cache_write_5m,
        cache_write_1h=0 if written else counts.cache_write_1h,
        output=counts.output,
        reasoning=counts.reasoning,
    )
    return replace(drawn, counts=kept)
