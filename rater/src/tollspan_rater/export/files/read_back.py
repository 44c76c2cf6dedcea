"""What the files of an export hold, read back from them for a reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.export.files.folder import Batches
from tollspan_rater.export.files.form import Form
from tollspan_rater.export.files.told import Keeps
from tollspan_rater.export.target import Entry, Held, Wanted

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A row as far as a reconciliation asks for it."""

    item: str
    at_ns: int
    quantity: Decimal | None
    amount: Decimal | None
    currency: str | None

    def value(self, currency: str) -> Decimal:
        """Return its amount of a currency, its quantity where none is named; what is empty adds nothing."""
        return (self.amount if currency else self.quantity) or ZERO


class ReadBack:
    """Adds up rows by customer, meter and time; each file is read once."""

    def __init__(self, batches: Batches, form: Form, keeps: Keeps) -> None:
        self._batches, self._form, self._keeps = batches, form, keeps
        self._read: set[str] = set()
        self._entries: dict[tuple[str | None, str | None], list[Kept]] = {}

    def held(self, wanted: Wanted) -> Held | None:
        """Return the rows that the files hold; None where one was taken away.

        Raises:
            OSError: the disk refused.
            ValueError: a file or manifest is not what was written.
        """
        if not self._read_new():
            return None
        key = (wanted.customer.get("customer"), wanted.meter.get("meter"))
        found = [one for one in self._entries.get(key, ()) if wanted.start_ns <= one.at_ns < wanted.end_ns]
        return Held.of(
            Entry.of(one.item, one.value(wanted.currency)) for one in found if wanted.currency in {"", one.currency}
        )

    def _read_new(self) -> bool:
        """Read the files that were not read yet; False when one is not there any more."""
        for batch in self._batches.names() - self._read:
            content = self._batches.content(batch)
            if content is None:
                return False
            for row in self._form.read(content):
                key = (row[self._keeps.customer], row[self._keeps.meter])
                self._entries.setdefault(key, []).append(self._entry(row))
            self._read.add(batch)
        return True

    def _entry(self, row: Mapping[str, str | None]) -> Kept:
        keeps = self._keeps
        at_ns = to_ns(datetime.fromisoformat(row[keeps.at] or ""))
        return Kept(
            row[keeps.item] or "",
            at_ns,
            _decimal(row, keeps.quantity),
            _decimal(row, keeps.amount),
            _cell(row, keeps.currency),
        )


def _cell(row: Mapping[str, str | None], name: str | None) -> str | None:
    return None if name is None else row[name]


def _decimal(row: Mapping[str, str | None], name: str | None) -> Decimal | None:
    text = _cell(row, name)
    return None if text is None else Decimal(text)
