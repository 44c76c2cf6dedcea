"""A book in memory."""

from __future__ import annotations

from collections.abc import Sequence

from tollspan_rater.export.book import Tracked
from tollspan_rater.export.item import Item
from tollspan_rater.export.state import PLANNED, Fact, State, after


class MemoryBook:
    """Keeps items and facts of one target; what is appended is as good as on the disk."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.facts: list[Fact] = []
        self._states: dict[str, State] = {}

    def plan(self, items: Sequence[Item]) -> None:
        self.items.update({item.item_id: item for item in items})

    def open(self, after: int, most: int) -> Sequence[Tracked]:
        tracked = (Tracked(item, self.state(item.item_id)) for item in self.items.values() if item.place > after)
        return [one for one in tracked if not one.state.at_rest][:most]

    def append(self, facts: Sequence[Fact]) -> None:
        self.facts.extend(facts)
        for fact in facts:
            self._states[fact.item_id] = after(self.state(fact.item_id), fact)

    def state(self, item_id: str) -> State:
        return self._states.get(item_id, PLANNED)
