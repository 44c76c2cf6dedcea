"""Single events of the meters whose amount does not follow from a sum, in the order in which they count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import duckdb

from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.call_fact import fact_of, facts_of
from tollspan_rater.query.rated import decision_of, used
from tollspan_rater.query.selection import COMPUTED, CallRow
from tollspan_rater.query.spell import FOUND, Spell, registered
from tollspan_rater.rating.quantity import covered, exclusive
from tollspan_rater.rating.sample import Sample
from tollspan_rater.store.paged import paged

_FETCH: Final = 10_000
_FOUND_ALREADY: Final = frozenset({"retried"})


def samples_of(
    connection: duckdb.DuckDBPyConnection, tenant: str, spells: Sequence[Spell]
) -> Iterator[tuple[Spell, Sample]]:
    """Yield the events of the meters that the spells' tariffs sample, by (service time, call id)."""
    if not spells:
        return
    sampled = frozenset(meter for spell in spells for meter in spell.tariff.sampled)
    columns = ", ".join(
        f'"{name}"' if name in _FOUND_ALREADY else COMPUTED.get(name, f'"{name}"') for name in CallRow._fields
    )
    with registered(connection, tenant, spells) as values:
        query = (
            f"{FOUND} SELECT place, {columns} FROM found WHERE place IS NOT NULL AND ({_touches(sampled)}) "  # noqa: S608 - fixed names, bound values
            "ORDER BY started_ns, call_id"
        )
        for fetched in paged(connection, query, {**values, "sampled": sorted(sampled)}, _FETCH):
            for place, *cells in fetched:
                spell = spells[place]
                yield from ((spell, sample) for sample in _of_call(CallRow._make(cells), spell))


def _touches(sampled: frozenset[str]) -> str:
    """Return the SQL of a condition that holds for each call that used one of the meters or a part of one."""
    tokens = [f'"{name}" IS NOT NULL' for name in TOKEN_FIELDS if covered(name, sampled)]
    anything = ["TRUE"] if "request" in sampled else []
    return " OR ".join([*anything, *tokens, "units IS NOT NULL", "list_contains($sampled, meter)"])


def _of_call(row: CallRow, spell: Spell) -> Iterator[Sample]:
    tariff = spell.tariff
    decision = decision_of(row, spell.segment, spell.phase)
    facts = facts_of(row, tariff.dimensions, spell.phase)
    for meter, quantity in exclusive(used(row)).items():
        if covered(meter, tariff.sampled):
            of = tariff.of(spell.number, meter)
            value = None if of is None else fact_of(row, of)
            yield Sample(
                row.started_ns, row.call_id, spell.number, row.provider, row.model, facts, decision, meter, quantity,
                value,
            )  # fmt: skip
