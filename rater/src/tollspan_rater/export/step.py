"""What to do next with an item: send, look first, ask a person, or nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tollspan_rater.export.contract import Contract
from tollspan_rater.export.state import State

SECOND: Final = 1_000_000_000
MARGIN_S: Final = 1_800  # clocks differ, and a request takes time: so much before its end a window counts as over
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2, 900


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and not before when. ``replan``: its time has left the target's window before it was ever taken.

    ``rest``: nothing is left to do, or a person has to do it.
    """

    do: Literal["send", "look", "hold", "replan", "rest"]
    at_ns: int = 0
    why: str = ""


def step(stamp_ns: int, state: State, contract: Contract, now_ns: int, *, at_once: bool = False) -> Step:
    """Decide about an item that says it happened at ``stamp_ns``; ``at_once`` without a pause after a try in vain.

    The same id is sent again only while the target surely knows it; after that, or where the same id would only
    repeat an answer that says nothing, the target is asked first; where it cannot be asked, a person is.
    """
    if state.at_rest:
        return Step("rest")
    due_ns = 0 if at_once else after_pause_ns(state)
    if not state.unanswered:
        if not recent(stamp_ns, contract, now_ns):
            return Step("replan", why=f"its time is more than {contract.past_s} s ago, which {contract.name} refuses")
        return Step("send", max(due_ns, _open_ns(stamp_ns, contract)))
    if not state.look_first and _known(state, contract, now_ns):
        return Step("send", due_ns)
    if contract.looks:
        return Step("look", max(due_ns, (state.last_sent_ns or 0) + contract.settle_s * SECOND))
    return Step("hold", why=_unknowable(state, contract))


def recent(stamp_ns: int, contract: Contract, now_ns: int) -> bool:
    """Tell whether a target still takes what happened at a time, with a margin for the way there."""
    return contract.past_s is None or now_ns - stamp_ns < _less_margin(contract.past_s) * SECOND


def pause_s(tries: int) -> int:
    """Return how long to wait after so many sendings in vain: 2, 4, 8 ... seconds, at most a quarter of an hour."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S << min(max(tries - 1, 0), 16))


def after_pause_ns(state: State) -> int:
    """Return when the pause after the last try ends, or what the target asked for; 0 without a try."""
    if state.not_before_ns is not None:
        return state.not_before_ns
    return 0 if state.last_sent_ns is None else state.last_sent_ns + pause_s(state.tries) * SECOND


def _open_ns(stamp_ns: int, contract: Contract) -> int:
    return 0 if contract.future_s is None else stamp_ns - contract.future_s * SECOND


def _known(state: State, contract: Contract, now_ns: int) -> bool:
    if contract.dedup_s is None or state.first_sent_ns is None:
        return True
    return now_ns - state.first_sent_ns < _less_margin(contract.dedup_s) * SECOND


def _less_margin(window_s: int) -> int:
    return max(0, window_s - MARGIN_S)


def _unknowable(state: State, contract: Contract) -> str:
    ended = f"{contract.name} remembers an id for {contract.dedup_s} s, which are over"
    return (
        f"it was sent {state.tries} times without an answer ({state.why or 'the process ended'}), "
        f"{'the answer would only be repeated' if state.look_first else ended}, and it cannot be asked. "
        "Look there, then say what you found: tollspan export retry --item ID --present or --absent."
    )
