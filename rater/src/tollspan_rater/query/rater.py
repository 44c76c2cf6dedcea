"""The door to a rater: what the CLI and the HTTP API need of whoever answers, near or far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Protocol

from tollspan_rater.domain.identity import Identity
from tollspan_rater.query.answer import Answer

SCOPES: Final[tuple[str, ...]] = (
    *("ingest", "usage", "query", "customer-query", "pricing", "export", "enforce", "admin"),
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A command that is durable and applied: its journal position and what it has to say."""

    position: int
    body: Mapping[str, Any] = field(default_factory=dict)


class RaterDoor(Protocol):
    """Questions, commands and imports on one data folder.

    The same methods stand before a folder opened here and before a server that owns it, so a caller
    need not know which it holds. Every method may raise a ``TollspanError``.
    """

    def ask(self, question: str, params: Mapping[str, str], *, tenant: str) -> Answer:
        """Answer a question of ``query.questions`` with parameters that its ``read`` has checked."""
        ...

    def execute(self, kind: str, body: Mapping[str, Any], *, tenant: str, actor: str) -> Receipt:
        """Make a command of ``query.commands`` durable, apply it, and only then return."""
        ...

    def import_stream(self, stream: BinaryIO, *, name: str, tenant: str, actor: str) -> Receipt:
        """Read one OTLP file to its end through the pipeline; ``name`` tells format and compression.

        The receipt's body counts what came of it, e.g. ``{"batches": 3, "spans": 1500}``.
        """
        ...

    def authenticate(self, token: str | None) -> Identity | None:
        """Return who a token belongs to, or ``None`` for a wrong, revoked or missing one."""
        ...
