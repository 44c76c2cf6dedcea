"""Which form of an answer an Accept header wishes most (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WEIGHT: Final = re.compile(r";\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)")


@dataclass(frozen=True, slots=True)
class _Range:
    """One part of the header: ``text/csv``, ``text/*`` or ``*/*``, how much it is wished, and its place."""

    media: str
    weight: float
    place: int

    def fits(self, media: str) -> bool:
        kind, _, rest = self.media.partition("/")
        return self.media == media or (rest == "*" and kind in {"*", media.partition("/")[0]})

    def preciseness(self) -> int:
        return -self.media.count("*")


def wished(accept: str, offered: Sequence[str]) -> str:
    """Return the media type of ``offered`` that the header wishes most; the first one where it wishes none of them.

    The greatest weight decides, then the more precise wish, then the order of the header, then that of ``offered``.
    """
    parts = [_range(part.strip().lower(), place) for place, part in enumerate(accept.split(",")) if part.strip()]
    ranked = [(*_rank(media, parts), media) for media in offered]
    weight, *_rest, media = max(ranked, key=lambda one: one[:-1])
    return str(media) if weight else offered[0]


def _range(part: str, place: int) -> _Range:
    weight = _WEIGHT.search(part)
    return _Range(part.partition(";")[0].strip(), float(weight[1]) if weight else 1.0, place)


def _rank(media: str, parts: Sequence[_Range]) -> tuple[float, int, int]:
    """Return weight, preciseness and place of the most precise wish that a media type fulfils."""
    fitting = [part for part in parts if part.fits(media)]
    if not fitting:
        return 0.0, 0, 0
    said = max(fitting, key=_Range.preciseness)
    return said.weight, said.preciseness(), -said.place
