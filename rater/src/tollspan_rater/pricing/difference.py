"""What differs between two price books: documents, prices and settings that were added, removed or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from tollspan_rater.pricing.book import PriceBook
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.price_text import price_text, value_text


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of ``document``, e.g. ``card models``; ``None`` on a side: what ``name`` says is not there."""

    document: str
    name: str
    was: str | None
    now: str | None

    @property
    def kind(self) -> str:
        """Return ``added``, ``removed`` or ``changed``."""
        if self.was is None:
            return "added"
        return "removed" if self.now is None else "changed"


def differences(old: PriceBook, new: PriceBook) -> tuple[Change, ...]:
    """Return every difference of meaning, by kind and name of document; notation, order and comments are none."""
    found: list[Change] = []
    for kind in _collections(new):
        was, now = getattr(old, kind.name), getattr(new, kind.name)
        for name in sorted({*was, *now}):
            found.extend(_document(f"{kind.singular} {name}", was.get(name), now.get(name)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Collection:
    name: str

    @property
    def singular(self) -> str:
        return {"addons": "add-on"}.get(self.name, self.name if self.name == "terms" else self.name.removesuffix("s"))


def _collections(book: PriceBook) -> Iterator[_Collection]:
    for one in fields(book):
        if one.compare and isinstance(getattr(book, one.name), Mapping):
            yield _Collection(one.name)


def _document(title: str, old: Any, new: Any) -> Iterator[Change]:
    """Compare two documents field by field; a whole document that comes or goes is one change and its prices."""
    if old is None or new is None:
        there = new if old is None else old
        said = _settings(there)
        yield Change(title, "", said if new is None else None, said if old is None else None)
    for one in fields(new if old is None else old):
        was, now = (None if side is None else getattr(side, one.name) for side in (old, new))
        if _priced(was) or _priced(now):
            yield from _items(title, was or (), now or ())
        elif old is not None and new is not None and one.compare and was != now:
            yield from _field(title, one.name, was, now)


def _settings(document: Any) -> str:
    shown = (one for one in fields(document) if one.compare and not _priced(getattr(document, one.name)))
    said = ((one.name, getattr(document, one.name)) for one in shown if one.name not in {"name", "title"})
    return ", ".join(f"{name.replace('_', ' ')} {value_text(value)}" for name, value in said if not _empty(value))


def _field(title: str, name: str, was: Any, now: Any) -> Iterator[Change]:
    """Yield the change of one setting; of a group of settings only those that differ."""
    if is_dataclass(was) and type(was) is type(now) and not isinstance(was, type):
        for one in fields(was):
            if one.compare and getattr(was, one.name) != getattr(now, one.name):
                yield from _field(title, f"{name} {one.name}", getattr(was, one.name), getattr(now, one.name))
        return
    yield Change(title, name.replace("_", " "), value_text(was), value_text(now))


def _items(title: str, old: tuple[PriceItem, ...], new: tuple[PriceItem, ...]) -> Iterator[Change]:
    """Compare price items by their keys; the order of prices has no meaning."""
    before, after = ({item.key: item for item in items} for items in (old, new))
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        texts = [None if item is None else _item_text(item) for item in (was, now)]
        yield Change(title, f"price {key}", *texts)


def _item_text(item: PriceItem) -> str:
    return price_text(item) + ("" if item.takes_children else ", no fallback")


def _priced(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], PriceItem)


def _empty(value: Any) -> bool:
    return value is None or value in ((), {}, "")
