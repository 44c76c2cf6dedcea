"""Usage that instrumentations leave out: how it is graded, shown and charged, from the span to the bill."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from extract.spans import a_span, chat
from pipeline.rig import request
from query.shop import Shop, at, card, plan

NUMBERS = itertools.count(1)
PRICES = {"list.yaml": card([{"input": 1, "output": 2}]), "pro.yaml": plan("pro")}
OTEL, NATIVE, OPENLIT = (
    "opentelemetry.instrumentation.genai.openai",
    "com.anthropic.sdk.python",
    "openlit.instrumentation.openai",
)
STREAM = {"gen_ai.request.stream": True, "gen_ai.is_streaming": True}


@pytest.mark.parametrize(
    ("scope", "attributes", "graded", "charge"),
    [
        (OTEL, chat(10, 5), None, None),
        (OTEL, chat(None, None, gen_ai__request__stream=True), ("unmeasured", "aborted", None), 0),
        (OTEL, chat(0, 0), ("unmeasured", "complete", None), None),
        (NATIVE, {**chat(10, 1), **STREAM}, ("lower_bound", "aborted", 11), 0),
        (OPENLIT, {**chat(4, 6), **STREAM}, ("estimated", "complete", 10), 0),
        ("ai", {"ai.operationId": "ai.streamText.doStream", "ai.usage.promptTokens": "NaN"},
         ("unmeasured", "complete", None), None),
        ("claude-like", {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 7},
         ("derived", "complete", 7), 7),
    ],
)  # fmt: skip
def test_what_a_span_leaves_out_is_said_and_never_zero(
    open_shop: Callable[[], Shop], scope: str, attributes: dict[str, Any], graded: Any, charge: int | None
) -> None:
    shop = open_shop()
    shop.price(PRICES)
    shop.customer("acme", plan="pro")
    ids = {"trace_id": f"{next(NUMBERS):032x}", "start_ns": at("2026-11-03T10:00Z"), "end_ns": at("2026-11-03T10:01Z")}
    span = a_span({**attributes, "tollspan.customer": "acme"}, scope=scope, tenant=shop.tenant, **ids)
    shop.put(request([span]), encoding="otlp-json")
    (call,) = shop.ask("calls").rows
    rows = shop.ask("inexact").rows
    assert [(row["quality"], call["outcome"], row["total_tokens"]) for row in rows] == ([graded] if graded else [])
    if graded:
        assert rows[0]["charge"] == call["charge"] == charge
    assert shop.ask("audit", full="true").ok
