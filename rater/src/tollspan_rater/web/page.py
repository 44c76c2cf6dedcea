"""What a page consists of, before it becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tollspan_rater.web.cell import Shown
from tollspan_rater.web.table import Table


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one thing, in the order in which it is told."""

    heading: str
    facts: tuple[tuple[str, Shown], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A field of the form above a page: ``given`` is what it holds now."""

    name: str
    words: str
    given: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: tables and facts under a title, as of a journal position.

    ``hidden`` are fields that the form carries on, ``steps`` links to neighbours, ``verdict`` whether all is
    well, where a page has one.
    """

    title: str
    parts: tuple[Table | Facts, ...] = ()
    position: int | None = None
    zone: str = "UTC"
    about: str = ""
    choices: tuple[Choice, ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[tuple[str, str], ...] = ()
    verdict: bool | None = None
    notes: tuple[str, ...] = ()
    fixed: str | None = None
