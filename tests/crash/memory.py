"""What the writer reads from and what it tells names to, without files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tollspan_rater.domain.entries import Entry


class PlainNames:
    """People under their own names."""

    def subject_id(self, tenant: str, name: str) -> str:
        return name

    def remember(self, tenant: str, names: dict[str, str]) -> None:
        pass


class Entries:
    """A journal in memory that hands out ``sizes[n]`` entries at the n-th reading, then all."""

    def __init__(self, entries: Sequence[Entry], sizes: Iterable[int]) -> None:
        self._entries, self._sizes = entries, iter(sizes)

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        return list(self._entries[after : after + min(max_entries, next(self._sizes, max_entries))])
