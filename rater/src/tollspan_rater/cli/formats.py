"""An answer on a terminal, or as text for the next program."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import click

from tollspan_rater.cli.figures import column
from tollspan_rater.cli.frame import DIFFERENCE, Wishes, wishes
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.render import MACHINE_FORMATS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NAME_WIDTH: Final = 20
PIPE_WIDTH: Final = 4096  # without a terminal nothing is folded


_NOTHING: Final = (None, 0, "", "0")


def show(context: click.Context, answer: Answer, brief: Sequence[str] = (), quiet: Sequence[str] = ()) -> None:
    """Print an answer in the wished format; an answer that is not ``ok`` ends the command with 1.

    ``brief`` names the columns of a table on a terminal, ``quiet`` those that stay away while they hold nothing
    but zeros and unknowns; machine formats carry all. What is no row goes to stderr in machine formats, so that
    stdout holds nothing but data.
    """
    wished = wishes(context)
    if wished.format == "table":
        _print_table(answer, _visible(answer, brief, quiet), wished)
    else:
        click.echo(MACHINE_FORMATS[wished.format](answer), nl=False)
    for line in footer(answer):
        click.echo(printable(line), err=wished.format != "table")
    if not answer.ok:
        context.exit(DIFFERENCE)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of an answer whose column ``part`` has one value, as a table of its own."""

    name: str
    title: str
    columns: tuple[str, ...]


def show_parts(context: click.Context, answer: Answer, parts: Sequence[Part]) -> None:
    """Print an answer whose rows are of several kinds: a table for each on a terminal, one list for machines."""
    if wishes(context).format == "table":
        print_parts(context, answer, parts)
        if not answer.ok:
            context.exit(DIFFERENCE)
    else:
        show(context, answer)


def print_parts(context: click.Context, answer: Answer, parts: Sequence[Part], *, err: bool = False) -> None:
    """Print the tables of an answer and its footer, for people, on stdout or stderr."""
    click.echo(printable(answer.title), err=err)
    for part in parts:
        rows = [row for row in answer.rows if row.get("part") == part.name]
        if rows:
            click.echo(err=err)
            console = _console(wishes(context), err=err)
            console.print(_table(replace(answer, title=part.title, rows=rows, totals=None), part.columns), crop=False)
    for line in footer(answer):
        click.echo(printable(line), err=err)


def footer(answer: Answer) -> list[str]:
    """Return the lines below a table: zone and position, then the notes."""
    return [f"as of position {answer.as_of}, zone {answer.zone}", *answer.notes]


def printable(text: str) -> str:
    """Return text whose control characters cannot move a terminal's cursor or change its colours."""
    return "".join(
        char if char.isprintable() or char == "\u00a0" else char.encode("unicode_escape").decode() for char in text
    )


def _visible(answer: Answer, brief: Sequence[str], quiet: Sequence[str]) -> list[str]:
    chosen = [name for name in brief if name in answer.columns] or list(answer.columns)
    return [name for name in chosen if name not in quiet or any(row.get(name) not in _NOTHING for row in answer.rows)]


def _print_table(answer: Answer, columns: Sequence[str], wished: Wishes) -> None:
    console = _console(wished)
    console.print(_table(answer, columns), crop=False)
    hidden = len(answer.columns) - len(columns)
    if hidden:
        console.print(f"{hidden} more columns with --format json, jsonl or csv", markup=False, highlight=False)


def _console(wished: Wishes, *, err: bool = False) -> Console:
    from rich.console import Console

    file = sys.stderr if err else sys.stdout
    plain = wished.no_color or not file.isatty()
    return Console(
        file=file,
        no_color=plain,
        color_system=None if plain else "auto",
        width=None if file.isatty() else PIPE_WIDTH,
    )


def _table(answer: Answer, columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(printable(answer.title)),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=bool(answer.totals),
        footer_style="bold",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    cells: list[list[str]] = []
    for name in columns:
        listed, total = column(name, answer.rows, answer.totals)
        cells.append([printable(cell) for cell in listed])
        numeric = is_numeric(name, answer.rows)
        longest = max(map(len, [*cells[-1], total]))
        whole = numeric or name.endswith("_id") or longest <= NAME_WIDTH  # numbers, ids, names are never folded
        table.add_column(
            Text(printable(name.replace("_", " "))),
            Text(printable(total)),
            justify="right" if numeric else "left",
            min_width=longest if whole else None,
            overflow="fold",
        )
    for line in zip(*cells, strict=True):
        table.add_row(*map(Text, line))
    return table


def is_numeric(column: str, rows: Sequence[Mapping[str, Cell]]) -> bool:
    """Whether all known cells of a column are numbers, and any is known."""
    known = [row[column] for row in rows if row.get(column) is not None]
    return bool(known) and all(isinstance(cell, int | Decimal) and not isinstance(cell, bool) for cell in known)
