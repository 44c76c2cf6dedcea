"""Set-ups to examine: a machine that says what a test wants, a rater that answers from a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.fake_rater import FakeRater
from tollspan_rater.config.sources import resolve
from tollspan_rater.doctor.finding import Finding, State
from tollspan_rater.doctor.probe import Reply
from tollspan_rater.doctor.samples import Samples
from tollspan_rater.doctor.setup import Setup
from tollspan_rater.query.answer import Answer

NOW: Final = datetime(2026, 11, 15, 12, tzinfo=UTC)
NOW_NS: Final = int(NOW.timestamp()) * 10**9
PLENTY: Final = 2**40


@dataclass
class FakeMachine:
    """A machine on which all is well until a test says otherwise."""

    taken: set[str] = field(default_factory=set)
    unreachable: str = ""
    replies: Mapping[str, Reply] = field(default_factory=dict)
    writable: bool = True
    shared: bool = False
    free: int = PLENTY
    fsync: float | None = 0.002

    def can_listen(self, address: str) -> bool:
        return address not in self.taken

    def trouble_reaching(self, host: str, port: int) -> str:
        return self.unreachable

    def get(self, url: str) -> Reply:
        return self.replies.get(url, Reply(trouble="refused"))

    def is_writable(self, path: Path) -> bool:
        return self.writable

    def others_may(self, path: Path) -> bool:
        return self.shared

    def free_bytes(self, path: Path) -> int:
        return self.free

    def fsync_seconds(self, folder: Path) -> float | None:
        return self.fsync


def table(*rows: Mapping[str, Any]) -> Answer:
    """An answer of these rows."""
    return Answer("", tuple(rows[0]) if rows else (), rows, 7)


def setup(
    data: Path = Path("/nowhere"),
    *,
    machine: FakeMachine | None = None,
    config: Mapping[str, Any] | None = None,
    answers: Mapping[str, Answer] | None = None,
    scrape: str | None = None,
    **more: Any,
) -> Setup:
    """A set-up; with ``answers`` something answers, with ``scrape`` a server does."""
    resolved = resolve({"data": str(data), **(config or {})}, {}, Path("/nowhere"))
    rater = None if answers is None else FakeRater(table(), dict(answers))
    scraped = None if scrape is None else Samples(scrape)
    return Setup(
        resolved, machine or FakeMachine(), NOW_NS, door=rater, served=scrape is not None, scraped=scraped, **more
    )


def worst(found: Iterable[Finding]) -> list[tuple[State, str]]:
    """What is not as it should be; each comes with what to do."""
    return list(_bad(found))


def _bad(found: Iterable[Finding]) -> Iterator[tuple[State, str]]:
    for one in found:
        if one.state in {State.WARNING, State.PROBLEM}:
            assert one.remedy, one.found
            yield one.state, one.found


def assert_found(found: Iterable[Finding], wanted: Mapping[str, State]) -> None:
    """Exactly these are not as they should be: words of what was found, with its state."""
    bad = worst(found)
    assert len(bad) == len(wanted), bad
    for words, state in wanted.items():
        assert any(state is one and words in said for one, said in bad), (words, bad)
