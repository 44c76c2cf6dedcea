"""A gateway and the app behind it see the same calls, in separate traces without ids: a rule says who is billed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from query.shop import Shop, at
from tests.extract.spans import SECOND, a_span, chat
from tests.pipeline.rig import request
from tollspan import semconv
from tollspan_rater.domain.span import Span

START = at("2026-11-03T10:00Z")
CALLS = 3
BY_GATEWAY = """
rules:
  - rule: gateway-bills
    billed_elsewhere: by the gateway litellm-proxy
    when: {service: shop}
"""
BY_APP = """
rules:
  - rule: app-bills
    billed_elsewhere: by the app, which knows the customer
    when: {service: litellm-proxy, scope: litellm}
"""


def app(round_: int, number: int) -> list[Span]:
    """A request of the app: a root that names the customer, and its own record of the call below."""
    trace, root = f"a{round_:03x}{number:028x}", f"{round_:08x}{number:07x}f"
    of_app: dict[str, Any] = {"trace_id": trace, "resource": {"service.name": "shop"}, "start_ns": START}
    seq = CALLS * round_ + number + 1
    own = {semconv.RECORD_ID: f"r{seq}", semconv.PROCESS_ID: "shop-1", semconv.SEQ: seq}
    return [
        a_span({"tollspan.customer": "acme"}, span_id=root, scope="web", kind=2, end_ns=START + 2 * SECOND, **of_app),
        a_span(chat() | own, span_id=root[:-1] + "1", parent_id=root, end_ns=START + SECOND, **of_app),
    ]


def gateway(round_: int, number: int) -> list[Span]:
    """The gateway's view of that call, in a trace of its own."""
    return [
        a_span(
            chat() | {"tollspan.customer": "behind the gateway"},
            trace_id=f"b{round_:03x}{number:028x}",
            span_id=f"{round_:08x}{number:07x}2",
            scope="litellm",
            resource={"service.name": "litellm-proxy"},
            start_ns=START + SECOND // 10,
            end_ns=START + SECOND // 2,
        )
    ]


def traffic(shop: Shop, round_: int) -> None:
    spans = [span for number in range(CALLS) for side in (app, gateway) for span in side(round_, number)]
    shop.put(request(spans), encoding="otlp-json")


def apply(shop: Shop, text: str) -> None:
    shop.rater.execute("meters.apply", {"file": text, "name": "meters.yaml"}, tenant=shop.tenant, actor="test")


def used(shop: Shop) -> dict[str | None, tuple[Any, Any]]:
    return {str(row["customer"]): (row["calls"], row["total_tokens"]) for row in shop.ask("usage").rows}


@pytest.mark.parametrize(
    ("rules", "billed"), [(BY_GATEWAY, "behind the gateway"), (BY_APP, "acme")], ids=["gateway", "app"]
)
def test_counted_twice_before_the_rule_and_once_after_it(
    open_shop: Callable[[], Shop], rules: str, billed: str
) -> None:
    shop = open_shop()
    traffic(shop, 0)
    assert used(shop) == {"acme": (CALLS, 45), "behind the gateway": (CALLS, 45)}
    assert len(shop.ask("duplicates").rows) == CALLS
    apply(shop, rules)
    traffic(shop, 1)
    once, twice = (CALLS, 45), (2 * CALLS, 90)
    other = next(name for name in used(shop) if name != billed)
    assert used(shop) == {billed: twice, other: once}
    assert len(shop.ask("duplicates").rows) == CALLS  # of the traffic before the rule
    assert shop.ask("audit", full="true").ok
    aside = next(row["terms"] for row in shop.ask("audit").rows if str(row["equation"]).startswith("stored spans ="))
    assert f"billed elsewhere {CALLS}" in str(aside)


def test_history_is_read_again_under_the_rule(open_shop: Callable[[], Shop]) -> None:
    shop = open_shop()
    traffic(shop, 0)
    apply(shop, BY_GATEWAY)
    shop.rater.execute("reextract", {"since": "2026-11-01"}, tenant=shop.tenant, actor="test")
    assert used(shop) == {"behind the gateway": (CALLS, 45)}
    assert shop.ask("duplicates").rows == []
    assert shop.ask("audit", full="true").ok


def test_explain_says_why_a_view_is_no_call_and_by_which_rule(open_shop: Callable[[], Shop]) -> None:
    shop = open_shop()
    apply(shop, BY_GATEWAY)
    traffic(shop, 0)
    [*_, view] = app(0, 0)
    [version] = shop.ask("meters.show", versions="true").rows
    for name in (view.trace_id, view.span_id):
        said = {str(row["what"]): row["value"] for row in shop.ask("explain", id=name).rows}
        rule = f"rule:gateway-bills@{version['version']}"
        assert said["billed elsewhere"] == f"by the gateway litellm-proxy ({rule}); without the rule it is a call"
        assert said["usage"] == {"input": "10", "output": "5"}
        assert str(said["role"]).startswith("context")
        assert "whose usage" not in said
    [rule] = shop.ask("meters.show").rows
    assert (rule["meter"], rule["billed_elsewhere"]) == (None, "by the gateway litellm-proxy")
