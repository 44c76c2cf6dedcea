"""The one JSON text of frozen pricing data: equal meaning, equal text, in every release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

# Metadata of a field that a later release added: while it holds its default it is left out, so that versions
# of price books and names of components made before it existed stay what they were.
LATER: Final[Mapping[str, bool]] = {"later": True}


def canonical(value: Any) -> str:
    """Return the one JSON text of frozen pricing data; fields that do not count in comparisons are left out."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        known = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if _counts(f, getattr(value, f.name))}
        return {"": type(value).__name__, **known}
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def _counts(of: Field[Any], value: Any) -> bool:
    if not of.compare:
        return False
    default = of.default_factory() if of.default_factory is not MISSING else of.default
    return not (of.metadata.get("later") and value == default)
