"""Recorded exchanges through every HTTP wire: what is recorded is the truth that comes with them.

Here the shortest exchange of each provider, operation and kind of body; ``python -m tests.instrumentation.recordings``
replays all of them.
"""

from __future__ import annotations

import pytest
from tests.instrumentation.recordings import WIRES, Grade, campaign
from tests.instrumentation.through_botocore import bedrock
from tests.recordings.exchange import FILE, Json, exchanges

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no recordings at {FILE}; set TOLLSPAN_SHARED_DATA")


@pytest.fixture(scope="module")
def chosen() -> list[Json]:
    """The shortest exchange with a truth of each kind, and one without."""
    kinds: dict[tuple[object, ...], Json] = {}
    for one in exchanges():
        kind = (one["provider"], one["operation"], one["wire"], one["truth"] is None)
        size = len(one.get("response_body") or one.get("response_body_b64") or "")
        held = kinds.get(kind)
        if held is None or size < len(held.get("response_body") or held.get("response_body_b64") or ""):
            kinds[kind] = one
    return [*kinds.values()]


def not_exact(grades: list[Grade]) -> list[tuple[str, str, str]]:
    with_truth = (one for one in grades if one.exchange["truth"] is not None)
    return [(one.exchange["id"], one.verdict, one.note) for one in with_truth if one.verdict != "exact"]


@pytest.mark.parametrize("through", WIRES)
def test_what_is_recorded_is_the_truth(through: str, chosen: list[Json]) -> None:
    grades = campaign(through, (), chosen)
    asked = [*bedrock(chosen)] if through == "botocore" else chosen
    assert [one.exchange["id"] for one in grades] == [one["id"] for one in asked]
    assert not_exact(grades) == []
    without = {one.verdict for one in grades if one.exchange["truth"] is None}
    assert {"unmeasured", "free"} <= without <= {"unmeasured", "free", "estimated", "exact"}  # exact: reranks, by unit


@pytest.mark.parametrize("through", WIRES)
def test_it_is_the_truth_however_bodies_are_cut_and_compressed(through: str, chosen: list[Json]) -> None:
    kinds = {(one["operation"], one["wire"]): one for one in chosen if one["truth"] is not None}
    assert not_exact(campaign(through, ("--chunk", "7", "--gzip"), kinds.values())) == []


@pytest.mark.parametrize("through", WIRES)
def test_a_stream_that_breaks_off_is_never_taken_for_whole(through: str, chosen: list[Json]) -> None:
    grades = campaign(through, ("--abort", "0.5"), [one for one in chosen if one["stream"]])
    assert {record.outcome for one in grades for record in one.records} == {"failed"}
    assert {one.verdict for one in grades} <= {"estimated", "lower bound"}
    assert [one.exchange["id"] for one in grades if len(one.records) != 1] == []
