"""The clustering rules by example: what merges, what stays apart, what is only flagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from tests.extract.spans import OTEL, SECOND, T0, an, chat

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract.settle import settle

OI = "openinference.instrumentation.openai"
OWN = "tollspan"
LITELLM = "litellm"


def call(
    name: str, parent: str = "", said: str | None = None, usage: tuple[Any, Any] = (10, 5), **over: Any
) -> Extracted:
    more: dict[str, AttributeValue] = {} if said is None else {"gen_ai.response.id": said}
    for key, attribute in (
        ("record", "tollspan.record.id"),
        ("outcome", "tollspan.outcome"),
        ("attempt", "tollspan.attempt"),
        ("operation", "gen_ai.operation.name"),
        ("cached", "litellm.cache_hit"),
    ):
        if key in over:
            more[attribute] = over.pop(key)
    at, lasts = over.pop("at", 0.0), over.pop("lasts", 1.0)
    times = {"start_ns": T0 + int(at * SECOND), "end_ns": T0 + int((at + lasts) * SECOND)}
    place = {"span_id": name * 16, "parent_id": parent * 16, "scope": OTEL}
    return an(chat(*usage) | more, **place | times | over)


def own(
    name: str, parent: str = "", said: str | None = None, usage: tuple[Any, Any] = (10, 5), **over: Any
) -> Extracted:
    return call(name, parent, said, usage, **{"scope": OWN, "record": f"r{name}"} | over)


FETCH = "fetch_response"
Case = tuple[str, Sequence[Extracted], list[tuple[str, int | None, tuple[str, ...]]]]

# Members (first digits of their span ids), input, flags of each call.
CASES: list[Case] = [
    (
        "retries are attempts of their own",
        [
            own("1", "9", usage=(None, None), attempt=1, outcome="failed"),
            own("2", "9", "r", attempt=2, at=2),
        ],
        [("1", None, ()), ("2", 10, ())],
    ),
    (
        "a background response is metered where it was fetched first, and later fetches are views",
        [
            own("1", said="r", usage=(None, None)),
            own("2", said="r", operation=FETCH, at=60),
            own("3", said="r", operation=FETCH, at=120),
        ],
        [("123", 10, ())],
    ),
    (
        "a gateway's cache answers with an old id: the hit is no view of the call that it repeats",
        [own("1", said="r"), call("2", said="r", cached=True, at=1.2, scope=LITELLM)],
        [("1", 10, ("id_reuse",)), ("2", 10, ("id_reuse",))],
    ),
    (
        "a hit seen by client and gateway is one hit",
        [own("1", said="r"), call("2", said="r", cached=True, at=0.2, lasts=0.1, scope=LITELLM)],
        [("12", 10, ())],
    ),
    (
        "several calls below one span: it shows the last one, its children show all",
        [
            call("1", said="r3", usage=(30, 5), lasts=9),
            own("2", "1", "r1", at=1),
            own("3", "1", "r2", (20, 5), at=3),
            own("4", "1", "r3", (30, 5), at=5),
        ],
        [("41", 30, ()), ("2", 10, ()), ("3", 20, ())],
    ),
    (
        "a container of a container counts nothing",
        [
            call("1", usage=(20, 10), lasts=9),
            call("2", "1", usage=(20, 10), scope=OI, lasts=9),
            own("3", "2", at=1),
            own("4", "2", at=3),
        ],
        [("3", 10, ()), ("4", 10, ())],
    ),
    (
        "a gateway between two records of ours: not merged, and reported",
        [own("1", said="r"), own("2", "1", "r", at=0.1, lasts=0.5)],
        [("1", 10, ("id_reuse", "possible_gateway_duplicate")), ("2", 10, ("id_reuse", "possible_gateway_duplicate"))],
    ),
    (
        "a gateway of another instrumentation below ours is the same hop",
        [own("1"), call("2", "1", at=0.1, lasts=0.5, scope=LITELLM)],
        [("12", 10, ())],
    ),
    (
        "records of ours within each other that share nothing are two calls, and no suspicion",
        [own("1", usage=(99, 5)), own("2", "1", at=0.1, lasts=0.5)],
        [("1", 99, ()), ("2", 10, ())],
    ),
    (
        "a view that comes an hour after its sibling was fetched is another call",
        [
            own("1", "9", "r", (None, None)),
            own("2", "9", "r", operation=FETCH, at=60),
            call("3", "9", scope=OI, at=3600),
        ],
        [("12", 10, ()), ("3", 10, ())],
    ),
]


@pytest.mark.parametrize(("case", "spans", "calls"), CASES, ids=[case[0] for case in CASES])
def test_which_calls_some_spans_show(
    case: str, spans: Sequence[Extracted], calls: list[tuple[str, int | None, tuple[str, ...]]]
) -> None:
    found = [("".join(member[33] for member in one.members), one.usage.input, one.flags) for one in settle([*spans])]
    assert Counter(found) == Counter(calls)


def test_ten_thousand_calls_whose_ids_come_from_999_values_stay_apart() -> None:
    """As Ollama gives them, an hour long, in one trace and in many."""
    spans = [
        an(
            chat(10, 5) | {"gen_ai.response.id": f"chatcmpl-{number * 7 % 999 + 1}"},
            span_id=f"{number + 1:016x}",
            trace_id=f"{number % 3 + 1:032x}",
            parent_id="f" * 16,
            scope=OTEL,
            start_ns=T0 + number * SECOND // 4,
            end_ns=T0 + number * SECOND // 4 + SECOND,
        )
        for number in range(10_000)
    ]
    calls = settle(spans)
    assert len(calls) == 10_000
    assert sum(one.usage.input or 0 for one in calls) == 100_000
    assert sum("id_reuse" in one.flags for one in calls) == 10_000


@pytest.mark.parametrize("scope", [OTEL, OWN])
def test_parallel_identical_calls_without_ids_stay_apart(scope: str) -> None:
    spans = [an(chat(10, 5), span_id=f"{number + 1:016x}", parent_id="f" * 16, scope=scope) for number in range(500)]
    assert len(settle(spans)) == 500
