"""Addresses of the pages: what they show stands in their query, so any name fits."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

ROOT: Final = "/pages"
OVERVIEW: Final = f"{ROOT}/"
SIGN_IN: Final = f"{ROOT}/sign-in"


def page(name: str, **asked: str | None) -> str:
    """Return the address of a page; what is None is left out. The overview's name is empty."""
    query = urlencode({key: value for key, value in asked.items() if value is not None})
    return f"{ROOT}/{name}" + (f"?{query}" if query else "")


def within(address: str) -> str:
    """Return an address if it is one of the pages, else that of the overview: nobody is sent elsewhere."""
    plain = address.isprintable() and "\\" not in address
    return address if plain and address.startswith(OVERVIEW) and "//" not in address.partition("?")[0] else OVERVIEW
