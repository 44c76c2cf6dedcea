"""Reads recorded OTLP/JSON traces into spans, the way decode hands them over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tollspan_rater.domain.span import AttributeValue, Span
from tollspan_rater.extract.attributes import is_content, is_kept, reduced

FOLDER = Path(__file__).parents[1] / "data" / "dialects"


def value_of(wire: dict[str, Any]) -> AttributeValue:
    kind, value = next(iter(wire.items()), ("none", None))
    match kind:
        case "intValue":
            return int(value)
        case "arrayValue":
            return [value_of(item) for item in value.get("values", [])]
        case "kvlistValue":
            return {item["key"]: value_of(item["value"]) for item in value.get("values", [])}
        case _:
            return value


Keep = Callable[[str], bool]


def attributes_of(wire: list[dict[str, Any]], keep: Keep = is_kept) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for item in wire:
        key, value = item["key"], value_of(item["value"])
        if is_content(key):
            left = reduced(key, value)
            if left is not None:
                found[key] = left  # type: ignore[assignment]
        elif keep(key):
            found[key] = value
    return found


def traces(stack: str) -> Iterator[list[Span]]:
    for line in (FOLDER / f"{stack}.otlp.jsonl").read_text().splitlines():
        yield list(spans_of(json.loads(line)))


def spans_of(request: dict[str, Any], keep: Keep = is_kept) -> Iterator[Span]:
    for resource in request["resourceSpans"]:
        shared = attributes_of(resource["resource"]["attributes"])
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield Span(
                    tenant="t1",
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_id=span.get("parentSpanId", ""),
                    name=span["name"],
                    kind=span.get("kind", 0),
                    start_ns=int(span["startTimeUnixNano"]),
                    end_ns=int(span["endTimeUnixNano"]),
                    status=span.get("status", {}).get("code", 0),
                    scope=scope["scope"]["name"],
                    scope_version=scope["scope"].get("version", ""),
                    attributes=attributes_of(span.get("attributes", []), keep),
                    resource=shared,
                )


def truth() -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in (FOLDER / "truth.jsonl").read_text().splitlines()]
    return {row["trace_id"]: row for row in rows}
