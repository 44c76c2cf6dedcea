"""A case: a call as an application makes it, and what must be recorded of it, attempt by attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Record(NamedTuple):
    """What one record says of itself: its outcome and the quality of its counts."""

    outcome: str
    quality: str


EXACT = Record("complete", "exact")
ESTIMATED = Record("complete", "estimated")
UNMEASURED = Record("complete", "unmeasured")
ABORTED = Record("aborted", "estimated")
BROKEN = Record("failed", "estimated")
REFUSED = Record("failed", "unmeasured")
TIMED_OUT = Record("timeout", "estimated")


@dataclass(frozen=True, slots=True)
class Case:
    """One case: ``call`` is given the provider's address for it; ``expected`` are tollspan's records in order.

    ``traits`` are the provider's (``conformance.provider.server``). ``input_stated``: the provider told the input
    before the stream broke, so that this much is exact. ``polls`` is how many of the exact records repeat a call
    that an earlier one holds already, under the same response id.
    """

    name: str
    sdk: str
    call: Callable[[str], Any]
    expected: tuple[Record, ...] = (EXACT,)
    traits: str = "plain"
    input_stated: bool = False
    polls: int = 0

    @property
    def slug(self) -> str:
        """The name as it stands in the provider's address."""
        return self.name.lower().replace(": ", ".").replace(" ", "-")

    @property
    def is_charged(self) -> bool:
        """Whether the provider charges for any of it."""
        return any(record != REFUSED for record in self.expected)

    @property
    def states_all(self) -> bool:
        """Whether the provider states the usage of all that it charges for."""
        return {record.quality for record in self.expected} - {"unmeasured"} == {"exact"}


Register = Callable[[Callable[[str], Any]], Callable[[str], Any]]


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of one SDK, in the order of their definition; ``cases(...)`` is the decorator that adds one."""

    sdk: str
    found: list[Case]

    def __call__(
        self, name: str, *expected: Record, traits: str = "plain", input_stated: bool = False, polls: int = 0
    ) -> Register:
        """Return the decorator of a case; without ``expected`` one exact record is."""
        return self._adds(name, expected or (EXACT,), traits, input_stated, polls)

    def free(self, name: str, *, traits: str = "plain") -> Register:
        """Return the decorator of a case that must leave no record, since nothing is charged."""
        return self._adds(name, (), traits)

    def _adds(self, name: str, *about: Any) -> Register:
        def register(call: Callable[[str], Any]) -> Callable[[str], Any]:
            self.found.append(Case(name, self.sdk, call, *about))
            return call

        return register


def cases_of(sdk: str) -> Cases:
    """Return the decorator for the cases of an SDK, named as its distribution is."""
    return Cases(sdk, [])
