"""What a writer needs beside the store, without a disk: a journal of requests, and a table of names that keeps none."""

from __future__ import annotations

from collections.abc import Sequence

from tollspan_rater.domain.entries import Entry


class Entries:
    """A journal in memory; positions follow ``after``."""

    def __init__(self, entries: Sequence[Entry], after: int) -> None:
        self._entries = list(entries)
        self._after = after

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:  # noqa: ARG002 - the batches are small
        """Return the entries after a position."""
        return self._entries[after - self._after :][:max_entries]


class Nobody:
    """Gives people ids that say who they are."""

    def subject_id(self, tenant: str, name: str) -> str:
        """Return the name."""
        return f"{tenant}:{name}"

    def remember(self, tenant: str, names: dict[str, str]) -> None:
        """Forget."""
