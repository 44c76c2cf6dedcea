"""What holds for settlement, whatever spans come in whatever order; each property is a function of drawn spans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.extract.random_spans import arrivals
from tests.pipeline import rig
from tests.pipeline.stories import stories
from tests.properties.follower import Follower
from tollspan_rater.domain.call import Counted, Extracted, Ruled
from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.span import Span
from tollspan_rater.extract import island
from tollspan_rater.extract.evidence import from_evidence, to_evidence
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle
from tollspan_rater.extract.span_rule import VIEWS
from tollspan_rater.ingest.decode import decode
from tollspan_rater.store.legs import booked_from, difference

Requests = Sequence[Sequence[Extracted]]


@dataclass(frozen=True)
class Property:
    """A property and what it is about."""

    drawn: st.SearchStrategy[Any]
    holds: Callable[[Any], None]


def islands_add_up(requests: Requests) -> None:
    """Settling after each request what it can change gives what settling everything gives, and the legs sum to it."""
    follower = Follower()
    for request in requests:
        follower.take(request)
        follower.check()


def islands_add_up_without_small_ones(requests: Requests) -> None:
    """The same where every call below another one is looked at for a way around it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(island, "SMALL", 0)
        islands_add_up(requests)


def copies_and_restarts_change_nothing(requests: Requests) -> None:
    """Spans that come again, with restarts in between, give the same calls byte for byte."""
    once, again = Follower(), Follower()
    for number, request in enumerate(requests):
        once.take(request)
        again.take(request)
        if number % 2:
            again.restart()
        again.take([from_evidence(to_evidence(span)) for span in request])
    assert repr(sorted(again.calls.items())) == repr(sorted(once.calls.items()))


def any_order_gives_the_same_calls(requests: Requests) -> None:
    """The set alone decides: here backwards, with each span twice."""
    spans = [span for request in requests for span in request]
    forwards, backwards = settle(spans), settle([*reversed(spans), *spans])
    assert repr(forwards) == repr(backwards)
    members = [member for call in forwards for member in call.members]
    assert len(members) == len(set(members))


def units_of_rules_add_up(drawn: tuple[Requests, Sequence[str]]) -> None:
    """Islands add up under span rules; a meter is counted once a span; what is billed elsewhere is in no call."""
    requests, forms = drawn
    ruled = [[by_rules(span, forms[int(span.span_id[-1], 16)]) for span in request] for request in requests]
    islands_add_up_without_small_ones(ruled)
    found = settle([span for request in ruled for span in request])
    counting = [call.members for call in found if call.meter == METER]
    assert len(counting) == len(set(counting))
    elsewhere = {span.member for request in ruled for span in request if span.billed_elsewhere}
    others = {span.member for request in ruled for span in request if not span.billed_elsewhere}
    assert (elsewhere - others).isdisjoint(member for call in found for member in call.members)


def by_rules(span: Extracted, form: str) -> Extracted:
    """A span as span rules leave it: nothing changed, a unit beside what it is, nothing but that unit, or no view."""
    if form == "none" or span.unit_meter is not None:
        return span
    if form == "elsewhere":
        is_view = span.role in VIEWS
        return replace(span, role=Role.CONTEXT, ruled=Ruled(span.role, (), "by a gateway")) if is_view else span
    is_unit = form == "instead" or span.role in {Role.NONE, Role.CONTEXT}
    counts = (Counted(METER, Decimal(1), "rule:r@mr_1"),)
    return replace(span, role=Role.UNIT if is_unit else span.role, ruled=Ruled(span.role, counts))


def a_late_span_changes_only_what_it_touches(requests: Requests) -> None:
    """A call changes only with spans of its traces, or of traces that share a response id with them."""
    follower = Follower()
    for request in requests:
        before, replaced = dict(follower.calls), list(follower.index.spans.values())
        follower.take(request)
        touched = _linked([*replaced, *follower.index.spans.values()], {span.trace_id for span in request})
        differing = {name for name, call in before.items() if follower.calls.get(name) != call}
        for name in differing:
            assert not touched.isdisjoint(member.split(":")[0] for member in before[name].members)


def _linked(spans: Iterable[Extracted], traces: set[str]) -> set[str]:
    """Return the traces that can be reached from some over shared response ids."""
    traces_of: dict[str, set[str]] = {}
    for span in spans:
        if span.response_id is not None:
            traces_of.setdefault(span.response_id, set()).add(span.trace_id)
    reached, groups = set(traces), list(traces_of.values())
    while near := [group for group in groups if not group.isdisjoint(reached) and not group <= reached]:
        reached.update(*near)
    return reached


def reading_again_changes_nothing(spans: Sequence[Span]) -> None:
    """Bytes read again with the same tables give the same evidence, and the same calls without a leg."""
    body = rig.request(spans)
    first, second = _read(body), _read(body)
    assert [to_evidence(span) for span in first] == [to_evidence(span) for span in second]
    calls = settle(first)
    booked = booked_from(difference({}, calls, 1)[0])
    assert difference(booked, settle([from_evidence(to_evidence(span)) for span in second]), 2)[0] == []


def _read(body: bytes) -> list[Extracted]:
    batch = Batch(1, rig.NOW, "t1", "s", "otlp-json", body)
    found = (extract(piece) for piece in decode(batch) if isinstance(piece, Span))
    return [one for one in found if isinstance(one, Extracted)]


METER = "thing"
FORMS = st.lists(st.sampled_from(["none", "beside", "instead", "elsewhere"]), min_size=16, max_size=16)
PROPERTIES: dict[str, Property] = {
    one.__name__: Property(arrivals(), one)
    for one in (
        islands_add_up,
        islands_add_up_without_small_ones,
        copies_and_restarts_change_nothing,
        any_order_gives_the_same_calls,
        a_late_span_changes_only_what_it_touches,
    )
} | {
    reading_again_changes_nothing.__name__: Property(stories(), reading_again_changes_nothing),
    units_of_rules_add_up.__name__: Property(st.tuples(arrivals(), FORMS), units_of_rules_add_up),
}
