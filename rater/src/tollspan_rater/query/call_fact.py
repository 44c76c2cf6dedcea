"""Facts of calls that prices look at and that are counted: in SQL for many calls, from a row for one."""

from __future__ import annotations

import orjson

from tollspan_rater.query.selection import CallRow

TAG = "tags."


def fact_sql(name: str) -> str:
    """Return the SQL of a fact as the call states it: a column, or ``tags.NAME``.

    ``name`` is one that the pricing files may name, or that of a tag, which may be any text.
    """
    return json_sql("tags", name.removeprefix(TAG)) if name.startswith(TAG) else f'"{name}"'


def json_sql(column: str, name: str) -> str:
    """Return the SQL of the text that a JSON object in a column holds under a name, which may be any text."""
    pointer = "/" + name.replace("~", "~0").replace("/", "~1").replace("'", "''")
    return f"json_extract_string({column}, '{pointer}')"


def fact_of(row: CallRow, name: str) -> str | None:
    """Return a fact as a call states it."""
    if name.startswith(TAG):
        return None if row.tags is None else orjson.loads(row.tags).get(name.removeprefix(TAG))
    value: str | None = getattr(row, name)
    return value


def facts_of(row: CallRow, names: tuple[str, ...], phase: str | None) -> tuple[tuple[str, str | None], ...]:
    """Return a call's facts by name; the account's ``phase`` holds where the call says none."""
    return tuple((name, fact_of(row, name) or (phase if name == "phase" else None)) for name in names)
