"""Each settled call gets one money span, equal to what `calls` says; later differences follow, each once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.server.conftest import SECOND, T0, Bench, call
from tests.trace_out.spans import BOUNDS, QUIET, Kept, attributes, rest, telling
from tollspan_rater.errors import ConfigError
from tollspan_rater.server.money_spans import money_spans
from tollspan_rater.trace_out import teller, trace_out
from tollspan_rater.trace_out.target import NotNow, Taken
from tollspan_rater.trace_out.teller import Bounds

CARD = """
card: list
currency: USD
prices:
  - {input: "%s", output: "10", per: 1M}
"""
PLAN = "plan: pro\ncurrency: USD\ncards: [list]\n"
BILLED = ("tollspan.cost", "tollspan.charge")


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def shop(bench: Bench) -> Bench:
    price(bench, "3")
    for name in ("acme", "globex"):
        bench.execute("customer.set", customer=name, plan="pro")
    return bench


def price(bench: Bench, amount: str) -> None:
    files = {"cards/list.yaml": CARD % amount, "plans/pro.yaml": PLAN}
    bench.execute("pricing.apply", files=files, valid_from="2026-01-01")


def calls_as_of(bench: Bench, position: int) -> dict[str, Mapping[str, Any]]:
    rows = bench.ask("calls", as_of=str(position), limit="1000").rows
    return {str(row["call_id"]): row for row in rows}


def assert_as_calls_say(bench: Bench, span: Span) -> None:
    said = attributes(span)
    row = calls_as_of(bench, said["tollspan.as_of"])[said["tollspan.call_id"]]
    assert said["tollspan.cost"] == float(row["cost"])
    assert said["tollspan.charge"] == float(row["charge"])
    assert said["tollspan.margin"] == float(row["charge"] - row["cost"])
    names = {"customer": "customer", "currency": "currency", "price_version": "price_version", "model": "model"}
    assert {name: said[f"tollspan.{name}"] for name in names} == {name: row[column] for name, column in names.items()}
    assert span.trace_id.hex() in row["trace_ids"]


def sums(kept: Kept) -> Counter[tuple[str, str]]:
    """What a backend adds up by customer, to nine digits."""
    found: Counter[tuple[str, str]] = Counter()
    for span in kept.spans:
        said = attributes(span)
        for name in BILLED:
            found[said.get("tollspan.customer", ""), name] += round(said.get(name, 0) * 10**12)
    return Counter({key: amount for key, amount in found.items() if amount})


def as_calls_add_up(bench: Bench) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for row in bench.ask("calls", limit="1000").rows:
        for name in BILLED:
            amount = row[name.removeprefix("tollspan.")]
            found[str(row["customer"] or ""), name] += round(Decimal(amount or 0) * 10**12)
    return Counter({key: amount for key, amount in found.items() if amount})


def test_a_call_gets_one_child_with_its_money(shop: Bench, kept: Kept) -> None:
    with telling(shop, kept) as telling_it:
        for number in (1, 2, 3):
            shop.send(call(number))
        assert telling_it.step()
        assert kept.spans == []
        rest(shop)
        assert telling_it.step()
        assert telling_it.step()
        assert telling_it.figures.sent == telling_it.figures.calls == 3
    assert sorted(span.parent_span_id for span in kept.spans) == [number.to_bytes(8, "big") for number in (1, 2, 3)]
    assert {span.trace_id for span in kept.spans} == {number.to_bytes(16, "big") for number in (1, 2, 3)}
    assert len({span.span_id for span in kept.spans}) == 3
    assert {(span.name, span.start_time_unix_nano, span.end_time_unix_nano) for span in kept.spans} == {
        ("money", T0, T0)
    }
    for span in kept.spans:
        assert_as_calls_say(shop, span)


def test_a_call_in_motion_waits(shop: Bench, kept: Kept) -> None:
    with telling(shop, kept) as telling_it:
        shop.send(call(1))
        shop.clock.set(shop.clock.now_ns() + QUIET - SECOND)
        shop.send(call(2))
        shop.clock.set(shop.clock.now_ns() + 2 * SECOND)
        telling_it.step()
        assert [span.parent_span_id[-1] for span in kept.spans] == [1]
        rest(shop)
        telling_it.step()
    assert [span.parent_span_id[-1] for span in kept.spans] == [1, 2]


def test_no_trace_that_was_sampled_out_is_told(shop: Bench, kept: Kept) -> None:
    dropped = call(1)
    dropped.resource_spans[0].scope_spans[0].spans[0].attributes.add(
        key="tollspan.trace.sampled"
    ).value.bool_value = False
    with telling(shop, kept) as telling_it:
        shop.send(dropped)
        shop.send(call(2))
        rest(shop)
        telling_it.step()
        assert telling_it.figures.sampled_out == 1
    assert [span.parent_span_id[-1] for span in kept.spans] == [2]
    assert len(calls_as_of(shop, shop.rater.journal.last_position)) == 2


def test_what_is_not_known_is_absent(bench: Bench, kept: Kept) -> None:
    with telling(bench, kept) as telling_it:
        bench.send(call(1, gen_ai__request__model="nobodys", gen_ai__response__model="nobodys"))
        rest(bench)
        telling_it.step()
    (span,) = kept.spans
    assert not {"tollspan.cost", "tollspan.charge", "tollspan.margin"} & attributes(span).keys()


def late_price(bench: Bench) -> None:
    price(bench, "4")


def another_customer(bench: Bench) -> None:
    (one, *_) = calls_as_of(bench, bench.rater.journal.last_position)
    bench.execute("call.reattribute", calls=[one], set={"customer": "globex"}, note="test")


def voided(bench: Bench) -> None:
    (one, *_) = calls_as_of(bench, bench.rater.journal.last_position)
    bench.execute("call.void", calls=[one], note="test")


@pytest.mark.parametrize("change", [late_price, another_customer, voided])
def test_a_later_difference_follows_once(shop: Bench, kept: Kept, change: Any) -> None:
    with telling(shop, kept) as telling_it:
        for number in (1, 2):
            shop.send(call(number))
        rest(shop)
        telling_it.step()
        before = sums(kept)
        change(shop)
        rest(shop)
        telling_it.step()
        count = len(kept.spans)
        assert telling_it.figures.adjustments == count - 2 > 0
        telling_it.step()
        assert len(kept.spans) == count
    assert sums(kept) == as_calls_add_up(shop) != before
    assert {span.name for span in kept.spans[2:]} == {"tollspan.adjustment"}
    assert {span.parent_span_id for span in kept.spans[2:]} <= {span.parent_span_id for span in kept.spans[:2]}
    assert len({span.span_id for span in kept.spans}) == count


def test_a_late_call_moves_those_after_it_to_another_tier(bench: Bench, kept: Kept) -> None:
    tiers = '{graduated: [{up_to: 150, price: "3"}, {price: "1"}]}'
    files = {"cards/list.yaml": (CARD % "0").replace('"0"', tiers), "plans/pro.yaml": PLAN}
    bench.execute("pricing.apply", files=files, valid_from="2026-01-01")
    bench.execute("customer.set", customer="acme", plan="pro")
    with telling(bench, kept) as telling_it:
        bench.send(call(1))
        rest(bench)
        telling_it.step()
        bench.send(call(2, start_ns=T0 - SECOND))
        rest(bench)
        telling_it.step()
    first, *later = [attributes(span) for span in kept.spans]
    adjusted = [one for one in later if one["tollspan.call_id"] == first["tollspan.call_id"]]
    assert [one["tollspan.charge"] < 0 for one in adjusted] == [True]
    assert "tollspan.cost" not in adjusted[0]
    assert sums(kept) == as_calls_add_up(bench)


def test_a_look_takes_a_bounded_number_of_calls(shop: Bench, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teller, "MOST_CALLS", 2)
    with telling(shop, kept) as telling_it:
        for number in range(1, 6):
            shop.send(call(number))
        rest(shop)
        for count in (2, 4, 5, 5):
            telling_it.step()
            assert len({span.span_id for span in kept.spans}) == len(kept.spans) == count


def test_a_refusal_is_sent_again_with_the_same_bytes(shop: Bench, kept: Kept) -> None:
    kept.answers.extend([NotNow("away"), Taken()])
    with telling(shop, kept) as telling_it:
        shop.send(call(1))
        rest(shop)
        assert not telling_it.step()
        assert telling_it.figures.waiting == telling_it.figures.failures == 1
    with telling(shop, kept) as again:
        assert again.figures.waiting == 1
        assert again.step()
        assert again.step()
    assert len(kept.spans) == 1
    assert_as_calls_say(shop, kept.spans[0])


def test_a_restart_tells_nothing_twice_and_misses_nothing(shop: Bench, kept: Kept) -> None:
    with telling(shop, kept) as telling_it:
        shop.send(call(1))
        rest(shop)
        telling_it.step()
        shop.send(call(2))
    shop.close()
    rest(shop)
    shop.send(call(3))
    rest(shop)
    with telling(shop, kept) as telling_it:
        telling_it.step()
    assert sorted(span.parent_span_id[-1] for span in kept.spans) == [1, 2, 3]


def test_calls_from_before_the_outbox_are_left_alone(shop: Bench, kept: Kept) -> None:
    shop.send(call(1))
    with telling(shop, kept) as telling_it:
        shop.send(call(2))
        price(shop, "5")
        rest(shop)
        telling_it.step()
        another_customer(shop)
        rest(shop)
        telling_it.step()
    assert {span.parent_span_id[-1] for span in kept.spans} == {2}


def test_the_outbox_is_bounded(shop: Bench, kept: Kept) -> None:
    kept.answers.extend([NotNow("away")] * 3)
    with telling(shop, kept, Bounds(QUIET, 2, 3)) as telling_it:
        for number in range(1, 6):
            shop.send(call(number))
            rest(shop)
            telling_it.step()
            assert telling_it.figures.waiting <= 3
        assert (telling_it.figures.dropped, telling_it.figures.sent) == (1, 4)
        price(shop, "9")
        rest(shop)
        telling_it.step()
        assert telling_it.figures.adjustments == 2


def test_a_money_span_that_comes_back_is_no_usage(shop: Bench, kept: Kept) -> None:
    with telling(shop, kept, BOUNDS) as telling_it:
        shop.send(call(1))
        rest(shop)
        telling_it.step()
        (body,) = kept.requests
        before = shop.usage()
        shop.send(body)
        rest(shop)
        telling_it.step()
        assert shop.usage() == before
        assert len(kept.spans) == 1


def test_ingest_goes_on_while_the_endpoint_hangs(shop: Bench, kept: Kept) -> None:
    asked, answered = threading.Event(), threading.Event()

    class Hanging(Kept):
        def send(self, body: bytes, spans: int) -> Taken | NotNow:
            asked.set()
            assert answered.wait(30)
            return kept.send(body, spans)

    with telling(shop, Hanging()) as telling_it:
        shop.send(call(1))
        rest(shop)
        telling_it.start()
        assert asked.wait(30)
        assert shop.rater.trouble() is None
        shop.send(call(2))
        assert shop.usage()["acme"][0] == 2
        answered.set()
    assert [span.parent_span_id[-1] for span in kept.spans] == [1]


def test_a_fault_is_logged_and_tried_again(
    shop: Bench, kept: Kept, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = threading.Event()
    with telling(shop, kept) as telling_it:
        monkeypatch.setattr(trace_out, "PAUSE_S", 0.001)
        monkeypatch.setattr(trace_out, "MOST_PAUSE_S", 0.001)
        steps = iter([ValueError("by the test")])

        def step() -> bool:
            for fault in steps:
                raise fault
            again.set()
            return True

        monkeypatch.setattr(telling_it, "step", step)
        telling_it.start()
        assert again.wait(30)
    assert "money spans failed" in caplog.text


def test_nothing_goes_out_without_an_endpoint(bench: Bench) -> None:
    with money_spans(bench.rater):
        assert bench.rater.trace_out is None
    assert not bench.folder.trace_outbox.exists()


def test_authorities_that_are_none_are_refused(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    bench.flags |= {"trace_out.endpoint": "https://h", "trace_out.protocol": "http"}
    bench.flags["trace_out.ca_file"] = str(tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match=r"trace_out\.ca_file"), money_spans(bench.rater):
        pass
