"""Matches: which usage a price item is for, besides provider and model; each is a pattern on one dimension.

A price with dimensions outranks one without them; of two whose dimensions neither contains the other,
priority must decide, see :func:`rivals`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from tollspan_rater.pricing.document import Node
from tollspan_rater.pricing.pattern import ANY, can_meet, matches, specificity
from tollspan_rater.pricing.reading import Reading

DIMENSIONS: Final = (
    "feature", "feature_flag", "environment", "prompt", "prompt_version", "region", "agent", "workflow",
    "request_type", "organization", "project", "workspace", "user", "subscription", "phase", "operation",
    "service_tier", "outcome",
)  # fmt: skip
TAG: Final = "tags."
FACTS: Final = (*DIMENSIONS, "run", "provider", "model", f"{TAG}NAME")  # what `unique` can count
DEFAULTS: Final = {"environment": "production"}

Match = tuple[tuple[str, str], ...]  # (dimension, pattern), in the order of DIMENSIONS, then tags by name
Weight = tuple[tuple[bool, int], ...]


def read_match(node: Node | None, reading: Reading) -> Match:
    """Read ``match: {dimension: pattern}``; the pattern ``*`` asks for nothing and is left out."""
    table = reading.table(node, "match") if node is not None else None
    if table is None:
        return ()
    found = {}
    for name, value in table.entries.items():
        if name not in DIMENSIONS and not _is_tag(name):
            near = difflib.get_close_matches(name, DIMENSIONS, 1)
            remedy = f"Did you mean {near[0]}?" if near else f"Write one of: {', '.join(DIMENSIONS)}, {TAG}NAME"
            reading.findings.error(table.path, table.lines[name], f"there is no dimension {name!r} to match", remedy)
            continue
        pattern = reading.text(value, f"the pattern of {name}", ANY)
        if pattern != ANY:
            found[name] = pattern
    return tuple((name, found[name]) for name in sorted(found, key=_place))


def fits(match: Match, facts: Mapping[str, str | None]) -> bool:
    """Tell whether usage with these facts is meant; a fact that nobody stated fits no pattern."""
    return all(matches(pattern, facts.get(name) or DEFAULTS.get(name)) for name, pattern in match)


def weight(match: Match) -> Weight:
    """Return how specific each pattern is, the first dimension first."""
    return tuple(specificity(pattern) for _, pattern in match)


def rivals(one: Match, other: Match) -> bool:
    """Tell whether some usage fits both and neither is more specific.

    The dimensions of the one contain those of the other: it is more specific. Equal dimensions: their
    patterns decide, in the order of the dimensions. Otherwise nothing decides.
    """
    left, right = dict(one), dict(other)
    if any(name in right and not can_meet(pattern, right[name]) for name, pattern in one):
        return False
    if left.keys() == right.keys():
        return weight(one) == weight(other)
    return not (left.keys() < right.keys() or right.keys() < left.keys())


def is_fact(name: str) -> bool:
    """Tell whether a name is one of the facts of a call that distinct values can be counted of."""
    return name in FACTS[:-1] or _is_tag(name)


def _is_tag(name: str) -> bool:
    return name.startswith(TAG) and len(name) > len(TAG)


def _place(name: str) -> tuple[int, str]:
    return (DIMENSIONS.index(name) if name in DIMENSIONS else len(DIMENSIONS), name)
