"""Whose credential a request carries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends or asks; ``key_id`` is empty where no key is needed.

    ``customer`` binds a ``customer-query`` key to one customer of its tenant.
    """

    tenant: str
    key_id: str
    scopes: frozenset[str]
    customer: str | None = None
