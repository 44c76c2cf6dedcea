"""JSON documents out of bytes."""

from __future__ import annotations

import json
from typing import Any, Final

_DECODE: Final = json.JSONDecoder().decode


def decoded(data: bytes | bytearray) -> Any:
    """Return a JSON document.

    Nearly all are UTF-8 without a mark, and read without asking which encoding it is.

    Raises:
        ValueError: it is none.
    """
    try:
        return _DECODE(data.decode())
    except ValueError:
        return json.loads(data)


def parsed(data: bytes) -> Any:
    """Return a JSON document; ``None`` for what is none."""
    try:
        return decoded(data)
    except ValueError:
        return None
