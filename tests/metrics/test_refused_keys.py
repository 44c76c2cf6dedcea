"""Senders whose key is refused have names, not too many of them, and not for ever."""

from __future__ import annotations

from tollspan_rater.ingest.admission import Accepted, Kind, Outcome, Refused
from tollspan_rater.metrics.refused_keys import LASTS_S, MOST, RefusedKeys

BAD_KEY = Refused(5, "no valid key", Kind.UNAVAILABLE, bad_key=True)


class Passed:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def counted(refused: RefusedKeys) -> dict[str, float]:
    [family] = refused.metrics()
    assert family.name == "tollspan_sender_key_refused"
    return {sample.labels["sender"]: sample.value for sample in family.samples}


def test_only_refused_keys_count() -> None:
    refused = RefusedKeys()
    others: list[Outcome] = [Accepted(1), Refused(5, "full", Kind.UNAVAILABLE), Refused(None, "no", Kind.MALFORMED)]
    for outcome in (*others, BAD_KEY, BAD_KEY):
        refused.observe("10.0.0.7", outcome)
    assert counted(refused) == {"10.0.0.7": 2}


def test_a_sender_is_forgotten_when_it_is_refused_no_more() -> None:
    passed = Passed()
    refused = RefusedKeys(passed)
    refused.observe("a", BAD_KEY)
    passed.seconds = LASTS_S - 1
    refused.observe("b", BAD_KEY)
    assert counted(refused) == {"a": 1, "b": 1}
    passed.seconds = LASTS_S
    assert counted(refused) == {"b": 1}
    refused.observe("a", BAD_KEY)
    assert counted(refused) == {"b": 1, "a": 1}


def test_strangers_cannot_make_labels_without_end() -> None:
    refused = RefusedKeys()
    for number in range(3 * MOST):
        refused.observe(f"stranger {number}", BAD_KEY)
    refused.observe("stranger 3", BAD_KEY)
    known = counted(refused)
    assert len(known) == MOST + 1
    assert (known["stranger 3"], known["other"]) == (2, 2 * MOST)
