"""What the numbers of one span prove about each other: stronger than what the table of its dialect says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tollspan_rater.extract.normal import Counts

UNALLOCATED: Final = "unallocated_tokens"  # the provider's total holds tokens that no count on the span explains
SHORT_TOTAL: Final = "total_below_parts"
INPUT_EXCLUSIVE, INPUT_INCLUSIVE = "input_proved_exclusive", "input_proved_inclusive"
OUTPUT_EXCLUSIVE, OUTPUT_INCLUSIVE = "output_proved_exclusive", "output_proved_inclusive"

_MODALITIES_IN: Final = ("audio_in", "image_in")
_MODALITIES_OUT: Final = ("audio_out",)


@dataclass(frozen=True, slots=True)
class Stated:
    """What stands beside the counts: a total, the text among input and output (None: not said), other image output.

    ``thoughts_apart``: the model's provider states reasoning beside its output, so that a total can prove it.
    """

    total: int | None = None
    text_in: int | None = None
    text_out: int | None = None
    image_out: int = 0
    thoughts_apart: bool = False


def cached_in(counts: Mapping[str, int]) -> int:
    """Return how many tokens were read from or written to a cache."""
    return counts.get("cache_read", 0) + counts.get("cache_write", 0)


def add_left_out(counts: Counts, stated: Stated, *, cache: bool, reasoning: bool) -> tuple[tuple[str, ...], bool]:
    """Add to the stated totals what a dialect leaves out of them, in place.

    ``cache`` and ``reasoning`` say what the table knows to be left out. A proof that contradicts it holds, and is
    flagged. A total that is input plus output proves nothing of the cache: many instrumentations compute it.
    Return flags, and whether the input is sure: it has no cached part, or the numbers prove what it contains.
    """
    flags: list[str] = []
    excluded: bool | None = None
    before = counts.get("input", 0) + counts.get("output", 0)
    cached = cached_in(counts)
    if cached and "input" in counts:
        excluded = _input_excludes(counts, cached, stated)
        if excluded is not None and excluded is not cache:
            flags.append(INPUT_EXCLUSIVE if excluded else INPUT_INCLUSIVE)
        counts["input"] += cached if (cache if excluded is None else excluded) else 0
    thoughts = counts.get("reasoning", 0)
    if thoughts and "output" in counts and (reasoning or stated.thoughts_apart):
        apart = _output_excludes(counts, thoughts, stated)
        if apart is not None and apart is not reasoning:
            flags.append(OUTPUT_EXCLUSIVE if apart else OUTPUT_INCLUSIVE)
        counts["output"] += thoughts if (reasoning if apart is None else apart) else 0
    if stated.total is not None and stated.total != before:
        flags += _gap(counts, stated.total)
    return tuple(flags), excluded is not None or not cached


def _input_excludes(counts: Mapping[str, int], cached: int, stated: Stated) -> bool | None:
    """Prove that the input leaves the cache out (True) or contains it (False); None when nothing proves it.

    Cache counts larger than the input; a total equal to input, output and cache; the sum over modalities.
    """
    total_in = counts["input"]
    if cached > total_in or stated.total == total_in + counts.get("output", 0) + cached:
        return True
    if stated.text_in is None:
        return None
    parts = stated.text_in + sum(counts.get(part, 0) for part in _MODALITIES_IN)
    return {total_in + cached: True, total_in: False}.get(parts)


def _output_excludes(counts: Mapping[str, int], thoughts: int, stated: Stated) -> bool | None:
    """Prove that the output leaves the reasoning out (True) or contains it (False); None when nothing proves it.

    The provider's total, with or without the reasoning; the sum over modalities, which holds no thoughts.
    """
    total_in, total_out = counts.get("input", 0), counts["output"]
    if stated.total is not None and stated.total in {total_in + total_out, total_in + total_out + thoughts}:
        return stated.total != total_in + total_out
    if stated.text_out is None:
        return None
    parts = stated.text_out + stated.image_out + sum(counts.get(part, 0) for part in _MODALITIES_OUT)
    return {total_out: True, total_out - thoughts: False}.get(parts)


def _gap(counts: Mapping[str, int], total: int) -> list[str]:
    explained = counts.get("input", 0) + counts.get("output", 0)
    return [UNALLOCATED] if total > explained else [SHORT_TOTAL] if total < explained else []
