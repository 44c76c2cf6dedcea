"""Kinds of calls: what decides on a charge has few different values, however many calls there are.

The database lists them once with their sums; the engine then says of each what it adds to which component.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.call_fact import fact_sql, json_sql
from tollspan_rater.query.linear_form import QUANTITY, UNIT, Form, forms_of
from tollspan_rater.query.spell import FOUND, Spell
from tollspan_rater.rating.decision import CallFacts, decide

DIGITS: Final = 12  # decimals of unit quantities, as the store keeps them
_NUMBER: Final = f"-?[0-9]{{1,13}}([.][0-9]{{1,{DIGITS}}})?"
_SEPARATOR: Final = "\x1f"
_FIXED: Final = (
    "number", "coalesce(nullif(phase, ''), account_phase)", "provider", "model", "environment", "outcome", "billable",
    "again", "retried", "quality", "CASE WHEN kind = 'unit' THEN meter END",
    " + ".join(f"({name} IS NOT NULL)::INTEGER * {1 << place}" for place, name in enumerate(TOKEN_FIELDS)),
    f"array_to_string(json_keys(units), '{_SEPARATOR}')",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """Calls that add to the same components by the same ``forms``.

    ``digest`` is how the database recognises them. ``most`` is the sum of each column's absolute values.
    """

    digest: int
    calls: int
    forms: Mapping[int, Form]
    most: Mapping[str, Decimal]


def digest_sql(names: Sequence[str]) -> str:
    """Return the SQL of the digest of everything that decides on a call, ``names`` being the tariff's dimensions."""
    return f"hash({', '.join((*_FIXED, *map(fact_sql, names)))})"


def unit_names(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any], found: str = FOUND
) -> list[str] | None:
    """Return the meters in the column ``units`` of the found calls; None if one has a quantity that is not plain."""
    names = [
        name
        for (name,) in connection.execute(
            f"{found} SELECT DISTINCT unnest(json_keys(units)) AS name FROM found ORDER BY name",  # noqa: S608 - fixed names, bound values
            values,
        ).fetchall()
    ]
    if names:
        texts = [json_sql("units", name) for name in names]
        odd = " OR ".join(f"NOT regexp_full_match({text}, '{_NUMBER}')" for text in texts)
        query = f"{found} SELECT count(*) FROM found WHERE units IS NOT NULL AND ({odd})"  # noqa: S608 - fixed names, bound values
        ((count,),) = connection.execute(query, values).fetchall()
        if count:
            return None
    return names


def column_sql(name: str) -> str:
    """Return the SQL of a column of forms."""
    if name.startswith(UNIT):
        return f"({json_sql('units', name.removeprefix(UNIT))})::DECIMAL(38, {DIGITS})"
    return f'"{name}"'


def _times(name: str) -> str:
    """Return by what a column of a row is multiplied: units are those of one call, counts those of all."""
    return " * weight" if name.startswith(UNIT) else ""


def kinds_of(
    connection: duckdb.DuckDBPyConnection,
    values: Mapping[str, Any],
    spells: Sequence[Spell],
    units: Sequence[str],
    found: str = FOUND,
) -> Iterator[Kind]:
    """Yield the kinds of the found calls, all of one tariff; ``units`` are their :func:`unit_names`."""
    names = spells[0].tariff.dimensions
    of_number = {spell.number: spell for spell in spells}
    columns = (*TOKEN_FIELDS, QUANTITY, *(UNIT + name for name in units))
    keys = (*_FIXED, *map(fact_sql, names))
    sums = ", ".join(f"sum(abs({column_sql(name)}{_times(name)}))" for name in columns)
    rows = connection.execute(
        f"{found} SELECT {', '.join(keys)}, hash({', '.join(keys)}), sum(abs(weight)), {sums} FROM found "  # noqa: S608 - fixed names, bound values
        f"GROUP BY {', '.join(keys)}",
        values,
    ).fetchall()
    for row in rows:
        key, (digest, calls, *most) = row[: len(keys)], row[len(keys) :]
        if key[0] is None:
            continue
        known = {name: Decimal(count) for name, count in zip(columns, most, strict=True) if count is not None}
        yield Kind(digest, int(calls), _forms(key, of_number[key[0]], names), known)


def _forms(key: Sequence[Any], spell: Spell, names: Sequence[str]) -> dict[int, Form]:
    number, phase, provider, model, environment, outcome, billable, again, retried, quality, meter, bits, units = key[
        : len(_FIXED)
    ]
    facts = CallFacts(environment, phase, outcome, billable, 2 if again else 1, retried, quality)
    if not decide(facts, spell.policy).on_invoice:
        return {}
    said = {**dict(zip(names, key[len(_FIXED) :], strict=True)), "phase": phase}
    route = spell.tariff.route(number, provider, model, tuple((name, said[name]) for name in names))
    known = [name for place, name in enumerate(TOKEN_FIELDS) if bits >> place & 1]
    beside = [] if units is None else [UNIT + name for name in units.split(_SEPARATOR)]
    return forms_of(route, meter, (*known, *beside))
