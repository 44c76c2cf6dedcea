"""What the checks look at: settings, the machine, the rater's answers, the Collector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tollspan_rater.config.sources import Resolved
from tollspan_rater.doctor.probe import Probe
from tollspan_rater.doctor.samples import Samples
from tollspan_rater.errors import TollspanError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question
from tollspan_rater.query.rater import RaterDoor

HEALTH: Final = "http://127.0.0.1:13133"
METRICS: Final = "http://127.0.0.1:8888/metrics"


@dataclass(frozen=True, slots=True)
class CollectorPlace:
    """Where the Collector answers, and its merged configuration if one was given.

    ``meant`` tells that somebody named its addresses, so that its absence is no matter of course.
    """

    health: str = HEALTH
    metrics: str = METRICS
    config: Mapping[str, Any] | None = None
    meant: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """A set-up to look at.

    ``resolved`` are the settings in force: the serving rater's, and ``read`` are then those that this command reads.
    ``door`` is None when nothing answers, and ``silence`` then says why; ``served`` tells that a server answers,
    ``scraped`` are its figures. ``key`` is the text of a key that a sender uses, for its check.
    """

    resolved: Resolved
    probe: Probe
    now_ns: int
    read: Resolved | None = None
    door: RaterDoor | None = None
    silence: str = ""
    served: bool = False
    scraped: Samples | None = None
    collector: CollectorPlace = field(default_factory=CollectorPlace)
    key: str | None = None

    def ask(self, asked: str, given: Mapping[str, Sequence[str]] | None = None) -> Answer | None:
        """Return the answer to a question about the configured tenant; None when nothing answers.

        Raises:
            TollspanError: the rater cannot answer it.
        """
        if self.door is None:
            return None
        return self.door.ask(asked, question(asked).read(given or {}), tenant=self.resolved.config.tenant)

    def position(self) -> int:
        """Return the journal position that answers include now; 0 where there is none."""
        try:
            answer = self.ask("keys.list")
        except TollspanError:  # the checks have said so
            return 0
        return 0 if answer is None else answer.as_of
