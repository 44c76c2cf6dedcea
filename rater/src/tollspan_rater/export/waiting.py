"""Items that wait after a try that came to nothing: how many, until when, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tollspan_rater.export.state import State
from tollspan_rater.query.wording import instant


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many ``items`` were tried in vain; the first is tried again at ``next_ns``, ``why`` says what became of it."""

    items: int
    next_ns: int
    why: str

    def note(self, export: str) -> str:
        """Say it in a sentence, with what tries them now."""
        why = self.why or "it got no answer"
        again = f"the next try is due at {instant(self.next_ns)}, and tollspan export retry {export} tries now"
        return f"{export}, items that wait after a try that came to nothing: {self.items:,} ({why}); {again}"


def waiting(states: Iterable[State], due_ns: Callable[[State], int]) -> Waiting | None:
    """Return what waits among the items that are not at rest; None where nothing was tried in vain.

    ``due_ns`` says when an item is tried again.
    """
    tried = sorted((due_ns(one), one.why) for one in states if not one.at_rest and one.tries)
    return Waiting(len(tried), *tried[0]) if tried else None
