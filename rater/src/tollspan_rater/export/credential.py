"""How a request says who sends it (RFC 7617)."""

from __future__ import annotations

import base64


def basic(user: str, password: str = "") -> str:
    """Return the value of an ``Authorization`` header for a user and a password; many APIs take a key as the user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
