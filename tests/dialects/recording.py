"""The recorded traces, what the provider billed for each, and every number that stands in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "dialects"
FIGURES = ("input", "cache_read", "cache_write", "output", "reasoning")

# The names under which a system that adds attributes up would look for input and output, per span the first present.
SUMMED = {
    "input": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "output": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
}
_NUMBER = re.compile(r"(?<![\w.-])\d{1,12}(?:\.0+)?(?![\w.]*\w)")


@dataclass(frozen=True)
class Recording:
    """One trace: ``bill`` holds the provider's figures and ``calls``; ``numbers`` is each number in it, once."""

    stack: str
    case: str
    trace_id: str
    measured: bool
    bill: dict[str, int | None]
    spans: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        return f"{self.stack}/{self.case}"

    @property
    def numbers(self) -> frozenset[int]:
        texts = (json.dumps([span.get("attributes", []), span.get("events", [])]) for span in self.spans)
        return frozenset(number for text in texts for number in _numbers(text))

    @property
    def summed(self) -> dict[str, int]:
        """Return what a plain sum over all spans bills: input, output and the number of spans with any."""
        found = [_usage(span) for span in self.spans]
        return {
            "input": sum(span.get("input", 0) for span in found),
            "output": sum(span.get("output", 0) for span in found),
            "calls": sum(bool(span) for span in found),
        }


def requests() -> list[bytes]:
    """Return every recorded request, as it was sent."""
    return [line.encode() for path in files() for line in path.read_text(encoding="utf-8").splitlines()]


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.otlp.jsonl"))


def recordings(folder: Path = FOLDER) -> list[Recording]:
    """Return the traces that have a bill, in the bill's order."""
    lines = (line for path in sorted(folder.glob("*.otlp.jsonl")) for line in path.read_text("utf-8").splitlines())
    traces: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        for span in _spans(json.loads(line)):
            traces.setdefault(span["traceId"], []).append(span)
    rows = [json.loads(line) for line in (folder / "truth.jsonl").read_text("utf-8").splitlines()]
    return [_recording(row, traces[row["trace_id"]]) for row in rows]


def _recording(row: dict[str, Any], spans: list[dict[str, Any]]) -> Recording:
    bill = {figure: row.get(f"{figure}_tokens") for figure in FIGURES} | {"calls": row.get("calls", 1)}
    return Recording(row["stack"], row["case"], row["trace_id"], row["measured"], bill, tuple(spans))


def _spans(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in request["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]


def _numbers(text: str) -> Iterator[int]:
    for found in _NUMBER.findall(text.replace('\\"', '"')):
        yield int(float(found))


def _usage(span: dict[str, Any]) -> dict[str, int]:
    stated = {item["key"]: next(iter(item["value"].values()), None) for item in span.get("attributes", [])}
    found = {}
    for figure, names in SUMMED.items():
        first = next((stated[name] for name in names if name in stated), None)
        if first is not None and str(first) != "NaN":
            found[figure] = int(float(first))
    return found
