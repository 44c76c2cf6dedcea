"""Every piece has one fate, with its reason and the piece that holds instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.extract.spans import SECOND
from tests.pipeline.rig import NOW, Rig
from tests.pipeline.stories import PYDANTIC, conflicting, own, partial, root, view
from tollspan_rater.domain.span import Span

Fates = Sequence[tuple[str, str | None, str | None]]

FINAL = view(1, scope=PYDANTIC)
PENDING = partial(1)
STORED = ("stored", None, None)
BIG = 1 << 62

# What arrives in this order, and the fate of each once all are there; pieces are named 0, 1, 2 ...
TABLE: list[tuple[str, list[Span], Fates]] = [
    ("new", [own(1)], [STORED]),
    ("context", [root(customer="acme")], [STORED]),
    ("says nothing", [root()], [("ignored", "not usage", None)]),
    ("a copy", [own(1), own(1)], [STORED, ("duplicate", None, "0")]),
    ("a copy of what says nothing", [root(), root()], [("ignored", "not usage", None), ("duplicate", None, "0")]),
    ("a conflict", [own(1), conflicting(own(1))], [STORED, ("conflict", "same key, other evidence", "0")]),
    ("pending, then final", [PENDING, FINAL], [("superseded", "a final version came", "1"), STORED]),
    ("final, then pending", [FINAL, PENDING], [STORED, ("superseded", "a final version came before", "0")]),
    (
        "two partial ones",
        [PENDING, conflicting(PENDING)],
        [STORED, ("superseded", "a partial version came before", "0")],
    ),
    (
        "a copy of the pending one after the final one",
        [PENDING, FINAL, PENDING, FINAL],
        [
            ("superseded", "a final version came", "1"),
            STORED,
            ("superseded", "a final version came before", "1"),
            ("duplicate", None, "1"),
        ],
    ),
    (
        "a conflict of the final one",
        [PENDING, FINAL, conflicting(FINAL)],
        [("superseded", "a final version came", "1"), STORED, ("conflict", "same key, other evidence", "1")],
    ),
    (
        "from the future",
        [replace(own(1), start_ns=NOW + 601 * SECOND, end_ns=NOW + 602 * SECOND)],
        [("quarantined", "future", None)],
    ),
    ("ten minutes ahead", [replace(own(1), start_ns=NOW + 600 * SECOND, end_ns=NOW + 602 * SECOND)], [STORED]),
    ("no start", [replace(own(1), start_ns=0)], [("quarantined", "bad_time", None)]),
    (
        "no usage",
        [replace(own(1), attributes={"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": -1})],
        [("quarantined", "bad_usage", None)],
    ),
    ("more attempts than fit", [replace(own(1), attributes={**own(1).attributes, "tollspan.attempt": BIG})], [STORED]),
    ("a bad id beside a good span", [replace(own(1), span_id="12"), own(2)], [("quarantined", "bad_id", None), STORED]),
]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.close()


@pytest.mark.parametrize("how", ["one request", "one step", "restarts"])
@pytest.mark.parametrize(("case", "spans", "wanted"), TABLE, ids=[row[0] for row in TABLE])
def test_each_piece_has_its_fate(rig: Rig, case: str, spans: list[Span], wanted: Fates, how: str) -> None:
    if how == "one request":
        names = [f"1:{number}" for number in range(len(spans))]
        rig.feed(*spans)
    else:
        names = [f"{number}:0" for number in range(1, len(spans) + 1)]
        for span in spans:
            rig.journal.batch(span)
            if how != "one step":
                rig.writer.catch_up()
            if how == "restarts":
                rig.restart()
        rig.writer.catch_up()
    expected = [(fate, why, None if by is None else names[int(by)]) for fate, why, by in wanted]
    assert rig.fates() == dict(zip(names, expected, strict=True))
    assert sum(rig.counts().values()) == rig.pieces()


def test_a_request_without_spans_has_no_pieces(rig: Rig) -> None:
    rig.feed()
    assert (rig.pieces(), rig.counts(), rig.writer.position) == (0, {}, 1)


@pytest.mark.parametrize(
    ("body", "reason", "kept"),
    [(b"{", "malformed", b"{"), (b"[]", "malformed", b"[]"), (b'{"resourceSpans": 7}', "bad_value", None)],
)
def test_a_request_that_is_none_is_one_quarantined_piece(
    rig: Rig, body: bytes, reason: str, kept: bytes | None
) -> None:
    rig.journal.raw(body)
    rig.feed(own(1))
    assert rig.counts() == {"quarantined": 1, "stored": 1}
    assert rig.fates()["1:0"][:2] == ("quarantined", reason)
    [(kept_as, raw)] = rig.rows("SELECT kept_as, raw FROM quarantine")
    assert (kept_as, raw if kept is None else kept) == ("bytes", raw)
