"""From any id to the bill and back: the eight questions on one screen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from query.shop import Shop, card, plan
from tests.extract.spans import SECOND, T0, chat
from tests.pipeline.rig import request
from tests.pipeline.stories import ROOT, TRACES, own, root, unit, view
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import Span
from tollspan_rater.domain.usage import Usage
from tollspan_rater.errors import JournalGapError, NotFoundError
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.stated import stated
from tollspan_rater.query import explain_member, resumed
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.render import as_json
from tollspan_rater.query.selection import select

EIGHT = (
    "which customer and user", "which feature and model", "how many tokens of each kind", "what did it cost us",
    "does it count toward a quota", "is it on an invoice, on which line", "production, internal or test",
    "what kind of account",
)  # fmt: skip


@pytest.fixture
def told(shop: Shop) -> Shop:
    shop.price(
        {
            "card.yaml": card(
                [{"tokens": {"graduated": [{"up_to": "1000", "price": "2"}, {"price": "1"}], "per": "1K"}}]
            ),
            "plan.yaml": plan("pro", base_fee="10"),
        }
    )
    shop.customer("a", plan="pro")
    calls = [
        shop.call(f"2026-11-03T10:00:0{n}Z", {"input": 600, "output": 100}, customer="a", user="ann", feature="chat")
        for n in range(3)
    ]
    shop.send(*calls)
    shop.send(calls[0])
    return shop


def said(shop: Shop, name: str) -> dict[str, Any]:
    return {str(row["what"]): row["value"] for row in shop.ask("explain", id=name).rows}


def test_a_call_answers_the_eight_questions(told: Shop) -> None:
    second = told.ask("calls").rows[1]
    answer = said(told, str(second["call_id"]))
    line = next(row for row in told.ask("invoice", customer="a", period="2026-11").rows if row["kind"] == "usage")
    assert {name: answer[name] for name in EIGHT} == {
        "which customer and user": "a / ann",
        "which feature and model": "chat / openai gpt-4.1, chat",
        "how many tokens of each kind": "input 600, output 100 (exact, complete)",
        "what did it cost us": answer["what did it cost us"],
        "does it count toward a quota": "yes (billable)",
        "is it on an invoice, on which line": line["line_id"],
        "production, internal or test": "production (nobody said otherwise)",
        "what kind of account": "ordinary, plan pro",
    }
    assert str(answer["what did it cost us"]).startswith("0.002 USD = ")
    assert answer["what do we charge"] == "1 USD"  # 300 at 2, 400 at 1 a thousand
    assert answer["leg +1"].endswith("input 600, output 100, customer a")


def test_a_trace_and_a_span_lead_to_their_call(told: Shop) -> None:
    first = told.ask("calls").rows[0]
    trace_id = first["trace_ids"][0]  # type: ignore[index]
    rows = told.ask("explain", id=trace_id.upper()).rows
    fates = [row["value"] for row in rows if str(row["what"]).startswith("fate of piece")]
    assert fates[0] == "stored"
    assert str(fates[1]).startswith("duplicate, held by piece ")
    assert f"call {first['call_id']}" in {row["about"] for row in rows}
    span_id = str(rows[0]["about"]).removeprefix("span ")
    assert f"call {first['call_id']}" in {row["about"] for row in told.ask("explain", id=span_id).rows}


def test_every_line_is_found_by_its_id_also_in_months_without_usage(told: Shop) -> None:
    for period in ("2026-11", "2026-12"):
        for row in told.ask("invoice", customer="a", period=period).rows:
            answer = told.ask("explain", id=str(row["line_id"]))
            values = {str(one["what"]): one["value"] for one in answer.rows}
            assert str(values["on the bill of"]).startswith(f"a, {period} (UTC), ")
            assert str(values["amount"]).endswith(f"rounded {row['amount']:f}")
            listed = [one for one in answer.rows if str(one["what"]).startswith("call c_")]
            assert len(listed) == (3 if row["kind"] == "usage" else 0)


@pytest.mark.parametrize("name", ["0" * 32, "0" * 16, "c_none", "ln_none", "what?"])
def test_what_is_not_there_is_said(told: Shop, name: str) -> None:
    with pytest.raises(NotFoundError):
        told.ask("explain", id=name)


def test_another_tenants_ids_lead_nowhere(told: Shop, shop: Shop, open_shop: Any) -> None:
    stranger = open_shop()
    row = told.ask("calls").rows[0]
    for name in (row["call_id"], row["trace_ids"][0]):  # type: ignore[index]
        with pytest.raises(NotFoundError):
            stranger.ask("explain", id=name)


def spans_of(shop: Shop, *spans: Span) -> int:
    return shop.put(request(spans), encoding="otlp-json")


def about(answer: Answer, start: str) -> list[dict[str, Any]]:
    """The facts of each thing whose name starts so, in the order of the answer."""
    found: dict[str, dict[str, Any]] = {}
    for row in answer.rows:
        if str(row["about"]).startswith(start):
            found.setdefault(str(row["about"]), {})[str(row["what"])] = row["value"]
    return list(found.values())


OPENINFERENCE = "openinference.instrumentation.openai"
OUR_VIEW = replace(
    own(1),
    attributes={
        **chat(10, 5),
        "tollspan.record.id": "r1",
        "tollspan.usage.raw": '{"prompt_tokens": 10, "completion_tokens": 5}',
        "tollspan.usage.api": "openai.chat",
        "tollspan.customer": "acme",
    },
)
OTHER_VIEW = replace(
    view(2),
    attributes={
        **chat(11, 5),
        "gen_ai.usage.reasoning.output_tokens": 3,
        "user.id": "ada",
        "unrelated": "x",
    },
)


def test_each_span_of_a_call_tells_what_it_stated_and_what_became_of_it(shop: Shop) -> None:
    top = root(resource={"deployment.environment.name": "staging"}, customer="globex")
    spans_of(shop, top, OUR_VIEW, OTHER_VIEW)
    [call] = shop.ask("calls").rows
    answer = shop.ask("explain", id=str(call["call_id"]))
    ours, other = about(answer, "member ")
    assert ours["member"].endswith("0001 (its usage was chosen)")
    assert other["member"].endswith("0002")
    assert (ours["role"], other["role"]) == (
        "call, seen by tollspan, named chat",
        f"call, seen by {OTHER_VIEW.scope}, named chat",
    )
    assert ours["read by"].startswith("tollspan@")
    assert ours["joined by"] == "it represents the call"
    assert other["joined by"] == f"siblings, with {TRACES[0]}:{OUR_VIEW.span_id}"
    assert ours["usage"] == {"input": "10", "output": "5"}
    assert other["usage"] == {"input": "11", "output": "5", "reasoning": "3"}
    assert ours["attributes"]["tollspan.usage.raw"] == '{"prompt_tokens": 10, "completion_tokens": 5}'
    assert ours["taken for"]["tollspan.usage.raw"] == "proof"
    assert other["attributes"]["gen_ai.usage.input_tokens"] == "11"
    assert other["taken for"]["gen_ai.usage.input_tokens"] == "input"
    assert "unrelated" not in other["attributes"]


def test_a_call_tells_whose_numbers_won_what_disagrees_and_who_said_for_whom(shop: Shop) -> None:
    top = root(customer="globex", resource={"deployment.environment.name": "staging"})
    spans_of(shop, top, OUR_VIEW, replace(OTHER_VIEW, resource={"deployment.environment.name": "qa"}))
    answer = shop.ask("explain", id=str(shop.ask("calls").rows[0]["call_id"]))
    [call] = about(answer, "call ")
    ours, other = (f"{TRACES[0]}:{span.span_id}" for span in (OUR_VIEW, OTHER_VIEW))
    assert call["whose usage"] == f"{ours}: its rank is the best of those that state usage"
    assert call["filled from another view"] == f"reasoning from {other}"
    assert call["conflict"] == f"input: 10 of {ours} holds, {other} says 11"
    assert call["customer said by"] == f"{ours}: acme"
    assert call["environment said by"] == f"the resource of {other}: qa"
    told = about(answer, "member ")[1]
    assert told["attributes"]["resource.deployment.environment.name"] == "qa"
    assert told["taken for"]["resource.deployment.environment.name"] == "alias.environment"


def test_a_persons_name_is_not_shown_as_it_was_stated(shop: Shop) -> None:
    spans_of(shop, OTHER_VIEW)
    answer = shop.ask("explain", id=str(shop.ask("calls").rows[0]["call_id"]))
    [member] = about(answer, "member ")
    assert member["says"]["alias.user"] == member["attributes"]["user.id"] != "ada"


def test_a_unit_tells_its_quantity_and_who_said_for_whom(shop: Shop) -> None:
    spans_of(shop, root(customer="globex"), unit(3))
    answer = shop.ask("explain", id=TRACES[0])
    [call], [member] = about(answer, "call "), about(answer, "member ")
    assert member["usage"] == {"retrieval": "2.5"}
    assert member["joined by"] == "it is the only one"
    assert call["customer said by"] == f"{TRACES[0]}:{ROOT}: globex"
    assert call["leg +1"].endswith("retrieval 2.5, customer globex")


def test_an_id_that_is_no_more_leads_to_the_call_that_its_spans_are_in_now(shop: Shop) -> None:
    spans_of(shop, OTHER_VIEW)
    old = str(shop.ask("calls").rows[0]["call_id"])
    spans_of(shop, OUR_VIEW)
    new = str(shop.ask("calls").rows[0]["call_id"])
    assert old != new
    answer = shop.ask("explain", id=old)
    [gone, now] = about(answer, "call ")
    assert gone["state"] == f"its revisions net to zero; it is now {new}"
    assert list(gone)[1:] == ["leg +1", "leg -1"]
    assert now["which customer and user"] == "acme / ada"
    assert len(about(answer, "member ")) == 2


def test_an_id_of_a_call_that_split_leads_to_where_its_spans_are_now(shop: Shop) -> None:
    outer = view(1)
    inner = [view(n, scope=OPENINFERENCE, parent_id=outer.span_id, start_ns=outer.start_ns + n) for n in (2, 3)]
    spans_of(shop, outer, inner[0])
    old = str(shop.ask("calls").rows[0]["call_id"])
    spans_of(shop, inner[1])
    first, second = (str(row["call_id"]) for row in shop.ask("calls").rows)
    assert old not in {first, second}
    [gone, *_] = about(shop.ask("explain", id=old), "call ")
    assert gone["state"] == f"its revisions net to zero; it is now {first}"


def test_an_id_whose_spans_are_in_no_call_any_more_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    spans_of(shop, OTHER_VIEW)
    old = str(shop.ask("calls").rows[0]["call_id"])
    silent = lambda span: replace(extract(span), role=Role.NONE, usage=Usage(), said={})  # noqa: E731 - a table of a line
    monkeypatch.setattr("tollspan_rater.server.meaning.extract", silent)
    shop.rater.execute("reextract", {"since": "2020-01-01"}, tenant=shop.tenant, actor="test")
    [gone] = about(shop.ask("explain", id=old), "call ")
    assert gone["state"] == "its revisions net to zero; it is now no call"
    assert "(reextract)" in gone["leg -1"]


def test_tables_that_changed_since_are_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    spans_of(shop, OTHER_VIEW)
    monkeypatch.setattr(explain_member, "stated", lambda span: replace(stated(span), dialect="other@7"))
    [member] = about(shop.ask("explain", id=str(shop.ask("calls").rows[0]["call_id"])), "member ")
    assert member["read today by"] == "other@7; tollspan reextract tells what that changes"


def test_what_left_the_journal_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    position = spans_of(shop, OTHER_VIEW)

    def gone(after: int, **_most: int) -> list[Any]:
        raise JournalGapError(after, after + 2)

    monkeypatch.setattr(shop.rater.journal, "read", gone)
    [member] = about(shop.ask("explain", id=str(shop.ask("calls").rows[0]["call_id"])), "member ")
    assert member["attributes"] == f"position {position} is no longer in the journal; what was read of it is above"
    assert member["usage"] == {"input": "11", "output": "5", "reasoning": "3"}


def test_the_calls_of_a_trace_are_rated_in_one_go(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    spans_of(shop, root(customer="acme"), *(view(n, start_ns=T0 + n * SECOND) for n in range(1, 6)))
    asked = []
    monkeypatch.setattr(resumed, "select", lambda *given: asked.append(given) or select(*given))
    answer = shop.ask("explain", id=TRACES[0])
    assert len(about(answer, "call ")) == 5
    assert len(asked) == 1


def test_machines_get_lists_and_objects(shop: Shop) -> None:
    spans_of(shop, OTHER_VIEW)
    rows = json.loads(as_json(shop.ask("explain", id=TRACES[0])))
    attributes = [row["value"] for row in rows if row["what"] == "attributes"]
    assert attributes[0]["gen_ai.usage.input_tokens"] == "11"
