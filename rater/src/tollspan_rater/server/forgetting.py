"""Forgetting a person: the name goes for good, every total stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollspan_rater.domain.entries import NewCommand
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.rater import Receipt

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater


def forget(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    """Delete a name from the table of names and from the journal, where its subject id takes its place."""
    name = body["subject"]
    subject = rater.names.forget(tenant, name) or rater.names.forget(tenant, name, kind="customer")
    if subject is None:
        raise NotFoundError("subject", name, "tollspan usage --by user shows names and ids.")
    command = NewCommand(rater.clock.now_ns(), tenant, actor, "forget", {"subject": subject})
    return Receipt(rater.append([command]), {"subject": subject})
