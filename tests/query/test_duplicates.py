"""Calls that may be one request seen on both sides of a gateway are listed, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from query.shop import Shop, at, card, plan
from tests.extract.spans import OTEL, SECOND, a_span, chat
from tests.pipeline.rig import request
from tollspan import semconv
from tollspan_rater.domain.span import Span
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.hop import LOOKED_AT, Side, hops

MILLISECOND = SECOND // 1000
START = at("2026-11-03T10:00Z")
APP, GATEWAY = "a" * 32, "b" * 32
NO_MODEL = {"gen_ai.request.model": ""}
PRICES = {"card.yaml": card([{"input": 1, "output": 2}]), "pro.yaml": plan("pro")}


def app_span(number: int = 1, *, start: int = START, lasts: int = SECOND, **over: Any) -> Span:
    """The app's view of a call, in a trace of its own."""
    fields = {"trace_id": APP, "span_id": f"{number:016x}", "scope": OTEL, "attributes": chat(10, 5)}
    return a_span(**{**fields, "start_ns": start, "end_ns": start + lasts, **over})


def gateway_span(
    number: int = 2, *, start: int = START + 10 * MILLISECOND, lasts: int = SECOND // 2, **over: Any
) -> Span:
    """The gateway's view of that call, in another trace, without the provider's id."""
    return app_span(number, start=start, lasts=lasts, **{"trace_id": GATEWAY, "scope": "litellm", **over})


def own(record: str, process: str, seq: int = 1) -> dict[str, Any]:
    """The attributes of a record of tollspan's own, sent by some process."""
    return {
        "scope": semconv.SCOPE_NAME,
        "attributes": chat(10, 5) | {semconv.RECORD_ID: record, semconv.PROCESS_ID: process, semconv.SEQ: seq},
    }


def said(**attributes: Any) -> dict[str, Any]:
    return {"attributes": chat(10, 5, **attributes)}


def asked(shop: Shop, *spans: Span, **params: str) -> Answer:
    shop.put(request(spans), encoding="otlp-json")
    return shop.ask("duplicates", **params)


FOUND: list[tuple[str, list[Span]]] = [
    ("two dialects", [app_span(), gateway_span()]),
    ("at the very same time", [app_span(), gateway_span(start=START, lasts=SECOND)]),
    ("two processes", [app_span(**own("r1", "app")), gateway_span(**own("r2", "gateway"))]),
    (
        "the same model under two names",
        [app_span(), gateway_span(attributes=chat() | {"gen_ai.request.model": "gpt-4"})],
    ),
    ("one id is not known", [app_span(**said(gen_ai__response__id="r1")), gateway_span()]),
    (
        "one id is the gateway's own",
        [
            app_span(**said(gen_ai__response__id="chatcmpl-0b5fa8cc-2c3f-4f1c-9a6e-0d0c7c1f7a11")),
            gateway_span(**said(gen_ai__response__id="r1")),
        ],
    ),
]


@pytest.mark.parametrize(("case", "spans"), FOUND, ids=[case for case, _ in FOUND])
def test_a_pair_is_found(shop: Shop, case: str, spans: list[Span]) -> None:
    answer = asked(shop, *spans)
    assert len(answer.rows) == 1, case
    assert len(shop.ask("calls").rows) == 2


BROKEN: list[tuple[str, list[Span]]] = [
    ("in one trace", [app_span(), gateway_span(trace_id=APP)]),
    ("other input", [app_span(), gateway_span(attributes=chat(11, 5))]),
    ("other output", [app_span(), gateway_span(attributes=chat(10, 6))]),
    ("an unknown input", [app_span(attributes=chat(None, 5)), gateway_span(attributes=chat(None, 5))]),
    ("an unknown output", [app_span(attributes=chat(10, None)), gateway_span(attributes=chat(10, None))]),
    ("another family", [app_span(), gateway_span(attributes=chat() | {"gen_ai.request.model": "claude-3"})]),
    ("an unknown model", [app_span(attributes=chat() | NO_MODEL), gateway_span()]),
    ("two unknown models", [app_span(attributes=chat() | NO_MODEL), gateway_span(attributes=chat() | NO_MODEL)]),
    ("it outlasts the other", [app_span(), gateway_span(lasts=2 * SECOND)]),
    ("one after the other", [app_span(), gateway_span(start=START + 2 * SECOND)]),
    ("one dialect and sender", [app_span(scope="litellm"), gateway_span()]),
    ("one process", [app_span(**own("r1", "app")), gateway_span(**own("r2", "app", 2))]),
    (
        "other ids",
        [app_span(**said(gen_ai__response__id="r1")), gateway_span(**said(gen_ai__response__id="r2"))],
    ),
    ("a merged call", [app_span(**said(gen_ai__response__id="r1")), gateway_span(**said(gen_ai__response__id="r1"))]),
]


@pytest.mark.parametrize(("case", "spans"), BROKEN, ids=[case for case, _ in BROKEN])
def test_no_pair_when_one_condition_is_broken(shop: Shop, case: str, spans: list[Span]) -> None:
    answer = asked(shop, *spans)
    assert answer.rows == [], case
    assert answer.notes == ["no two calls look like one request on both sides of a gateway"]


