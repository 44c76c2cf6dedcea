"""A trace that grows for an hour: what is read and settled for a new span does not grow with it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.extract.growing import STEPS
from tests.pipeline.rig import NOW, MemoryJournal, a_rig
from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract.cluster import NOTHING_AROUND, Around
from tollspan_rater.extract.evidence import from_evidence
from tollspan_rater.extract.settle import link_ids, settle
from tollspan_rater.pipeline.batches import Meaning
from tollspan_rater.pipeline.memory import LARGE
from tollspan_rater.pipeline.settling import WHOLE


class Counted:
    """Settlement that notes how many spans each of its questions had, and how often evidence was read."""

    def __init__(self) -> None:
        self.settled: list[int] = []
        self.read = 0

    @property
    def meaning(self) -> Meaning:
        return Meaning(self._settle, link_ids, self._from_evidence)

    def _settle(self, spans: Iterable[Extracted], around: Around = NOTHING_AROUND, /) -> list[Call]:
        found = list(spans)
        self.settled.append(len(found))
        return settle(found, around)

    def _from_evidence(self, text: str) -> Extracted:
        self.read += 1
        return from_evidence(text)


def growing(name: str, steps: int) -> MemoryJournal:
    journal = MemoryJournal()
    for step in range(steps):
        for span in STEPS[name](step):
            journal.batch(span, received_ns=NOW + 3_600_000_000_000)
    return journal


@pytest.mark.parametrize("name", ["nested", "steps_of_an_agent"])
def test_a_new_span_costs_no_more_than_the_first(name: str) -> None:
    counted = Counted()
    read: list[int] = []
    with a_rig(growing(name, 200), meaning=counted.meaning) as rig:
        while rig.writer.step(rig.writer.position + 50):
            read.append(counted.read)
            counted.read = 0
        assert rig.rows("SELECT count(*), sum(input) FROM calls") == [(200, 2000)]
        assert rig.pieces() == 400
    assert max(counted.settled[-100:]) <= WHOLE
    assert max(read[-2:]) <= 50  # what came, each once, and nothing that was there
    assert sum(read) <= 400 + 2 * LARGE + LARGE * LARGE // 50


@pytest.mark.parametrize("name", ["below_a_call"])
def test_what_is_kept_from_step_to_step_leaves_no_trace(name: str) -> None:
    journal = growing(name, 2 * LARGE)
    with a_rig(journal) as kept, a_rig(journal) as forgetful:
        while kept.writer.step(kept.writer.position + 200):
            pass
        while forgetful.writer.step(forgetful.writer.position + 200):
            forgetful.restart()
        assert kept.digests() == forgetful.digests()
