"""Why a call is what it is, by example."""

from __future__ import annotations

from typing import Any

import pytest
from tests.extract.recorded import FOLDER, traces
from tests.extract.spans import NATIVE, OTEL, SECOND, T0, an, chat

from tollspan_rater.domain.call import Conflict, Extracted
from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.reason import Reason, Source, reasons
from tollspan_rater.extract.settle import settle

OI = "openinference.instrumentation.openai"
TRACE = "a" * 32


def span(name: str, parent: str = "", attributes: dict[str, AttributeValue] | None = None, **over: Any) -> Extracted:
    return an(attributes or {}, **{"span_id": name * 16, "parent_id": parent * 16, "scope": OTEL} | over)


def only(*spans: Extracted) -> Reason:
    [reason] = reasons(spans).values()
    return reason


def ways(reason: Reason) -> list[tuple[str, str | None, str | None]]:
    return [(one.span.span_id[0], one.joined_by, one.joined_to and one.joined_to[-1]) for one in reason.members]


STREAM = span("1", "9", chat(None, None), scope="logfire.openai")
TOLD = an(
    {"gen_ai.usage.raw": '{"prompt_tokens": 10, "completion_tokens": 5}'},
    name="streaming response from 'x'",
    span_id="2" * 16,
    parent_id="9" * 16,
    scope="logfire.openai",
    start_ns=T0 + SECOND,
)
AGENT: dict[str, AttributeValue] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 30}
SAID = {"gen_ai__response__id": "resp_1"}


@pytest.mark.parametrize(
    ("spans", "joined"),
    [
        ([span("1", "9", chat(**SAID), scope=NATIVE), span("2", "8", chat(**SAID), scope=OI)], "response id"),
        ([span("1", "9", chat(), scope=NATIVE), span("2", "9", chat(), scope=OI)], "siblings"),
        ([span("2", "", chat(), scope=OI), span("1", "2", chat(), scope=NATIVE)], "ancestry"),
        ([STREAM, TOLD], "beside"),
        ([span("2", "", AGENT), span("1", "2", chat(None, None))], "aggregate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_joined_the_second_view_to_the_first(spans: list[Extracted], joined: str) -> None:
    first, second = ways(only(*spans))
    assert first[1:] == (None, None)
    assert second[1:] == (joined, first[0])


def test_a_view_is_tied_through_another_one() -> None:
    """The framework's view has no id and stands above the SDK's, which the gateway's shares an id with."""
    framework, sdk = span("1", "", chat(), scope=OI), span("2", "1", chat(**SAID), scope=NATIVE)
    gateway = span("3", "", chat(**SAID), trace_id="b" * 32)
    assert ways(only(framework, sdk, gateway)) == [
        ("2", None, None),
        ("3", "response id", "2"),
        ("1", "ancestry", "2"),
    ]


def test_whose_numbers_count_and_what_the_others_add() -> None:
    best = span("1", "9", chat(10, None), scope=NATIVE)
    lower = span("2", "9", chat(10, 5) | {"gen_ai.usage.cache_read.input_tokens": 4}, scope=OI)
    reason = only(best, lower)
    assert reason.call.evidence == best.member
    assert reason.won_by == "rank"
    assert [one.fills for one in reason.members] == [(), ("cache_read", "output")]


@pytest.mark.parametrize(
    ("views", "won_by"),
    [
        ([chat(10, 5)], "only measured view"),
        ([chat(None, None)], "unmeasured"),
        ([chat(10, 5, **SAID), chat(10, 5, **SAID)], "rank"),
    ],
)
def test_why_the_numbers_won(views: list[dict[str, AttributeValue]], won_by: str) -> None:
    scopes = [NATIVE, OI]
    spans = [span(f"{n}", "9", view, scope=scopes[n]) for n, view in enumerate(views)]
    assert only(*spans).won_by == won_by


def test_views_that_differ_are_kept_with_both_values() -> None:
    best = span("1", "9", chat(10, 5) | {"gen_ai.response.model": "gpt-4o", "tollspan.user": "u"}, scope=NATIVE)
    other = span("2", "9", chat(12, 5) | {"gen_ai.response.model": "gpt-4.1"}, scope=OI)
    [call] = settle([best, other])
    assert call.flags == ("conflict:usage",)
    assert call.conflicts == (
        Conflict("input", "10", best.member, "12", other.member),
        Conflict("model", "gpt-4o", best.member, "gpt-4.1", other.member),
    )


def test_a_dated_spelling_of_a_model_is_no_conflict() -> None:
    best = span("1", "9", chat() | {"gen_ai.response.model": "gpt-4o-2024-08-06"}, scope=NATIVE)
    other = span("2", "9", chat() | {"gen_ai.response.model": "gpt-4o"}, scope=OI)
    assert settle([best, other])[0].conflicts == ()


def test_a_disagreement_about_the_customer_is_kept_with_both_values() -> None:
    silent = span("1", "9", chat(**SAID), scope=NATIVE)
    views = [
        span(f"{n}", "9", chat(**SAID) | {"tollspan.customer": f"c{n}"}, scope=scope)
        for n, scope in ((2, OI), (3, "opentelemetry.instrumentation.openai.v1"))
    ]
    [call] = settle([silent, *views])
    held, other = sorted(views, key=lambda view: view.rank)
    assert call.conflicts == (
        Conflict("customer", held.said["customer"], held.member, other.said["customer"], other.member),
    )
    assert call.flags == ("conflict:customer",)


def test_who_said_for_whom_the_call_was_made() -> None:
    root = span("7", "", {"tollspan.customer": "acme", "tollspan.tags.team": "blue"}, scope="app")
    call = span("1", "7", chat() | {"tollspan.user": "u"}, resource={"deployment.environment": "qa"})
    assert only(root, call).said == {
        "user": Source(call.said["user"], call.member, by_resource=False),
        "customer": Source("acme", root.member, by_resource=False),
        "tags.team": Source("blue", root.member, by_resource=False),
        "environment": Source("qa", call.member, by_resource=True),
    }


def test_every_recorded_call_has_its_reason() -> None:
    for path in sorted(FOLDER.glob("*.otlp.jsonl")):
        for spans in traces(path.name.removesuffix(".otlp.jsonl")):
            read = [one for one in map(extract, spans) if isinstance(one, Extracted)]
            calls = [call for call in settle(read) if call.kind == "call"]
            found = reasons(read)
            assert [found[call.call_id].call for call in calls] == calls
            for reason in found.values():
                assert [one.span.member for one in reason.members] == list(reason.call.members)
                assert all(one.joined_by for one in reason.members[1:])