def test_what_a_row_tells(shop: Shop) -> None:
    shop.price(PRICES)
    shop.customer("acme", plan="pro")
    outer = app_span(attributes=chat() | {"tollspan.customer": "globex"})
    inner = gateway_span(attributes=chat() | {"tollspan.customer": "acme"})
    [row] = asked(shop, outer, inner).rows
    calls = {str(call["customer"]): call for call in shop.ask("calls").rows}
    assert (row["customer"], row["outer_customer"]) == ("acme", "globex")
    assert (row["call_id"], row["outer_call_id"]) == (calls["acme"]["call_id"], calls["globex"]["call_id"])
    assert (row["input_tokens"], row["output_tokens"], row["charge"], row["currency"]) == (10, 5, 20, "USD")
    assert (row["model"], row["outer_model"]) == ("gpt-4o", "gpt-4o")
    assert "in different traces, seen by otel and litellm" in str(row["why"]).replace("otel.genai", "otel")
    assert row["started_at"] == "2026-11-03T10:00:00.010000Z"
    for customer, found in (("acme", 1), ("globex", 1), ("other", 0)):
        assert len(shop.ask("duplicates", customer=customer).rows) == found


def test_what_settlement_flagged_in_one_trace_is_listed(shop: Shop) -> None:
    outer = app_span(**own("r1", "app"))
    inner = gateway_span(trace_id=APP, parent_id=outer.span_id, **own("r2", "gateway"))
    [row] = asked(shop, outer, inner).rows
    calls = {call["started_at"]: call["call_id"] for call in shop.ask("calls").rows}
    assert [row["outer_call_id"], row["call_id"]] == [calls[start] for start in sorted(calls)]
    assert str(row["why"]).startswith("possible_gateway_duplicate")


def test_a_flagged_call_without_a_partner_in_its_time_stands_alone(shop: Shop) -> None:
    outer = app_span(**own("r1", "app"))
    late = gateway_span(trace_id=APP, parent_id=outer.span_id, lasts=2 * SECOND, **own("r2", "gateway"))
    rows = asked(shop, outer, late).rows
    assert [row["outer_call_id"] for row in rows] == [None, None]


def test_tenants_apart(open_shop: Callable[[], Shop]) -> None:
    one, other = open_shop(), open_shop()
    assert asked(one, app_span()).rows == []
    assert asked(other, gateway_span()).rows == []
    assert one.ask("duplicates").rows == other.ask("duplicates").rows == []


def test_limit_and_span_of_time(shop: Shop) -> None:
    spans = [
        replace(
            span, start_ns=span.start_ns + shift, end_ns=span.end_ns + shift, trace_id=f"{shift:x}{span.trace_id}"[:32]
        )
        for shift in (0, 10 * SECOND, 20 * SECOND)
        for span in (app_span(1 + shift), gateway_span(2 + shift))
    ]
    assert len(asked(shop, *spans).rows) == 3
    cut = shop.ask("duplicates", limit="2")
    assert [row["started_at"] for row in cut.rows] == ["2026-11-03T10:00:00.010000Z", "2026-11-03T10:00:10.010000Z"]
    assert any("more follow" in note for note in cut.notes)
    later = shop.ask("duplicates", from_="2026-11-03T10:00:05Z", to="2026-11-03T10:00:15Z")
    assert [row["started_at"] for row in later.rows] == ["2026-11-03T10:00:10.010000Z"]
    assert not any("more follow" in note for note in later.notes)


def test_parallel_calls_are_paired_one_to_one(shop: Shop) -> None:
    """Ten equal calls through a gateway at one time are ten pairs, whoever is paired with whom."""
    spans = [
        made(10 * number + kind, trace_id=f"{kind}{number:031x}")
        for number in range(1, 11)
        for kind, made in ((1, app_span), (2, gateway_span))
    ]
    rows = asked(shop, *spans).rows
    assert len({row["call_id"] for row in rows}) == len({row["outer_call_id"] for row in rows}) == len(rows) == 10
    assert shop.ask("audit", full="true").ok


def test_an_equal_response_id_is_paired_first() -> None:
    sides = [side("1", 0, said="r"), side("2", 1), side("3", 2, dialect="litellm@1", said="r")]
    [hop] = hops(sides)
    assert (hop.inner.call_id, hop.outer and hop.outer.call_id) == ("3", "1")
    assert hop.why.endswith("equal response ids")


def test_a_crowd_of_equal_calls_costs_each_a_bounded_number_of_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    monkeypatch.setattr("tollspan_rater.query.hop._may_be_one", lambda one, _other: bool(compared.append(one.call_id)))
    assert list(hops(side(str(number), number) for number in range(500))) == []
    assert len(compared) <= 500 * LOOKED_AT


def side(name: str, start: int, *, dialect: str = "otel@1", said: str | None = None) -> Side:
    return Side(1, name, start, 10_000 - start, [name], dialect, None, "gpt-4o", said, 10, 5, None)
