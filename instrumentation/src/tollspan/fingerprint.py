"""A keyed fingerprint of a request, so that repeated ones can be counted without keeping what was asked.

Keyed, because prompts are often short or known: without the key nobody can try them out against a plain digest.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

DELIVERY = frozenset({"stream", "stream_options"})  # how the answer is sent, not what is asked
DIGITS = 32


def fingerprint(key: bytes, host: str, path: str, body: Mapping[str, Any]) -> str | None:
    """Return 32 hex digits of HMAC-SHA256 over host, path and body; ``None`` for a body that is no JSON object.

    The order of keys and the space between them do not matter, nor whether the answer is streamed.
    """
    if not body:
        return None
    asked = {name: value for name, value in body.items() if name not in DELIVERY}
    normal = json.dumps([host.lower(), path, asked], sort_keys=True, separators=(",", ":"))
    return hmac.new(key, normal.encode(), hashlib.sha256).hexdigest()[:DIGITS]
