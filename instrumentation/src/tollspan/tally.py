"""What is billed beside a usage object: searches and other tools that the provider ran, counted in the output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tollspan.json_path import Path, found

MEMBER: Final = "tollspan"  # of a raw usage object: what is not the provider's own word


@dataclass(frozen=True, slots=True)
class Tally:
    """A meter that no usage object has.

    ``stated``: where the provider says how much; else the items at ``items`` count, with ``type`` only those of one
    type, with ``action`` only those that do that or do not say what they do. ``once_for``: how the names of models
    begin for which a call is billed once, however many there are. ``alone``: billed only where no usage is stated.
    """

    meter: str
    items: tuple[Path, ...]
    type: str = ""
    action: str = ""
    stated: tuple[Path, ...] = ()
    once_for: tuple[str, ...] = ()
    alone: bool = False

    def count(self, document: dict[str, Any], model: str) -> int:
        """Return how much of its meter a document reports."""
        told = (number for path in self.stated for number in found(document, path) if type(number) is int)
        number = next(told, None)
        if number is None:
            number = sum(self._fits(item) for item in self._items(document))
        return min(number, 1) if model.startswith(self.once_for or ("\0",)) else number

    def _items(self, document: dict[str, Any]) -> Iterator[Any]:
        return (item for path in self.items for item in found(document, path) if item)

    def _fits(self, item: Any) -> bool:
        if not self.type:
            return True
        action = next(iter(found(item, ("action", "type"))), None)
        return isinstance(item, dict) and item.get("type") == self.type and action in (None, self.action)
