"""Paths into JSON documents, as tables of places have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Path = tuple[str, ...]


def paths(*texts: str) -> tuple[Path, ...]:
    """Read paths: members joined by dots, ``*`` for each item of a list; the empty text is the document itself."""
    return tuple(tuple(text.split(".")) if text else () for text in texts)


def found(document: Any, path: Path) -> Iterable[Any]:
    """Return what stands at a path of a JSON document; a list on the way is gone through at ``*``."""
    for place, step in enumerate(path):
        if step == "*":
            rest = path[place + 1 :]
            return [one for item in document for one in found(item, rest)] if isinstance(document, list) else ()
        if not isinstance(document, dict):
            return ()
        document = document.get(step)
    return (document,)
