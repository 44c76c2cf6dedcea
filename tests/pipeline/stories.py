"""What senders send: small sets of spans that hang together, and strategies that draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.extract.spans import NATIVE, OTEL, SECOND, T0, a_span, chat
from tollspan import semconv
from tollspan_rater.domain.span import AttributeValue, Span

PYDANTIC = "pydantic-ai"
# The second and the third agree in the 64 bits by which traces are found.
TRACES = ("a" * 32, "b" * 16 + "c" * 16, "d" * 16 + "c" * 16)
ROOT = "f" * 16
IDS = ("resp_1", "resp_2", "resp_3", "chatcmpl-7")  # the last one is too weak to tie traces


def own(number: int, trace: str = TRACES[0], *, said: str | None = None, output: int = 5, **over: Any) -> Span:
    """A record of tollspan's own instrumentation."""
    attributes = chat(10, output) | {semconv.RECORD_ID: f"r{number}", semconv.PROCESS_ID: "p", semconv.SEQ: number}
    return _call(number, trace, attributes, said, semconv.SCOPE_NAME, over)


def view(number: int, trace: str = TRACES[0], *, said: str | None = None, scope: str = OTEL, **over: Any) -> Span:
    """A span of somebody else's instrumentation."""
    return _call(number, trace, chat(10, 5), said, scope, over)


def partial(number: int, trace: str = TRACES[0], *, said: str | None = None, **over: Any) -> Span:
    """The version of a span that its dialect declares pending."""
    attributes: dict[str, AttributeValue] = {**chat(10, 1), "logfire.span_type": "pending_span"}
    return _call(number, trace, attributes, said, PYDANTIC, over)


def unit(number: int, trace: str = TRACES[0], **over: Any) -> Span:
    """A quantity that is no call."""
    return a_span(
        {semconv.METER: "retrieval", semconv.QUANTITY: "2.5"},
        **{"trace_id": trace, "span_id": f"{number:016x}", "parent_id": ROOT} | over,
    )


def root(trace: str = TRACES[0], customer: str | None = None, **over: Any) -> Span:
    """The root of a trace; without a customer it says nothing."""
    attributes: dict[str, AttributeValue] = {} if customer is None else {"tollspan.customer": customer}
    return a_span(attributes, **{"trace_id": trace, "span_id": ROOT, "scope": "app", "kind": 2, "name": "GET /"} | over)


def _call(
    number: int, trace: str, attributes: dict[str, AttributeValue], said: str | None, scope: str, over: dict[str, Any]
) -> Span:
    if said is not None:
        attributes = attributes | {semconv.RESPONSE_ID: said}
    fields = {"trace_id": trace, "span_id": f"{number:016x}", "parent_id": ROOT, "scope": scope}
    return a_span(attributes, **fields | over)


@st.composite
def a_story(draw: st.DrawFn, number: int) -> list[Span]:
    """Draw a few spans of one occurrence; numbers of spans begin at ten times ``number``."""
    first = 10 * number + 1
    trace, other = draw(st.sampled_from(TRACES)), draw(st.sampled_from(TRACES))
    said = draw(st.sampled_from(IDS) | st.none())
    start = T0 + draw(st.integers(0, 3)) * SECOND // 2
    when = {"start_ns": start, "end_ns": start + SECOND}
    match draw(st.sampled_from(["own", "twice", "nested", "versions", "unit", "root"])):
        case "own":
            return [own(first, trace, said=said, **when)]
        case "twice":
            scopes = draw(st.permutations([OTEL, NATIVE, semconv.SCOPE_NAME]))
            return [view(first + n, at, said=said, scope=scopes[n], **when) for n, at in enumerate((trace, other))]
        case "nested":
            outer = view(first, trace, said=said, **when)
            inner = own(first + 1, trace, parent_id=outer.span_id, said=draw(st.sampled_from([said, None])), **when)
            return [outer, inner]
        case "versions":
            later = draw(st.sampled_from([said, *IDS]))
            final = view(first, trace, said=later, scope=PYDANTIC, **when)
            return [partial(first, trace, said=said, start_ns=start, end_ns=start), final]
        case "unit":
            return [unit(first, trace, **when)]
        case _:
            return [root(trace, customer="acme" if trace == TRACES[0] else "globex")]


@st.composite
def stories(draw: st.DrawFn, most: int = 5) -> list[Span]:
    """Draw spans without conflicts: no two of them have one key and are both final."""
    found = [draw(a_story(number)) for number in range(draw(st.integers(1, most)))]
    spans = [span for story in found for span in story]
    return [span for at, span in enumerate(spans) if span not in spans[:at]]


@st.composite
def sendings(draw: st.DrawFn, spans: Sequence[Span]) -> list[list[Span]]:
    """Draw an order, up to two more copies of each span, and how they are cut into requests."""
    copied = [span for span in spans for _ in range(draw(st.sampled_from([1, 1, 2, 3])))]
    left = [_seen_elsewhere(span) if draw(st.booleans()) else span for span in draw(st.permutations(copied))]
    requests: list[list[Span]] = []
    while left:
        size = draw(st.integers(1, len(left)))
        requests.append(left[:size])
        left = left[size:]
    return requests


def _seen_elsewhere(span: Span) -> Span:
    """A copy that came through another Collector, which added to the resource what says nothing."""
    return replace(span, resource={**span.resource, "host.name": "collector-2"})


def conflicting(span: Span) -> Span:
    """Another text under the same key."""
    return replace(span, attributes={**span.attributes, "gen_ai.usage.input_tokens": 77})
