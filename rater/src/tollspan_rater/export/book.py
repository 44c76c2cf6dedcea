"""What the exporter asks of the place where items and their facts are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tollspan_rater.export.item import Item
from tollspan_rater.export.state import Fact, State


@dataclass(frozen=True, slots=True)
class Tracked:
    """An item and what is known of it."""

    item: Item
    state: State


class Book(Protocol):
    """The items of one target of one tenant. Facts are appended, never changed; the order they have is kept.

    At most one exporter works on a book at a time. Others may append while it does: a rejection that was told
    later, a person's decision.
    """

    def open(self, after: int, most: int) -> Sequence[Tracked]:
        """Return up to ``most`` items that are not at rest, with a place behind ``after``, by place; -1 begins."""
        ...

    def append(self, facts: Sequence[Fact]) -> None:
        """Write facts, all or nothing; they survive a power cut once this returns."""
        ...
