"""What is booked for the calls of some spans, and the legs that lead from it to other calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tollspan_rater.domain.call import Call
from tollspan_rater.store.legs import Booked, LegRow, difference


@dataclass(slots=True)
class Bookings:
    """Maps each span that represents or has represented a call to the state of each id that was booked for it."""

    states: dict[str, dict[str, Booked]] = field(default_factory=dict)

    def absorb(self, other: Bookings) -> None:
        """Take in what is booked for other spans."""
        self.states |= other.states

    def note(self, member: str, call_id: str, state: Booked) -> None:
        """Note the state of a call id."""
        self.states.setdefault(member, {})[call_id] = state

    def moved_to(self, calls: Sequence[Call], members: Iterable[str] | None, position: int) -> list[LegRow]:
        """Book that the calls of some members, or of all, are now these; return the legs."""
        among = list(self.states if members is None else members)
        booked = {call_id: state for member in among for call_id, state in self.states.get(member, {}).items()}
        owner = {call_id: member for member in among for call_id in self.states.get(member, ())}
        owner |= {call.call_id: call.members[0] for call in calls}
        legs, states = difference(booked, calls, position)
        for call_id, state in states.items():
            self.note(owner[call_id], call_id, state)
        return legs
