"""What differs between two price books: documents, prices and settings that were added, removed or changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

from tollspan_rater.pricing.book import PriceBook
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.price_text import nothing, price_text, value_text

_KINDS: Final = {"cards": "card", "plans": "plan", "addons": "add-on", "terms": "terms"}  # collections of a price book
_NAMES: Final = ("name", "customer")  # fields that the document's own name repeats


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
    was, now = _documents(old), _documents(new)
    titles = dict.fromkeys([*now, *was])
    return tuple(change for title in titles for change in _document(title, was.get(title), now.get(title)))


def _documents(book: PriceBook) -> dict[str, Any]:
    """Return all documents of a book by title; a customer may have terms from several days."""
    found: dict[str, Any] = {}
    for collection, kind in _KINDS.items():
        for name, there in sorted(getattr(book, collection).items()):
            for one in there if isinstance(there, tuple) else (there,):
                since = getattr(one, "since", None)
                found[f"{kind} {name}" if since is None else f"{kind} {name} from {since}"] = one
    return found


def _document(title: str, old: Any, new: Any) -> Iterator[Change]:
    """Compare two documents field by field; one that comes or goes is one change and its prices."""
    if old is None or new is None:
        said = ", ".join(_settings(new if old is None else old))
        yield Change(title, "", said if new is None else None, said if old is None else None)
    else:
        for name in _setting_names(new):
            yield from _setting(title, name, getattr(old, name), getattr(new, name))
    yield from _items(title, _priced(old), _priced(new))


def _setting_names(document: Any) -> Iterator[str]:
    for one in fields(document):
        if one.compare and one.name not in {"items", "card", *_NAMES}:
            yield one.name


def _settings(document: Any) -> Iterator[str]:
    for name in _setting_names(document):
        value = getattr(document, name)
        if not nothing(value):
            yield f"{name.replace('_', ' ')} {value_text(value)}"


def _setting(title: str, name: str, was: Any, now: Any) -> Iterator[Change]:
    """Yield the change of one setting; of a group of settings only those that differ."""
    if was == now:
        return
    if is_dataclass(was) and type(was) is type(now):
        for one in (one.name for one in fields(was) if one.compare):
            yield from _setting(title, f"{name} {one}", getattr(was, one), getattr(now, one))
    elif isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*was, *now]):
            yield from _setting(title, f"{name} {key}", was.get(key), now.get(key))
    else:
        texts = [None if nothing(value) else value_text(value) for value in (was, now)]
        yield Change(title, name.replace("_", " "), *texts)


def _priced(document: Any) -> tuple[PriceItem, ...]:
    """Return the prices of a document: of a card, or of the card that a customer's terms bring."""
    card = document if isinstance(document, RateCard) else getattr(document, "card", None)
    return () if card is None else card.items


def _items(title: str, old: Iterable[PriceItem], new: Iterable[PriceItem]) -> Iterator[Change]:
    """Compare price items by their keys; in the order of prices an allowance is handed out."""
    before, after = ({item.key: item for item in items} for items in (old, new))
    orders = [[key for key in items if key in before and key in after] for items in (before, after)]
    if orders[0] != orders[1]:
        yield Change(title, "order of prices", *map(", ".join, orders))
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key), after.get(key)
        if was != now:
            yield Change(title, f"price {key}", *(None if item is None else price_text(item) for item in (was, now)))
