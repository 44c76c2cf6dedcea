"""A tenant of a real data folder: spans go in as senders encode them, questions are asked as the doors ask them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tollspan import export
from tollspan.attribution import Attribution
from tollspan.process import Identity, uuid7
from tollspan.record import CallRecord, Record, UnitRecord
from tollspan.usage import TokenCounts
from tollspan_rater.domain.clock import FixedClock, to_ns
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question
from tollspan_rater.server.rater import Rater

NOW = "2026-12-15T12:00:00Z"
SECOND = 1_000_000_000


def at(text: str) -> int:
    """An instant as nanoseconds; ``2026-11-03T10:00Z``."""
    return to_ns(datetime.fromisoformat(text))


def identity(*name: object, trace: str | None = None, parent: str = "") -> Identity:
    """The same ids for the same name."""
    drawn = blake2b(repr(name).encode(), digest_size=34).digest()
    return Identity(uuid7(at(NOW), drawn[:10]), trace or drawn[10:26].hex(), drawn[26:].hex(), parent)


def anthropic(counts: Mapping[str, int]) -> dict[str, Any]:
    """Inclusive counts as Anthropic writes its usage object."""
    read, written = counts.get("cache_read", 0), counts.get("cache_write", 0)
    split = {"ephemeral_1h_input_tokens": counts["cache_write_1h"]} if "cache_write_1h" in counts else {}
    if split:
        split["ephemeral_5m_input_tokens"] = written - counts["cache_write_1h"]
    stated = {
        "input_tokens": counts["input"] - read - written,
        "cache_read_input_tokens": counts.get("cache_read"),
        "cache_creation_input_tokens": counts.get("cache_write"),
        "cache_creation": split or None,
        "output_tokens": counts.get("output"),
    }
    return {name: value for name, value in stated.items() if value is not None}


@dataclass
class Shop:
    """One tenant; every shop of a test module lives in the same folder, so a leak between tenants shows."""

    rater: Rater
    tenant: str
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def price(self, files: Mapping[str, object], *, since: str | None = None) -> str:
        """Apply cards and plans given as documents; return the version."""
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in files.items()}
        body = {"files": texts} | ({} if since is None else {"valid_from": since})
        return str(self._execute("pricing.apply", body).body["version"])

    def customer(self, name: str, **known: Any) -> None:
        """Set what is known of a customer."""
        self._execute("customer.set", {"customer": name, **known})

    def call(self, started: str | int, counts: Mapping[str, int] | None = None, **said: Any) -> CallRecord:
        """Make a record of a call; keywords that are no field of a record are its attribution."""
        number = next(self._numbers)
        start_ns = at(started) if isinstance(started, str) else started
        fields = {name: said.pop(name) for name in list(said) if name in CallRecord.__dataclass_fields__}
        stated = {name: (counts or {}).get(name) for name in ("input", "cache_read", "cache_write", "output")}
        provider = fields.get("provider", "openai")
        raw = anthropic(counts) if counts and provider == "anthropic" and "input" in counts else None
        return replace(
            CallRecord(
                identity=identity(self.tenant, number),
                process_id=f"p-{self.tenant}",
                seq=number,
                start_ns=start_ns,
                end_ns=start_ns + SECOND,
                operation="chat",
                provider=provider,
                api="anthropic.messages" if provider == "anthropic" else "openai.chat",
                quality="exact" if counts else "unmeasured",
                outcome="complete",
                attribution=Attribution({name: value for name, value in said.items() if value is not None}),
                counts=TokenCounts(**stated, reasoning=(counts or {}).get("reasoning")),
                usage_raw=None if raw is None else json.dumps(raw),
                request_model="gpt-4.1",
                response_model=fields.get("request_model", "gpt-4.1"),
            ),
            **fields,
        )

    def unit(self, started: str, meter: str, quantity: str, **said: str) -> UnitRecord:
        """Make a record of a unit that is no call."""
        number = next(self._numbers)
        ids = identity(self.tenant, number)
        return UnitRecord(ids, f"p-{self.tenant}", number, at(started), meter, quantity, Attribution(said))

    def send(self, *records: Record, sender: str = "collector") -> int:
        """Send records as one request; return when the store has it."""
        return self.put(export.spans(records), sender=sender)

    def put(self, body: bytes, *, encoding: Any = "otlp-proto", sender: str = "collector") -> int:
        """Send one request."""
        return self.rater.append([NewBatch(self.rater.clock.now_ns(), self.tenant, sender, encoding, body)])

    def ask(self, name: str, **params: str) -> Answer:
        """Ask a question with parameters as a door would hand them over; ``from_`` is ``from``."""
        given = {key.rstrip("_"): [value] for key, value in params.items()}
        return self.rater.ask(name, question(name).read(given), tenant=self.tenant)

    def close(self, period: str, **whose: Any) -> Any:
        """Close a period of a customer, or with ``all=True`` of all; return the receipt's body."""
        return self._execute("period.close", {"period": period, **whose}).body

    def execute(self, kind: str, body: Mapping[str, Any]) -> Any:
        """Execute a command as a door hands it over; return its receipt."""
        return self._execute(kind, body)

    def _execute(self, kind: str, body: Mapping[str, Any]) -> Any:
        return self.rater.execute(kind, body, tenant=self.tenant, actor="test")


def total(rows: Iterable[Mapping[str, Any]], column: str) -> Decimal:
    """Add a column up; unknown adds nothing."""
    return sum((Decimal(row[column]) for row in rows if row[column] is not None), Decimal(0))


def card(prices: list[Any], *, currency: str = "USD", **more: Any) -> dict[str, Any]:
    """A rate card ``list``."""
    return {"card": f"list-{currency}", "currency": currency, "prices": prices, **more}


def plan(name: str, *, currency: str = "USD", **more: Any) -> dict[str, Any]:
    """A plan on the card of its currency."""
    return {"plan": name, "currency": currency, "cards": [f"list-{currency}"], **more}


def folder_rater(path: Path) -> tuple[Any, FixedClock]:
    """The configuration of a folder and a clock that stands in December 2026."""
    from tollspan_rater.config.sources import resolve

    return resolve({"data": path}, {}, path), FixedClock(at(NOW))
