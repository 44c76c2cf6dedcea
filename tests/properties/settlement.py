"""What holds for settlement, whatever spans come in whatever order; each property is a function of drawn spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.extract.random_spans import arrivals
from tests.properties.follower import Follower
from tollspan_rater.domain.call import Extracted
from tollspan_rater.extract import island
from tollspan_rater.extract.evidence import from_evidence, to_evidence
from tollspan_rater.extract.settle import settle

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


PROPERTIES: Mapping[str, Property] = {
    one.__name__: Property(arrivals(), one)
    for one in (
        islands_add_up,
        islands_add_up_without_small_ones,
        copies_and_restarts_change_nothing,
        any_order_gives_the_same_calls,
    )
}
