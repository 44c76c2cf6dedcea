"""Questions about exports: how items stand, which items there are, what is unmapped, what the target says it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Answer

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater


def answer(rater: Rater, question: str, params: Mapping[str, str], *, tenant: str) -> Answer:
    """Answer a question about a tenant's exports."""
    raise NotFoundError("question", question, f"{params} {tenant} {rater}")
