"""Long answers page by page: every page is of one journal position, so that pages fit together."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
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
_CURSOR: Final = re.compile(r"([0-9]{1,18})-([0-9a-f]{12})-([0-9A-Za-z_.]{1,200})")
_ALL: Final = "9" * 9  # the largest number of rows that a question can be asked for
_OWN: Final = "cursor"  # the parameter by which a question itself goes on
_PAGING: Final = frozenset(param.name for param in PARAMS)
_OF_ANY_QUESTION: Final = frozenset({"limit", "as_of"})


@dataclass(frozen=True, slots=True)
class Page:
    """What to ask for one page, and how much of the answer it is.

    ``mark`` tells the question and its parameters from others. ``size`` is ``None`` for all that the question gives,
    ``most`` how many rows that may be. ``after`` is how many rows came before, ``None`` for a question that itself
    goes on after a cursor.
    """

    given: Mapping[str, Sequence[str]]
    mark: str
    size: int | None = None
    most: int | None = None
    after: int | None = 0

    def cut(self, answer: Answer) -> tuple[Answer, str | None]:
        """Return the page out of an answer, and the cursor of the next one; totals stay those of all rows."""
        if self.after is None:
            return answer, self._cursor(answer, str(answer.details.get(_OWN) or ""))
        if self.size is None:
            full = self.most is not None and 0 < self.most <= len(answer.rows)
            return answer, self._cursor(answer, str(self.most) if full else "")
        until = self.after + self.size
        page = replace(answer, rows=answer.rows[self.after : until])
        return page, self._cursor(answer, str(until) if until < len(answer.rows) else "")

    def _cursor(self, answer: Answer, place: str) -> str | None:
        return f"{answer.as_of}-{self.mark}-{place}" if place else None


def paged(question: Question) -> bool:
    """Tell whether a question has pages: those that can be asked again as of a position do."""
    return _takes(question, "as_of")


def page_of(question: Question, given: Mapping[str, Sequence[str]]) -> Page | None:
    """Return which page is asked for, ``None`` where a question has no pages.

    Without ``page_size`` and ``cursor`` it is the whole answer, or as much of it as the question's ``limit`` lets
    through. Of pages, the first is as of now, or as of the moment that is asked for; the others are of the first
    one's position.

    Raises:
        UsageError: a size or cursor that is none, a cursor of another question, of other parameters or another
            position, or a question without pages.
    """
    rest = {name: values for name, values in given.items() if name not in _PAGING}
    if not paged(question):
        if len(rest) < len(given):
            raise UsageError(f"{question.name} has no pages: ask without page_size and cursor")
        return None
    goes_on = _takes(question, _OWN)
    cursor = _CURSOR.fullmatch(given["cursor"][0]) if len(given.get("cursor", ())) == 1 else None
    asked = question.read(rest)
    mark = _mark(question.name, asked)
    if cursor is None and "page_size" not in given and ("cursor" not in given or goes_on):
        most = int(asked["limit"]) if "limit" in asked and not goes_on else None
        return Page(given, mark, None, most, None if goes_on else 0)
    if "cursor" in given and cursor is None:
        raise UsageError("this is no cursor: take `next` from an earlier answer")
    size = _size(given)
    if cursor is not None:
        rest["as_of"] = [_position(cursor, mark, rest.get("as_of", ()))]
    rest.setdefault("as_of", [NOW])
    if goes_on:
        own = {} if cursor is None else {_OWN: [cursor[3]]}
        return Page({**rest, **own, "limit": [str(size)]}, mark, size, None, None)
    if _takes(question, "limit") and ("limit" not in rest or "page_size" not in given):
        rest["limit"] = [_ALL]
    return Page(rest, mark, size, None, _row(cursor[3]) if cursor else 0)


def _takes(question: Question, name: str) -> bool:
    return any(param.name == name for param in question.params)


def _mark(name: str, asked: Mapping[str, str]) -> str:
    """Return a digest of what is asked, whichever page of it."""
    said = {key: value for key, value in asked.items() if key not in _OF_ANY_QUESTION}
    return blake2b(json.dumps([name, said], sort_keys=True).encode(), digest_size=6).hexdigest()


def _position(cursor: re.Match[str], mark: str, moments: Sequence[str]) -> str:
    """Return the position of a cursor of this very question; a moment that is a position must be the same one."""
    if cursor[2] != mark:
        raise UsageError(
            "this cursor is of another question: ask with the parameters of the answer that it comes from,"
            " or without a cursor"
        )
    for moment in moments:
        if moment.isdecimal() and int(moment) != int(cursor[1]):
            raise UsageError(f"this cursor goes on at position {cursor[1]}, not at {moment}: leave as_of away")
    return cursor[1]


def _size(given: Mapping[str, Sequence[str]]) -> int:
    """Return the rows of a page: ``page_size``, or the ``limit`` with which a list is gone through without it."""
    if "page_size" not in given:
        limit = given.get("limit", (str(DEFAULT_SIZE),))[0]
        return min(max(int(limit), 1), MAX_SIZE)
    values = given["page_size"]
    if len(values) != 1 or not values[0].isdecimal() or not 1 <= int(values[0]) <= MAX_SIZE:
        raise UsageError(f"page_size is a whole number from 1 to {MAX_SIZE}, given once")
    return int(values[0])


def _row(place: str) -> int:
    if not place.isdecimal():
        raise UsageError("this is no cursor: take `next` from an earlier answer")
    return int(place)
