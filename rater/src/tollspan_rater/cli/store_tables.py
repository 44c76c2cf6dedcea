"""The reference page of the store's tables, made from the schema and the comments in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from typing import Final

from tollspan_rater.store.database import FORMAT

_TABLE: Final = re.compile(r"CREATE TABLE (?P<name>\w+) \((?P<rest>.*)$")
_COLUMN: Final = re.compile(
    r'\s*"?(?P<name>\w+)"? (?P<type>[A-Z]+(?:\([0-9, ]+\))?(?:\[\])?)(?P<null> NOT NULL)?,?(?:\s+-- (?P<meaning>.+))?$'
)
_HEAD: Final = f"""# The store

`store/tollspan.duckdb` in the data folder, format {FORMAT}. It is derived: `tollspan rebuild` makes it again from the
[journal](journal.md). Open a copy, or the file while nothing runs on the folder, with any DuckDB; never write to it.

All tables are append-only, and rows of one journal entry are committed together with its row in `entries`
([why](../decisions/0002-duckdb-append-only-and-rebuildable.md)). Times are nanoseconds since 1970 in UTC. The tenant
is the first column of every table of facts.
"""
_TAIL: Final = """
## calls (a view)

The columns of `legs`, of the calls as they stand: positive legs that no negative leg has taken back. Adding up
`sign * quantity` over `legs` gives the same sums.

## uncorrected, uncorrected_calls and settled_calls

`uncorrected` has the columns of `legs`: what settlement alone says of calls that
[corrections](../concepts/corrections.md) changed. The view `uncorrected_calls` is to it what `calls` is to `legs`. The
view `settled_calls` holds all calls as their spans alone say, void ones included.
"""


def page() -> str:
    """Return the page in Markdown."""
    schema = resources.files("tollspan_rater.store").joinpath("schema.sql").read_text(encoding="utf-8")
    return _HEAD + "".join(f"{line}\n" for line in _tables(schema)) + _TAIL


def _tables(schema: str) -> Iterator[str]:
    said: list[str] = []
    inside = False
    for line in schema.splitlines():
        if line.startswith("--"):
            said.append(line.removeprefix("--").strip())
        elif table := _TABLE.match(line):
            yield from ("", f"## {table['name']}", "")
            if said:
                yield from (" ".join(said), "")
            yield from ("| column | type | may be NULL | meaning |", "|---|---|---|---|")
            inside = table["rest"] == ""
            for column in table["rest"].removesuffix(");").split(", "):
                yield from _column(column)
        elif inside and line.startswith(")"):
            inside = False
        elif inside:
            yield from _column(line)
        if not line.startswith("--"):
            said = []


def _column(line: str) -> Iterator[str]:
    if column := _COLUMN.match(line):
        null = "" if column["null"] else "yes"
        yield f"| `{column['name']}` | {column['type']} | {null} | {column['meaning'] or ''} |"
