"""Counting again from the journal's bytes what the store holds (``audit --full``).

It knows the journal's file format (docs/reference/journal.md) and reads requests with :mod:`second_reader`;
nothing of the pipeline. Days that were dropped because a snapshot covers them are not counted on either side.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

import zstandard

from tollspan_rater.query.check import Check, values
from tollspan_rater.query.equations import ELSEWHERE
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.second_reader import DAMAGE, Seen, json_pieces, protobuf_pieces
from tollspan_rater.store import snapshot
from tollspan_rater.store.folder import Folder

_BATCH, _COMMAND = 1, 2
_CORRECTING: Final = "call."  # kinds of commands that say something of calls
_READERS: Final[Mapping[str, Callable[[bytes], list[Seen]]]] = {
    "otlp-proto": protobuf_pieces,
    "otlp-json": json_pieces,
    "undecodable": lambda _body: [DAMAGE],
}


@dataclass(slots=True)
class Recount:
    """What the journal's bytes say of one tenant, from the position after ``base`` on.

    ``entries`` counts those of all tenants. ``first`` maps the ``trace_id:span_id`` of each span of tollspan's own
    instrumentation to its first version. ``corrected`` are the calls that commands name: correction, call, what is
    undone.
    """

    base: int = 0
    entries: int = 0
    pieces: int = 0
    first: dict[str, Seen] = field(default_factory=dict)
    corrected: set[tuple[str, str, str]] = field(default_factory=set)


def recount(journal: Path, tenant: str, as_of: int) -> Recount:
    """Count the entries of the journal files in a folder up to a position."""
    files = sorted(journal.glob("????-??-??.sqlite"))
    total = Recount()
    for number, path in enumerate(files):
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            if not number:
                (total.base,) = file.execute("SELECT base FROM origin").fetchone()
            _count(file, tenant, as_of, total)
    return total


def _count(file: sqlite3.Connection, tenant: str, as_of: int, total: Recount) -> None:
    query = "SELECT kind, tenant, form, body FROM entry WHERE position <= ? ORDER BY position"
    for kind, owner, form, body in file.execute(query, (as_of,)):
        total.entries += 1
        if owner != tenant:
            continue
        if kind == _COMMAND and form.startswith(_CORRECTING):
            said = json.loads(zstandard.decompress(body))
            total.corrected |= {(said["correction"], one["call"], one.get("undoes", "")) for one in said["calls"]}
        if kind != _BATCH:
            continue
        for piece in _READERS[form](zstandard.decompress(body)):
            total.pieces += 1
            if piece.own:
                total.first.setdefault(f"{piece.trace_id}:{piece.span_id}", piece)


_OWN_CALLS: Final = """
    WITH stored AS (
        SELECT trace_id || ':' || span_id AS name, min(position) AS position FROM spans
        WHERE tenant = $tenant AND fate = 'stored' GROUP BY ALL
    )
    SELECT calls.evidence, calls.input, calls.output,
           coalesce(list_contains(flags, 'output_from_total') OR regexp_matches(units, '"compaction_(in|out)"')
                    OR details->>'proof' IS NOT NULL, false) AS beyond
    FROM settled_calls AS calls JOIN stored ON stored.name = calls.evidence
    WHERE tenant = $tenant AND kind = 'call' AND dialect LIKE 'tollspan@%' AND stored.position > $base
"""
_CORRECTED: Final = """
    SELECT count(DISTINCT (correction, call_id, coalesce(undoes, '')))
    FROM corrections WHERE tenant = $tenant AND position > $base
"""
_MEMBERS: Final = "SELECT unnest(members) FROM settled_calls WHERE tenant = $tenant"
# A view whose call is billed elsewhere is in no call.
_STORED: Final = f"""
    SELECT trace_id || ':' || span_id FROM held_spans
    WHERE tenant = $tenant AND fate = 'stored' AND {ELSEWHERE} IS NULL
"""  # noqa: S608 - our text


def recounted(scope: Scope, folder: Folder) -> Iterator[Check]:
    """Yield the equations between the journal's bytes and the store, for the positions still in the journal."""
    tenant = scope.accounts.tenant
    counted = recount(folder.journal, tenant, scope.as_of)
    if counted.base:
        yield _covered(counted.base, folder)
    (entries,) = values(scope, "SELECT count(*) FROM entries WHERE position > $base", base=counted.base)
    yield Check("entries in the journal = entries applied", Decimal(counted.entries), entries, "all tenants")
    (pieces,) = values(
        scope,
        "SELECT sum(pieces) FROM entries WHERE tenant = $tenant AND kind = 'batch' AND position > $base",
        tenant=tenant, base=counted.base,
    )  # fmt: skip
    yield Check("pieces counted again from the journal = pieces applied", Decimal(counted.pieces), pieces)
    stored = {row[0] for row in scope.connection.execute(_STORED, {"tenant": tenant}).fetchall()}
    members = {row[0] for row in scope.connection.execute(_MEMBERS, {"tenant": tenant}).fetchall()}
    own = counted.first.keys() & stored
    yield Check(
        "own spans in the journal = own spans in calls",
        Decimal(len(own)),
        Decimal(len(own & members)),
        f"{len(counted.first) - len(own)} more are not stored, or billed elsewhere: see quarantine list, meters show",
    )
    (corrected,) = values(scope, _CORRECTED, tenant=tenant, base=counted.base)
    yield Check("calls named by corrections in the journal = in the store", Decimal(len(counted.corrected)), corrected)
    yield from _tokens(scope, counted)


def _covered(base: int, folder: Folder) -> Check:
    covering = snapshot.latest(folder.snapshots)
    return Check(
        "positions no longer in the journal = covered by the newest snapshot",
        Decimal(base),
        Decimal(0 if covering is None else min(base, covering.position)),
        f"positions 1 to {base} left with their days; what follows compares the positions after them",
    )


def _tokens(scope: Scope, counted: Recount) -> Iterator[Check]:
    rows = scope.connection.execute(_OWN_CALLS, {"tenant": scope.accounts.tenant, "base": counted.base}).fetchall()
    # The second reader takes the counts that an app wrote beside the provider's object, and these may say less.
    found = [row[:-1] for row in rows if not row[-1]]
    left_out = len(rows) - len(found)
    aside = f"{left_out} calls left out: their usage object says more than the counts beside it" if left_out else ""
    for place, meter in enumerate(("input", "output")):
        again = sum(getattr(counted.first.get(name, DAMAGE), meter) or 0 for name in {row[0] for row in found})
        yield Check(
            f"own spans counted again from the journal = their calls ({meter})",
            Decimal(again),
            Decimal(sum(usage[place] or 0 for _, *usage in found)),
            aside,
        )
