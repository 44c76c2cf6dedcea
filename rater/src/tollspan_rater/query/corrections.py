"""The corrections that were made: who said what of which calls, when and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from tollspan_rater.domain.correction import METER, Correction
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant
from tollspan_rater.store.corrections import corrections_known

Undone = Mapping[tuple[str, str], str]  # correction and call -> what took it back

COLUMNS: Final = (
    "correction", "kind", "at", "actor", "note", "calls", "taken_back", "changes", "position",
)  # fmt: skip
CALL_COLUMNS: Final = ("call_id", "kind", "changes", "undoes", "taken_back_by", "position")


def corrections_list(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: one row for each correction, or for each call that one of them names."""
    known = corrections_known(scope.connection, scope.accounts.tenant)
    undone = {(one.undoes, one.call_id): one.correction for one in known if one.undoes is not None}
    wanted, limit = params.get("correction"), int(params.get("limit", "100"))
    if wanted is None:
        rows = [_row(list(made), undone) for _, made in groupby(sorted(known, key=_ID), key=_ID)]
        rows.sort(key=lambda row: int(str(row["position"])), reverse=True)
        return _answer(scope, COLUMNS, rows, limit)
    named = [one for one in known if one.correction == wanted]
    if not named:
        raise NotFoundError("correction", wanted, "tollspan correct list shows them.")
    return _answer(scope, CALL_COLUMNS, [_call_row(one, undone) for one in named], limit)


_ID: Final = attrgetter("correction")


def _answer(scope: Scope, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]], limit: int) -> Answer:
    notes = [f"{len(rows) - limit} more: a larger --limit"] if len(rows) > limit else []
    return Answer("Corrections", columns, rows[:limit], scope.as_of, scope.zone, notes)


def _row(made: Sequence[Correction], undone: Undone) -> dict[str, Cell]:
    first = made[0]
    changes = {_words(one) for one in made}
    return {
        "correction": first.correction,
        "kind": first.kind,
        "at": instant(first.at_ns),
        "actor": first.actor,
        "note": first.note,
        "calls": len({one.call_id for one in made}),
        "taken_back": sum((one.correction, one.call_id) in undone for one in made),
        "changes": changes.pop() if len(changes) == 1 else "differ by call",
        "position": first.position,
    }


def _call_row(one: Correction, undone: Undone) -> dict[str, Cell]:
    return {
        "call_id": one.call_id,
        "kind": one.kind,
        "changes": _words(one),
        "undoes": one.undoes,
        "taken_back_by": undone.get((one.correction, one.call_id)),
        "position": one.position,
    }


def _words(one: Correction) -> str:
    """Word what is set; of times and unknown values as the store has them."""
    said = (f"{name.removeprefix(METER)}={'' if text is None else text}" for name, text in one.changes.items())
    return ", ".join(sorted(said))
