"""Long answers page by page: every page is of one journal position, so that pages fit together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.moment import NOW
from tollspan_rater.query.question import Param, Question

DEFAULT_SIZE: Final = 1_000
MAX_SIZE: Final = 10_000
PARAMS: Final = (
    Param("page_size", f"at most so many rows in this answer, up to {MAX_SIZE}, and where to go on", "int"),
    Param("cursor", "go on where an answer ended: its `next`"),
)
_CURSOR: Final = re.compile(r"([0-9]{1,18})-([0-9A-Za-z_.]{1,200})")
_ALL: Final = "9" * 9  # the largest number of rows that a question can be asked for
_OWN: Final = "cursor"  # the parameter by which a question itself goes on


@dataclass(frozen=True, slots=True)
class Page:
    """What to ask for one page, and how much of the answer it is.

    ``after`` is how many rows came before, ``None`` for a question that itself goes on after a cursor.
    """

    given: Mapping[str, Sequence[str]]
    size: int
    after: int | None = 0

    def cut(self, answer: Answer) -> tuple[Answer, str | None]:
        """Return the page out of an answer, and the cursor of the next one; totals stay those of all rows."""
        if self.after is None:
            follows = answer.details.get(_OWN)
            return answer, None if follows is None else f"{answer.as_of}-{follows}"
        until = self.after + self.size
        page = replace(answer, rows=answer.rows[self.after : until])
        return page, f"{answer.as_of}-{until}" if until < len(answer.rows) else None


def paged(question: Question) -> bool:
    """Tell whether a question has pages: those that can be asked again as of a position do."""
    return any(param.name == "as_of" for param in question.params)


def page_of(question: Question, given: Mapping[str, Sequence[str]]) -> Page | None:
    """Return which page is asked for, ``None`` for a whole answer.

    The first page is as of now, or as of the moment that is asked for; the others are of the first one's position.

    Raises:
        UsageError: a size or cursor that is none, or a question without pages.
    """
    goes_on = any(param.name == _OWN for param in question.params)
    cursor = _CURSOR.fullmatch(given["cursor"][0]) if len(given.get("cursor", ())) == 1 else None
    if "page_size" not in given and cursor is None and ("cursor" not in given or goes_on):
        return None
    if not paged(question):
        raise UsageError(f"{question.name} has no pages: ask without page_size and cursor")
    if "cursor" in given and cursor is None:
        raise UsageError("this is no cursor: take `next` from an earlier answer")
    size = _size(given.get("page_size", (str(DEFAULT_SIZE),)))
    rest = {name: values for name, values in given.items() if name not in {"page_size", "cursor"}}
    rest.setdefault("as_of", [NOW])
    if cursor is not None:
        rest["as_of"] = [cursor[1]]
    if not goes_on:
        if any(param.name == "limit" for param in question.params):
            rest.setdefault("limit", [_ALL])
        return Page(rest, size, _row(cursor[2]) if cursor else 0)
    own = {} if cursor is None else {_OWN: [cursor[2]]}
    return Page({**rest, **own, "limit": [str(size)]}, size, None)


def _size(values: Sequence[str]) -> int:
    if len(values) != 1 or not values[0].isdecimal() or not 1 <= int(values[0]) <= MAX_SIZE:
        raise UsageError(f"page_size is a whole number from 1 to {MAX_SIZE}, given once")
    return int(values[0])


def _row(place: str) -> int:
    if not place.isdecimal():
        raise UsageError("this cursor is of another question: take `next` from an earlier answer to this one")
    return int(place)
