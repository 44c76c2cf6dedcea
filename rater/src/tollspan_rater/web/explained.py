"""Explanations: one call with its spans and history, or whatever an id stands for, with links to what it names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.web.address import page
from tollspan_rater.web.asking import Asking
from tollspan_rater.web.cell import Link, Shown, linked, of_customer, of_id
from tollspan_rater.web.page import Choice, Facts, Page
from tollspan_rater.web.table import Table, table

LINE_CALLS: Final = "100"
_CALLS: Final = (
    "line_amount", "call_id", "trace_ids", "started_at", "customer", "model", "input_tokens", "output_tokens", "charge",
)  # fmt: skip


def explain(asking: Asking, given: Mapping[str, str], _clock: Clock) -> Page:
    """Make the page of any id; without one, the form that asks for it."""
    name = given.get("id", "").strip()
    if not name:
        words = "Give a trace id, span id, call id (c_...) or line id (ln_...)."
        return Page("Explain", about=words, choices=(Choice("id", "Id"),))
    answer = asking.ask("explain", id=name)
    calls = [_on_line(asking, name)] if name.startswith("ln_") else []
    return _page(asking, answer, "explain", name, (*_facts(asking, answer), *calls))


def call(asking: Asking, given: Mapping[str, str], _clock: Clock) -> Page:
    """Make the page of one call.

    Raises:
        UsageError: no call is named.
    """
    name = given.get("id", "").strip()
    if not name.startswith(("c_", "m_")):
        raise UsageError("name a call by its id, c_...; the page Explain takes every other id")
    answer = asking.ask("explain", id=name)
    return _page(asking, answer, "call", name, _facts(asking, answer))


def _page(asking: Asking, answer: Answer, kind: str, name: str, parts: tuple[Facts | Table, ...]) -> Page:
    return Page(
        answer.title,
        parts,
        asking.position,
        asking.zone,
        choices=(Choice("id", "Id", name),),
        hidden={} if asking.kept is None else {"as_of": asking.kept},
        notes=tuple(answer.notes),
        fixed=page(kind, id=name, as_of=str(asking.position)),
    )


def _facts(asking: Asking, answer: Answer) -> tuple[Facts, ...]:
    """Group the rows of an explanation by what they are about, in the order in which each first comes."""
    about: dict[str, list[tuple[str, Shown]]] = {}
    for row in answer.rows:
        about.setdefault(str(row["about"]), []).append((str(row["what"]), linked(row["value"], asking.kept)))
    return tuple(Facts(heading, tuple(facts)) for heading, facts in about.items())


def _on_line(asking: Asking, line: str) -> Table:
    """Return the calls that add to a line, each with its part."""
    answer = asking.ask("calls", line=line, limit=LINE_CALLS)
    ids, customers = partial(of_id, as_of=asking.kept), partial(of_customer, as_of=asking.kept)
    links: dict[str, Link] = {"call_id": ids, "trace_ids": ids, "customer": customers}
    return table("Calls on this line", answer, _CALLS, links=links, empty="No call adds to this line.")
