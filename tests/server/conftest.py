"""A whole rater on a folder of the test, with a clock that stands still."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.pipeline.rig import empty_store
from tollspan_rater.config.sources import Resolved, resolve
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import Encoding, NewBatch
from tollspan_rater.ingest.content import strip
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.opening import STORE_FILE
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.digest import table_digests
from tollspan_rater.store.fates import counts
from tollspan_rater.store.folder import Folder

T0 = 1_795_000_000_000_000_000
SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def call(number: int, user: str | None = None, *, start_ns: int = T0, **attributes: Any) -> ExportTraceServiceRequest:
    """A request with one call of 100 + ``number`` input and 10 output tokens; ``__`` in a name stands for a dot."""
    request = ExportTraceServiceRequest()
    scoped = request.resource_spans.add().scope_spans.add()
    scoped.scope.name = "tollspan"
    span = scoped.spans.add(
        trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), name="chat", kind=3,
        start_time_unix_nano=start_ns, end_time_unix_nano=start_ns + SECOND,
    )  # fmt: skip
    said: dict[str, Any] = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5", "gen_ai.usage.input_tokens": 100 + number,
        "gen_ai.usage.output_tokens": 10, "tollspan.customer": "acme", "tollspan.outcome": "complete",
        "tollspan.quality": "exact", "tollspan.record.id": f"r{number}",
    }  # fmt: skip
    if user is not None:
        said["tollspan.user"] = user
    for key, value in (said | {name.replace("__", "."): value for name, value in attributes.items()}).items():
        one = span.attributes.add(key=key).value
        setattr(one, "int_value" if isinstance(value, int) else "string_value", value)
    return request


class Bench:
    """A folder, its configuration and clock; raters that are opened on it one after the other."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path)
        self.clock = FixedClock(T0 + 60 * SECOND)
        self.flags: dict[str, Any] = {"data": str(path)}
        self._open = ExitStack()
        self._rater: Rater | None = None

    @property
    def resolved(self) -> Resolved:
        return resolve(self.flags, {}, self.folder.path.parent)

    @property
    def rater(self) -> Rater:
        """The rater on the folder; opened, with the folder's lock, when none is."""
        if self._rater is None:
            new = not self.folder.path.exists()
            self.folder.create()
            if new:  # with a store that is made already
                shutil.copy(empty_store(), self.folder.store / STORE_FILE)
            self._open.enter_context(self.folder.lock("a test"))
            self._rater = Rater(self.folder, self.resolved, self.clock)
            self._rater.start()
            self._open.callback(self._rater.close)
        return self._rater

    def close(self) -> None:
        self._rater = None
        self._open.close()

    def send(self, body: ExportTraceServiceRequest | bytes, encoding: Encoding = "otlp-proto") -> int:
        raw = body if isinstance(body, bytes) else body.SerializeToString()
        clean = strip(raw, encoding)
        return self.rater.append([NewBatch(self.clock.now_ns(), "default", "10.0.0.7", clean.encoding, clean.body)])

    def execute(self, kind: str, **body: Any) -> Receipt:
        return self.rater.execute(kind, body, tenant="default", actor="test")

    def ask(self, question: str, **params: str) -> Answer:
        from tollspan_rater.query.questions import question as known

        read = known(question).read({name: [value] for name, value in params.items()})
        return self.rater.ask(question, read, tenant="default")

    def digests(self) -> dict[str, str]:
        return table_digests(self.rater.database.reader())

    def fates(self) -> dict[str, int]:
        return counts(self.rater.database.reader(), "default")

    def usage(self) -> dict[str, Any]:
        return {str(row["customer"]): (row["calls"], row["input_tokens"]) for row in self.ask("usage").rows}

    def days(self, *, count: int) -> Iterator[int]:
        """Let days begin, one after the other."""
        for _ in itertools.repeat(None, count):
            yield self.clock.now_ns()
            self.clock.set(self.clock.now_ns() + DAY)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "data")
    yield made
    made.close()
