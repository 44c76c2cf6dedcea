"""The worst mix: what makes spans expensive to settle, all at once, in every request.

Three instrumentations nested around each call, siblings that show one call without an id, copies of earlier spans,
spans that come several requests late, and traces that grow by some spans in every request.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tollspan import semconv

AGENT, SDK, OWN = "openinference.instrumentation.langchain", "opentelemetry.instrumentation.openai_v2", "tollspan"
OTHER_SDK: Final = "opentelemetry.instrumentation.openai.v1"
GROWING: Final = 4  # traces that grow all the time
GROWTH: Final = 16  # spans by which each of them grows with a request
LATE, COPIED = 0.1, 0.1  # shares of the calls whose own span comes later, of the spans that come again
LATER: Final = 3  # requests
MODEL: Final = "gpt-5-mini-2026-03-05"

Attributes = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One span of some scope."""

    scope: str
    span: Span


class WorstMix:
    """Requests of about ``per_request`` spans, ``spans`` together; the same seed gives the same bytes."""

    def __init__(self, spans: int, per_request: int, seed: int, first_ns: int) -> None:
        self._requests = spans // per_request
        self._per_request = per_request
        self._draw = random.Random(seed)  # noqa: S311 - the same seed has to give the same spans
        self._at_ns = first_ns
        self._growing = [self._id(16) for _ in range(GROWING)]
        self._roots = [self._id(8) for _ in range(GROWING)]

    def requests(self) -> Iterator[bytes]:
        """Give the requests one after another."""
        waiting: defaultdict[int, list[_Seen]] = defaultdict(list)
        for number in range(self._requests):
            seen = waiting.pop(number, []) + self._growth(number)
            while len(seen) < self._per_request:
                views = self._nested() if self._draw.random() < 0.7 else self._siblings()
                if self._draw.random() < LATE:
                    waiting[number + LATER].append(views.pop())
                seen += views
            waiting[number + 1] += [one for one in seen if self._draw.random() < COPIED]
            yield _request(seen)

    def _nested(self) -> list[_Seen]:
        """Return an agent's span, an SDK's below it and tollspan's below that, all of one call."""
        trace, above, middle = self._id(16), self._id(8), self._id(8)
        counts, said = self._counts(), {semconv.RESPONSE_ID: f"chatcmpl-{self._id(12).hex()}"}
        return [
            self._span(AGENT, trace, above, b"", _openinference(counts)),
            self._span(SDK, trace, middle, above, _semconv(counts) | said),
            self._span(OWN, trace, self._id(8), middle, _own(counts) | said),
        ]

    def _siblings(self) -> list[_Seen]:
        """Return a request's span and two SDKs' views of one call below it, without an id in common."""
        trace, above, counts = self._id(16), self._id(8), self._counts()
        root = self._span("app", trace, above, b"", {semconv.attribution_attribute("customer"): "customer-0001"})
        return [root, *(self._span(scope, trace, self._id(8), above, _semconv(counts)) for scope in (SDK, OTHER_SDK))]

    def _growth(self, number: int) -> list[_Seen]:
        first = [
            self._span("app", trace, root, b"", {semconv.attribution_attribute("customer"): "customer-0002"})
            for trace, root in zip(self._growing, self._roots, strict=True)
            if number == 0
        ]
        return first + [
            self._span(OWN, trace, self._id(8), root, _own(self._counts()))
            for trace, root in zip(self._growing, self._roots, strict=True)
            for _ in range(GROWTH)
        ]

    def _span(self, scope: str, trace: bytes, span: bytes, parent: bytes, attributes: Attributes) -> _Seen:
        self._at_ns += 1_000_000
        made = Span(
            trace_id=trace,
            span_id=span,
            parent_span_id=parent,
            name="chat gpt-5-mini",
            start_time_unix_nano=self._at_ns,
            end_time_unix_nano=self._at_ns + 800_000_000,
            attributes=[KeyValue(key=key, value=_value(value)) for key, value in attributes.items()],
        )
        return _Seen(scope, made)

    def _counts(self) -> tuple[int, int]:
        return self._draw.randrange(20, 8_000), self._draw.randrange(1, 900)

    def _id(self, size: int) -> bytes:
        return self._draw.randbytes(size)


def _own(counts: tuple[int, int]) -> dict[str, str | int]:
    raw = {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}
    return _semconv(counts) | {
        semconv.OUTCOME: "complete",
        semconv.QUALITY: "exact",
        semconv.USAGE_API: "openai.chat",
        semconv.USAGE_RAW: json.dumps(raw),
        semconv.attribution_attribute("customer"): "customer-0001",
        semconv.attribution_attribute("feature"): "answer",
    }


def _semconv(counts: tuple[int, int]) -> dict[str, str | int]:
    return {
        semconv.OPERATION: "chat",
        semconv.PROVIDER: "openai",
        semconv.REQUEST_MODEL: "gpt-5-mini",
        semconv.RESPONSE_MODEL: MODEL,
        semconv.INPUT_TOKENS: counts[0],
        semconv.OUTPUT_TOKENS: counts[1],
    }


def _openinference(counts: tuple[int, int]) -> dict[str, str | int]:
    return {
        "openinference.span.kind": "LLM",
        "llm.model_name": MODEL,
        "llm.provider": "openai",
        "llm.token_count.prompt": counts[0],
        "llm.token_count.completion": counts[1],
        "llm.token_count.total": sum(counts),
        "user.id": "user-00017",
        "session.id": "session-1",
    }


def _value(value: str | int) -> AnyValue:
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)


def _request(seen: list[_Seen]) -> bytes:
    by_scope: defaultdict[str, list[Span]] = defaultdict(list)
    for one in seen:
        by_scope[one.scope].append(one.span)
    scopes = []
    for name, spans in by_scope.items():
        scopes.append(ScopeSpans(spans=spans))
        scopes[-1].scope.name = name
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=scopes)]).SerializeToString()
