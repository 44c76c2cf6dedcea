"""What a target's answers mean, as a table: status and the vendor's code, to what became of the items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tollspan_rater.export.http import Answer, Lost
from tollspan_rater.export.target import Accepted, NotTaken, Outcome, Refused, Unclear

_LONGEST_WHY: Final = 300

Meaning = Literal["accepted", "refused", "not_taken", "unclear", "look_first"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an answer means, by its status and, where one is named, by the vendor's code."""

    status: range | int
    meaning: Meaning
    code: str | None = None

    def fits(self, status: int, code: str) -> bool:
        """Tell whether the rule speaks of an answer."""
        in_status = status == self.status if isinstance(self.status, int) else status in self.status
        return in_status and self.code in {None, code}


COMMON: Final[tuple[Rule, ...]] = (
    Rule(range(200, 300), "accepted"),
    Rule(401, "not_taken"),  # our key, not the item: to be mended in the configuration
    Rule(403, "not_taken"),
    Rule(408, "unclear"),
    Rule(409, "unclear"),
    Rule(429, "not_taken"),
    Rule(range(300, 400), "not_taken"),
    Rule(range(400, 500), "refused"),
    Rule(range(500, 600), "unclear"),
)

FOREIGN: Final = (Rule(range(200, 300), "unclear"),)


def outcome(
    answer: Answer | Lost,
    rules: Sequence[Rule],
    said: Callable[[Answer], tuple[str, str]],
    name: Callable[[Answer], str | None] = lambda _answer: "",
) -> Outcome:
    """Say what an answer means by the first rule that fits; the vendor's rules come before :data:`COMMON`.

    ``said`` returns the vendor's code and sentence of an answer, ``name`` the vendor's name for what it took: empty
    where it gives none, ``None`` where an answer is not what the contract says of a success. Such an answer takes
    nothing, and neither does a page that is not JSON, unless a rule of the vendor says so: somebody else has answered.
    """
    if isinstance(answer, Lost):
        return Unclear(_cut(answer.why)) if answer.left else NotTaken(_cut(answer.why))
    code, sentence = said(answer)
    code = code or f"http_{answer.status}"
    why = _cut(f"HTTP {answer.status} {code}: {sentence or answer.text}")
    common: Sequence[Rule] = FOREIGN if answer.ok and answer.foreign else COMMON
    meaning: Meaning = next((rule.meaning for rule in (*rules, *common) if rule.fits(answer.status, code)), "unclear")
    by_meaning: dict[Meaning, Callable[[], Outcome]] = {
        "accepted": lambda: _accepted(answer, name(answer)),
        "refused": lambda: Refused(code, why),
        "not_taken": lambda: NotTaken(why, answer.after_s),
        "unclear": lambda: Unclear(why),
        "look_first": lambda: Unclear(why, look_first=True),
    }
    return by_meaning[meaning]()


def named(*path: str) -> Callable[[Answer], str | None]:
    """Return how to read the vendor's name of what it took, which every success has at a place of its body."""
    return lambda answer: at(answer.body, *path) or None


def objects(body: Any, name: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list that an answer's body has under a name; none where there is no such list."""
    found = body.get(name) if isinstance(body, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _accepted(answer: Answer, name: str | None) -> Outcome:
    if answer.ok and name is None:
        return Unclear(_cut(f"HTTP {answer.status}, and not what a success is answered with: {answer.text}"))
    return Accepted(name or "")


def silence(answer: Answer | Lost) -> Unclear:
    """Return that an answer does not say what was asked for, with what it says instead."""
    return Unclear(_cut(f"HTTP {answer.status}: {answer.text}" if isinstance(answer, Answer) else answer.why))


def at(body: Any, *path: str) -> str:
    """Return the text at a place of an answer's body, empty when there is none."""
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body if isinstance(body, str) else ""


def _cut(text: str) -> str:
    return text[:_LONGEST_WHY]
