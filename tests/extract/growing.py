"""Traces that grow: what comes in the nth step of one, for each way in which spans of a step hang together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.extract.spans import NATIVE, OTEL, SECOND, T0, a_span, chat

from tollspan_rater.domain.span import AttributeValue, Span

OI = "openinference.instrumentation.openai"
ROOT = "f" * 16
AGENT: dict[str, AttributeValue] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 30}
RAW: dict[str, AttributeValue] = {"gen_ai.usage.raw": '{"prompt_tokens": 10, "completion_tokens": 5}'}

Step = Callable[[int], Sequence[Span]]


def span(number: int, parent: str, attributes: dict[str, AttributeValue], *, at: int, **over: Any) -> Span:
    start = T0 + at * 2 * SECOND
    times = {"start_ns": start, "end_ns": start + SECOND}
    return a_span(attributes, **{"span_id": f"{number:016x}", "parent_id": parent, "scope": OTEL} | times | over)


def nested(step: int) -> list[Span]:
    """A framework's call around the SDK's."""
    outer = span(2 * step + 1, ROOT, chat(), at=step)
    return [span(2 * step + 2, outer.span_id, chat(), at=step, scope=NATIVE), outer]


def siblings(step: int) -> list[Span]:
    """Two instrumentations beside each other."""
    return [span(2 * step + 1, ROOT, chat(), at=step, scope=OI), span(2 * step + 2, ROOT, chat(), at=step)]


def parallel(step: int) -> list[Span]:
    """Calls that all last until the end."""
    return [span(step + 1, ROOT, chat(), at=0, start_ns=T0 + step)]


def below_an_agent(step: int) -> list[Span]:
    """Calls below a container that repeats sums and came first."""
    root = [span(0, "", AGENT, at=0, span_id=ROOT)] if step == 0 else []
    return [*root, span(step + 1, ROOT, chat(), at=step)]


def below_a_call(step: int) -> list[Span]:
    """Calls below a span that shows the last one of them and came first."""
    root = [span(0, "", chat(20, 10), at=0, span_id=ROOT)] if step == 0 else []
    return [*root, span(step + 1, ROOT, chat(), at=step, scope=NATIVE)]


def streams(step: int) -> list[Span]:
    """Streamed calls with their usage beside them."""
    asked = span(2 * step + 1, ROOT, chat(None, None), at=step, scope="logfire.openai")
    told = span(2 * step + 2, ROOT, RAW, at=step, scope="logfire.openai", name="streaming response from 'x'")
    return [asked, told]


def one_id(step: int) -> list[Span]:
    """Calls whose ids come from a few values."""
    said = {"gen_ai.response.id": f"chatcmpl-{step % 3 + 1}"}
    return [span(step + 1, ROOT, chat() | said, at=step)]


def steps_of_an_agent(step: int) -> list[Span]:
    """A step that says for whom, after the call in it."""
    return [
        span(2 * step + 2, f"{2 * step + 1:016x}", chat(), at=step),
        span(2 * step + 1, ROOT, {"tollspan.customer": f"c{step}"}, at=step, scope="app"),
    ]


def versions(step: int) -> list[Span]:
    """A pending version, then the final one."""
    pending = {"logfire.span_type": "pending_span"}
    final = span(step + 1, ROOT, chat(), at=step, scope="pydantic-ai")
    return [span(step + 1, ROOT, chat(None, None) | pending, at=step, scope="pydantic-ai"), final]


STEPS: Mapping[str, Step] = {
    one.__name__: one
    for one in (
        nested, siblings, parallel, below_an_agent, below_a_call, streams, one_id, steps_of_an_agent, versions,
    )
}  # fmt: skip
