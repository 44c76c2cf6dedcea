"""A journal in memory, spans as the bytes of requests, and a store behind the real pipeline."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from tollspan_rater.domain.entries import Batch, Command, Entry
from tollspan_rater.domain.span import AttributeValue, Span
from tollspan_rater.extract.evidence import sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.batches import Meaning
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.server.meaning import MEANING
from tollspan_rater.store import fates
from tollspan_rater.store.database import Database
from tollspan_rater.store.digest import table_digests

NOW = 1_790_000_100 * 1_000_000_000
READER = Reader(decode, extract, sealed)


@dataclass
class MemoryJournal:
    """Entries with the positions 1, 2, 3 ...; ``step`` bounds how many one read gives."""

    entries: list[Entry] = field(default_factory=list)
    step: int = 256

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        assert max_bytes > 0
        return self.entries[after : after + min(self.step, max_entries)]

    def batch(self, *spans: Span, tenant: str = "t1", sender: str = "s", received_ns: int = NOW) -> int:
        position = len(self.entries) + 1
        self.entries.append(Batch(position, received_ns, tenant, sender, "otlp-json", request(spans)))
        return position

    def raw(self, body: bytes, tenant: str = "t1") -> int:
        self.entries.append(Batch(len(self.entries) + 1, NOW, tenant, "s", "otlp-json", body))
        return len(self.entries)

    def command(self, kind: str, body: dict[str, Any], *, tenant: str = "t1", at_ns: int = NOW) -> int:
        self.entries.append(Command(len(self.entries) + 1, at_ns, tenant, "me", kind, body))
        return len(self.entries)

    def replay(self, *pieces: str, at_ns: int = NOW) -> int:
        return self.command("quarantine.replay", {"pieces": list(pieces)}, at_ns=at_ns)


class Rig:
    """A store in a folder, fed from a journal; ``restart`` closes it and opens it again."""

    def __init__(
        self,
        folder: Path,
        journal: MemoryJournal | None = None,
        reader: Reader = READER,
        meaning: Meaning = MEANING,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.journal = MemoryJournal() if journal is None else journal
        self.path = folder / "store.duckdb"
        shutil.copy(empty_store(), self.path)
        self._reader, self._meaning, self._failpoint = reader, meaning, failpoint
        self.open()

    def open(self) -> None:
        self.database = Database(self.path, self._failpoint, block_rows=16)  # small, so that look-ups go through files
        self.writer = Writer(self.journal, self.database, self._reader, self._meaning)

    def restart(self, reader: Reader | None = None, meaning: Meaning | None = None) -> None:
        self.database.close()
        self._reader, self._meaning = reader or self._reader, meaning or self._meaning
        self.open()

    def feed(self, *spans: Span, tenant: str = "t1", received_ns: int = NOW) -> int:
        position = self.journal.batch(*spans, tenant=tenant, received_ns=received_ns)
        self.writer.catch_up()
        return position

    def replay(self, *pieces: str, at_ns: int = NOW) -> int:
        position = self.journal.replay(*pieces, at_ns=at_ns)
        self.writer.catch_up()
        return position

    def try_on(self, trial: Database, position: int) -> None:
        """Apply the command at a position to another database."""
        command = self.journal.entries[position - 1]
        assert isinstance(command, Command)
        Writer(self.journal, trial, self._reader, self._meaning).apply(command)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.database.reader().execute(query, list(values)).fetchall()

    def fates(self) -> dict[str, tuple[str, str | None, str | None]]:
        """Return ``position:ordinal`` -> fate, reason, held by."""
        found = self.rows(f"SELECT position, ordinal, fate, reason, held_by FROM ({fates.CURRENT}) ORDER BY ALL")  # noqa: S608 - our text
        return {f"{position}:{ordinal}": tuple(rest) for position, ordinal, *rest in found}

    def counts(self) -> dict[str, int]:
        return fates.counts(self.database.reader(), None)

    def pieces(self) -> int:
        return int(self.rows("SELECT coalesce(sum(pieces), 0) FROM entries")[0][0])

    def calls(self) -> bytes:
        """Return the calls as they stand, byte for byte, without the history of how they came to be."""
        rows = self.rows("SELECT * EXCLUDE (revision, position, sign) FROM calls ORDER BY tenant, call_id")
        return orjson.dumps(rows, default=str)

    def digests(self) -> dict[str, str]:
        return table_digests(self.database.reader())


@contextmanager
def a_rig(journal: MemoryJournal | None = None, **parts: Any) -> Iterator[Rig]:
    with TemporaryDirectory() as folder:
        rig = Rig(Path(folder), journal, **parts)
        try:
            yield rig
        finally:
            rig.database.close()


_EMPTY = TemporaryDirectory(prefix="tollspan-empty-")


def empty_store() -> Path:
    """An empty store, made once and copied."""
    path = Path(_EMPTY.name) / "store.duckdb"
    if not path.exists():
        Database(path).close()
    return path


def request(spans: Iterable[Span]) -> bytes:
    """Write spans as one OTLP/JSON request, each with its own resource and scope."""
    return orjson.dumps({"resourceSpans": [_resource_spans(span) for span in spans]})


def _resource_spans(span: Span) -> dict[str, Any]:
    inner = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "status": {"code": span.status},
        "attributes": [{"key": key, "value": _value(value)} for key, value in span.attributes.items()],
    }
    return {
        "resource": {"attributes": [{"key": key, "value": _value(value)} for key, value in span.resource.items()]},
        "scopeSpans": [{"scope": {"name": span.scope, "version": span.scope_version}, "spans": [inner]}],
    }


def _value(value: AttributeValue) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": value}
