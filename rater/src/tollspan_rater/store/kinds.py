"""Kinds of calls: what those have in common whose legs are added up into one row of kept sums.

A kind has a number, a digest of all that its calls agree in. So sums are read and added up as numbers, and what a kind
is stands once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from tollspan_rater.store.weighed_leg import AGREED, COUNTS, RARE, weighed_legs

KINDS: Final = "kept.kinds"
_SAID: Final = ", ".join(f'any_value("{name}") AS "{name}"' for name in AGREED)
_STATED: Final = ", ".join(f'count("{name}") > 0' for name in COUNTS)
_LEGS: Final = weighed_legs(("alike", "position", "step", *AGREED, *COUNTS))
# What a kind is, from any of its legs.
OF_LEGS: Final = f"""
    SELECT alike, {_SAID}, any_value(step) AS step, [{_STATED}] AS stated
    FROM ({_LEGS}) WHERE {{condition}} GROUP BY alike
"""  # noqa: S608 - our names
_RARE: Final = re.compile(f'"({RARE})"')
_AMONG: Final = "alike IN (SELECT unnest($numbers::UBIGINT[]))"


@dataclass(frozen=True, slots=True)
class Kind:
    """What the calls of a kind agree in.

    ``said`` are columns of theirs. ``step`` is the highest price step that each call's input tokens are above, 0 below
    the first. ``stated`` are the counts that each of them states; of any other, none does.
    """

    number: int
    said: Mapping[str, Any]
    step: int
    stated: frozenset[str]

    @property
    def alone(self) -> bool:
        """Whether each call of the kind stands alone: it knows rare parts of its totals."""
        return bool(_RARE.search(self.said["units"] or ""))


class Kinds:
    """What is known of kinds by now; as a number says all of its kind, nothing known is ever outdated.

    Where each call has units of its own (seconds of sound), there are as many kinds as calls: no more than ``most`` are
    remembered.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._known: dict[int, Kind] = {}

    def of(self, connection: duckdb.DuckDBPyConnection, through: int, numbers: Collection[int]) -> Mapping[int, Kind]:
        """Return some kinds by their number; those that are not remembered are looked up.

        Kept sums know those of legs up to the position ``through``, but for legs that were taken back at once.
        """
        known = self._known
        found = {number: known[number] for number in numbers if number in known}
        wheres = [f"SELECT * FROM {KINDS} WHERE {_AMONG}"]  # noqa: S608 - our names
        wheres += [OF_LEGS.format(condition=f"{_AMONG}{only}") for only in (f" AND position > {through}", "")]
        for query in wheres:
            missing = [number for number in numbers if number not in found]
            if missing:
                found |= {row[0]: _kind(row) for row in connection.execute(query, {"numbers": missing}).fetchall()}
        if not found.keys() <= known.keys():
            self._known = next((some for some in (known | found, found) if len(some) <= self._most), {})
        return found


def _kind(row: tuple[Any, ...]) -> Kind:
    number, *said, step, stated = row
    names = (name for name, is_stated in zip(COUNTS, stated, strict=True) if is_stated)
    return Kind(number, dict(zip(AGREED, said, strict=True)), step, frozenset(names))
