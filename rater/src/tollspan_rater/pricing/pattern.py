"""Wildcard patterns on names of models and providers: ``*`` is any text, ``?`` any one character."""

from __future__ import annotations

import re
from functools import lru_cache

ANY = "*"
_HEAD = re.compile(r"[^*?]*")


def matches(pattern: str, name: str | None) -> bool:
    """Tell whether a name fits; an unknown name fits ``*`` only. Case counts."""
    return pattern == ANY or (name is not None and _compiled(pattern).fullmatch(name) is not None)


def specificity(pattern: str) -> tuple[bool, int]:
    """Rank a pattern: a full name beats a wildcard, more literal characters beat fewer."""
    literal = len(pattern) - pattern.count("*") - pattern.count("?")
    return (literal == len(pattern), literal)


@lru_cache(maxsize=4096)
def head(pattern: str) -> str:
    """Return what stands before the first wildcard; a full name ends with a mark that no other name has.

    Two patterns can meet only if one's head begins with the other's.
    """
    literal = _HEAD.match(pattern)
    head = literal[0] if literal else ""
    return head + "\0" if head == pattern else head


def can_meet(one: str, other: str) -> bool:
    """Tell whether some name fits both patterns."""
    if one == other or ANY in (one, other):
        return True
    left, right = head(one), head(other)
    if not (left.startswith(right) or right.startswith(left)):
        return False
    reachable = {(0, 0)}
    frontier = [(0, 0)]
    while frontier:
        i, j = frontier.pop()
        for step in _steps(one[i : i + 1], other[j : j + 1], i, j):
            if step not in reachable:
                reachable.add(step)
                frontier.append(step)
    return (len(one), len(other)) in reachable


def _steps(left: str, right: str, i: int, j: int) -> list[tuple[int, int]]:
    """Return where two patterns can stand after one more character, or after a star that takes none."""
    steps = []
    if left == "*":
        steps.append((i + 1, j))
        if right:
            steps.append((i, j + 1))
    if right == "*":
        steps.append((i, j + 1))
        if left:
            steps.append((i + 1, j))
    if left and right and "*" not in (left, right) and (left == right or "?" in (left, right)):
        steps.append((i + 1, j + 1))
    return steps


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
