"""An answer on a terminal, or as text for the next program."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import click

from tollspan_rater.cli.frame import DIFFERENCE, Wishes, wishes
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.render import MACHINE_FORMATS, cell_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

UNKNOWN: Final = "\N{EN DASH}"
PIPE_WIDTH: Final = 4096  # without a terminal nothing is folded


def show(context: click.Context, answer: Answer, brief: Sequence[str] = ()) -> None:
    """Print an answer in the wished format; an answer that is not ``ok`` ends the command with 1.

    ``brief`` names the columns of a table on a terminal; machine formats carry all. What is no row goes
    to stderr in machine formats, so that stdout holds nothing but data.
    """
    wished = wishes(context)
    if wished.format == "table":
        _print_table(answer, brief, wished)
    else:
        click.echo(MACHINE_FORMATS[wished.format](answer), nl=False)
    for line in footer(answer):
        click.echo(printable(line), err=wished.format != "table")
    if not answer.ok:
        context.exit(DIFFERENCE)


def footer(answer: Answer) -> list[str]:
    """Return the lines below a table: zone and position, then the notes."""
    return [f"as of position {answer.as_of}, zone {answer.zone}", *answer.notes]


def printable(text: str) -> str:
    """Return text whose control characters cannot move a terminal's cursor or change its colours."""
    return "".join(
        char if char.isprintable() or char == "\u00a0" else char.encode("unicode_escape").decode() for char in text
    )


def shown(value: Cell) -> str:
    """Return one cell for people: unknown is a dash, a list is its members."""
    if value is None:
        return UNKNOWN
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={inner}" for name, inner in value.items())
    return cell_text(value)


def _print_table(answer: Answer, brief: Sequence[str], wished: Wishes) -> None:
    columns = [name for name in brief if name in answer.columns] or list(answer.columns)
    console = _console(wished)
    console.print(_table(answer, columns), crop=False)
    hidden = len(answer.columns) - len(columns)
    if hidden:
        console.print(f"{hidden} more columns with --format json, jsonl or csv", markup=False, highlight=False)


def _console(wished: Wishes) -> Console:
    from rich.console import Console

    plain = wished.no_color or not sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        no_color=plain,
        color_system=None if plain else "auto",
        width=None if sys.stdout.isatty() else PIPE_WIDTH,
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
    )
    cells = {name: [printable(shown(row.get(name))) for row in answer.rows] for name in columns}
    for name in columns:
        numeric = is_numeric(name, answer.rows)
        total = _total(name, answer.totals)
        table.add_column(
            Text(printable(name)),
            Text(total),
            justify="right" if numeric else "left",
            min_width=max(map(len, [*cells[name], total])) if numeric else None,  # a number is never folded or cut
            overflow="fold",
        )
    for line in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, line))
    return table


def _total(column: str, totals: Mapping[str, Cell] | None) -> str:
    return printable(shown(totals[column])) if totals and column in totals else ""


def is_numeric(column: str, rows: Sequence[Mapping[str, Cell]]) -> bool:
    """Whether all known cells of a column are numbers, and any is known."""
    known = [row[column] for row in rows if row.get(column) is not None]
    return bool(known) and all(isinstance(cell, int | Decimal) and not isinstance(cell, bool) for cell in known)
