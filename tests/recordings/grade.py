"""What the rater says of each recorded exchange, held against its truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.extract.spans import a_span
from tests.recordings.exchange import APIS, Json, usage_object
from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.span import ERROR
from tollspan_rater.domain.usage import Usage
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.raw import read_raw

Verdict = Literal["exact", "second reading", "wrong", "graded", "silent zero"]

FIELDS: Final = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "cache_write_5m": "cache_write_5m",
    "cache_write_1h": "cache_write_1h",
    "reasoning": "reasoning",
}


@dataclass(frozen=True, slots=True)
class Grade:
    """One exchange: what the provider's object was read as, what its span became, and how that compares."""

    provider: str
    exchange: str
    verdict: Verdict
    quality: str
    note: str = ""


def span_of(exchange: Json, usage: Json | None) -> Extracted:
    """Read the span that an instrumentation makes of an exchange: the provider's object verbatim, no counts."""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": exchange["provider"],
    }
    if usage is not None:
        attributes["tollspan.usage.raw"] = json.dumps(usage)
    api = APIS.get(exchange["operation"])
    if api is not None:
        attributes["tollspan.usage.api"] = api
    found = extract(a_span(attributes, status=ERROR if exchange["status"] >= 400 else 0))
    assert isinstance(found, Extracted), found
    return found


def grade(exchange: Json) -> Grade:
    """Read an exchange and compare."""
    usage = usage_object(exchange)
    reading = None if usage is None else read_raw(usage, APIS.get(exchange["operation"]))
    read = Usage() if reading is None else reading.usage
    span, truth = span_of(exchange, usage), exchange["truth"]
    quality = f"{span.quality}, {span.outcome}" if span.outcome else str(span.quality)

    def graded(verdict: Verdict, note: str = "") -> Grade:
        return Grade(exchange["provider"], exchange["id"], verdict, quality, note)

    if truth is None:
        zero = span.usage.input == 0 or span.usage.output == 0
        return graded("silent zero" if zero else "graded", exchange["truth_reason"])
    wrong = _differences(read, truth)
    if not wrong:
        return graded("exact", ", ".join(span.flags))
    alternative = {**truth, **(exchange.get("truth_alt") or {})}
    return graded("wrong" if _differences(read, alternative) else "second reading", wrong)


def _differences(read: Usage, truth: Json) -> str:
    """Name what the response states and the reading has not, or otherwise."""
    found = {name: (getattr(read, field), truth[name]) for name, field in FIELDS.items() if truth[name] is not None}
    return ", ".join(f"{name} {got} for {true}" for name, (got, true) in found.items() if got != true)


COLUMNS: Final = ("exchanges", "with truth", "exact", "second reading", "wrong", "graded", "silent zero")


def table(grades: Iterable[Grade]) -> dict[str, Counter[str]]:
    """Count verdicts by provider, and of all under ``all``."""
    rows: dict[str, Counter[str]] = {}
    for one in grades:
        for name in (one.provider, "all"):
            row = rows.setdefault(name, Counter())
            row.update(["exchanges", one.verdict])
            row["with truth"] += one.verdict not in {"graded", "silent zero"}
    return rows
