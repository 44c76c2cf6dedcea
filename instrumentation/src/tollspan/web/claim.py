"""The claims of a JSON Web Token, decoded and not verified: the application has done that before it answers anybody."""

from __future__ import annotations

import base64
import json
from typing import Any

_BEARER = "bearer "


def claims(authorization: str | None) -> dict[str, Any]:
    """Return the claims of a bearer token (RFC 7519, compact form); empty when there is none or it is damaged."""
    if authorization is None or not authorization.lower().startswith(_BEARER):
        return {}
    _header, _, rest = authorization[len(_BEARER) :].strip().partition(".")
    payload = rest.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
