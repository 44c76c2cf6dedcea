"""An item: a draft as it will be told to a target, frozen when it was planned. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tollspan_rater.export.draft import Draft
from tollspan_rater.export.target import Element

_ID_LENGTH: Final = 35  # of tollspan_rater.export.draft.item_id


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to hand over. ``place`` counts the items of a target in the order in which they were planned.

    ``element`` is the draft in the target's words, ``stamp_ns`` when it says it happened; both never change.
    """

    item_id: str
    place: int
    draft: Draft
    stamp_ns: int
    element: Element


def key_of(item_id: str, absents: int) -> str:
    """Return the idempotency key of an item after so many looks that found nothing."""
    return f"{item_id}_{absents}" if absents else item_id


def item_of(key: str) -> str:
    """Return the id of the item that an idempotency key belongs to."""
    return key[:_ID_LENGTH]
