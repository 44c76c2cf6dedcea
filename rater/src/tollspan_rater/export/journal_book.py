"""The book of one export: items and facts in the journal, read from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb

from tollspan_rater.export.book import Tracked
from tollspan_rater.export.document import draft_of, fact_document, fact_of
from tollspan_rater.export.item import Item
from tollspan_rater.export.state import Fact, fold
from tollspan_rater.store import exports
from tollspan_rater.store.exports import ItemRow

Note = Callable[[str, Mapping[str, Any]], object]


class JournalBook:
    """What the exporter works on.

    Args:
        connection: gives a connection to the store, which holds at least everything that was durable when the
            exporter began: it reads each item once.
        note: makes a command of the journal durable before it returns, by kind and body.
        tenant: whose export it is.
        export: the export's name.
    """

    def __init__(
        self, connection: Callable[[], duckdb.DuckDBPyConnection], note: Note, tenant: str, export: str
    ) -> None:
        self._connection, self._note = connection, note
        self._tenant, self._export = tenant, export

    def open(self, after: int, most: int) -> Sequence[Tracked]:
        """Return up to ``most`` items that are not at rest, with a place behind ``after``, by place."""
        found: list[Tracked] = []
        while len(found) < most:
            rows = exports.items(self._connection(), self._tenant, self._export, after=after, most=most, unsettled=True)
            found += [one for one in map(tracked, rows) if not one.state.at_rest]
            if len(rows) < most:
                break
            after = rows[-1].place
        return found[:most]

    def append(self, facts: Sequence[Fact]) -> None:
        """Write facts, all or nothing; they survive a power cut once this returns."""
        if facts:
            self._note("export.facts", {"export": self._export, "facts": [fact_document(fact) for fact in facts]})


def tracked(row: ItemRow) -> Tracked:
    """Return an item of the store with its state."""
    item = Item(row.item_id, row.place, draft_of(row.draft), row.stamp_ns, row.element)
    return Tracked(item, fold(fact_of(row.item_id, fact) for fact in row.facts))
