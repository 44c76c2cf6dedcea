"""Drafts and facts as plain JSON values, as the journal and the store keep them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic import TypeAdapter

from tollspan_rater.export.draft import Draft
from tollspan_rater.export.state import Fact

_DRAFT: Final = TypeAdapter(Draft)
_DEFAULTS: Final = {one.name: one.default for one in fields(Fact)}


def draft_document(draft: Draft) -> dict[str, Any]:
    """Return a draft as JSON values, decimals as exact text."""
    document: dict[str, Any] = _DRAFT.dump_python(draft, mode="json")
    return document


def draft_of(document: Mapping[str, Any]) -> Draft:
    """Read a draft that this release or an older one wrote."""
    return _DRAFT.validate_python(document)


def fact_document(fact: Fact) -> dict[str, Any]:
    """Return a fact as JSON values, without what says nothing."""
    said = {name: getattr(fact, name) for name in _DEFAULTS}
    return {name: value for name, value in said.items() if value != _DEFAULTS[name]}


def fact_of(item_id: str, document: Mapping[str, Any]) -> Fact:
    """Read a fact; names of a newer release are left out."""
    known = {name: value for name, value in document.items() if name in _DEFAULTS}
    return Fact(**{**known, "item_id": item_id})
