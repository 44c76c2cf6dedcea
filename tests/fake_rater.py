"""A rater for the tests of the doors: it notes what reaches it and answers from a list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from tollspan_rater.config.sources import Resolved
from tollspan_rater.domain.identity import Identity
from tollspan_rater.errors import FolderBusyError, TollspanError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import Receipt

ANSWER = Answer(
    "Usage",
    ("customer", "calls", "charge", "cost", "note", "trace_ids", "tags", "billable"),
    [
        {
            "customer": "acme",
            "calls": 12,
            "charge": Decimal("1.50"),
            "cost": Decimal("0.1234567890123456789"),
            "note": "=1+1",
            "trace_ids": ["a", "b"],
            "tags": {"team": "x"},
            "billable": True,
        },
        {"customer": None, "calls": 0, "charge": Decimal("-0.01"), "cost": None, "note": "[red]", "billable": False},
    ],
    as_of=7,
    zone="Europe/Berlin",
    notes=("1 call has no customer",),
    totals={"calls": 12, "charge": Decimal("1.49")},
    details={"sum": Decimal("1.49"), "list": [1, None]},
)


@dataclass
class FakeRater:
    answer: Answer = ANSWER
    answers: dict[str, Answer] = field(default_factory=dict)  # by question, where they differ from ``answer``
    error: TollspanError | None = None
    unread: tuple[str, ...] = ()  # what files hold besides
    keys: dict[str, Identity] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    executed: list[tuple[str, dict[str, Any], str, str]] = field(default_factory=list)
    imported: list[tuple[str, str, str, str]] = field(default_factory=list)

    def ask(self, question: str, params: Mapping[str, str], *, tenant: str) -> Answer:
        self.asked.append((question, dict(params), tenant))
        self._fail()
        return self.answers.get(question, self.answer)

    def execute(self, kind: str, body: Mapping[str, Any], *, tenant: str, actor: str) -> Receipt:
        self.executed.append((kind, dict(body), tenant, actor))
        self._fail()
        return Receipt(42, {"done": kind, "amount": Decimal("0.10")})

    def import_stream(self, stream: BinaryIO, *, name: str, tenant: str, actor: str) -> Receipt:
        digest = hashlib.sha256()
        size = 0
        while chunk := stream.read(65_536):
            digest.update(chunk)
            size += len(chunk)
        self.imported.append((name, digest.hexdigest(), tenant, actor))
        self._fail()
        left_out = {"not_read": len(self.unread), "unread": self.unread} if self.unread else {}
        return Receipt(43, {"bytes": size} | left_out)

    def authenticate(self, token: str | None) -> Identity | None:
        return self.keys.get(token or "")

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class FakeBackend:
    rater: FakeRater = field(default_factory=FakeRater)
    served: list[Resolved] = field(default_factory=list)
    opened: list[Resolved] = field(default_factory=list)
    checked: list[dict[str, str]] = field(default_factory=list)
    restored: list[tuple[Path, Path]] = field(default_factory=list)
    busy: Callable[[], object] | None = None  # another process owns the folder; called when that is found out

    def serve(self, resolved: Resolved, /) -> None:
        self.served.append(resolved)

    @contextmanager
    def open_folder(self, resolved: Resolved, /) -> Iterator[FakeRater]:
        self.opened.append(resolved)
        if self.busy is not None:
            self.busy()
            raise FolderBusyError(resolved.config.data, "process 7")
        yield self.rater

    def restore(self, resolved: Resolved, backup: Path, /) -> Receipt:
        self.restored.append((resolved.config.data, backup))
        return Receipt(9, {"entries": 9})

    def check_pricing(self, files: Mapping[str, str], /) -> Answer:
        self.checked.append(dict(files))
        return self.rater.answer
