"""A simulation as a file: an SVG picture, or an HTML page with the picture and its figures. No scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Final

from tollspan_rater.cli.chart import Panel, Tone, panels
from tollspan_rater.cli.figures import shown
from tollspan_rater.errors import UsageError
from tollspan_rater.query.answer import Answer

_COLOURS: Final[Mapping[Tone, str]] = {
    "revenue": "#3b6fb6", "cost": "#c2703d", "margin": "#3a8a5c", "more": "#3b6fb6", "less": "#c2703d",
}  # fmt: skip
_NEGATIVE: Final = 'fill-opacity="0.45"'
_LABELS, _BARS, _FIGURES, _LINE, _TITLE, _GAP = 260, 400, 140, 22, 28, 18  # pixels
_CUT: Final = 38  # characters of a label
_STYLE: Final = "text{font:13px system-ui,sans-serif;fill:#222}.t{font-weight:600}"
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body{{font:15px system-ui,sans-serif;margin:2rem;color:#222}}
table{{border-collapse:collapse;margin-top:1.5rem}}
td,th{{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:left}}
td.n{{text-align:right;font-variant-numeric:tabular-nums}}
</style></head><body><h1>{title}</h1>
{picture}
{table}
{notes}
</body></html>
"""
_COLUMNS: Final = (
    "scenario", "customer", "period", "currency", "revenue", "cost", "margin", "margin_percent", "difference", "change",
)  # fmt: skip


def write_chart(path: Path, answer: Answer) -> None:
    """Write a chart as ``.svg`` or ``.html``, whatever stood there.

    Raises:
        UsageError: another kind of file, or the place cannot be written.
    """
    made = {".svg": svg, ".html": html}.get(path.suffix)
    if made is None:
        raise UsageError(f"{path}: give a .svg or a .html file")
    try:
        path.write_text(made(answer), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another place.") from error


def svg(answer: Answer) -> str:
    """Return all panels as one picture."""
    drawn: list[str] = []
    at = _GAP
    for panel in panels(answer):
        drawn.extend(_panel(panel, at))
        at += _TITLE + _LINE * len(panel.bars) + _GAP
    size = f'width="{_LABELS + _BARS + _FIGURES}" height="{at}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{escape(answer.title)}</title>'
    return "\n".join([head, f"<style>{_STYLE}</style>", *drawn, "</svg>\n"])


def html(answer: Answer) -> str:
    """Return a page with the picture, the figures of all rows, and what has to be said about them."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in answer.notes)
    return _PAGE.format(title=escape(answer.title), picture=svg(answer), table="\n".join(_table(answer)), notes=notes)


def _panel(panel: Panel, top: int) -> Iterator[str]:
    yield f'<text class="t" x="8" y="{top + 14}">{escape(panel.title)}</text>'
    for number, bar in enumerate(panel.bars):
        y = top + _TITLE + number * _LINE
        wide = panel.length(bar, _BARS)
        below = f" {_NEGATIVE}" if bar.amount < 0 else ""
        label = bar.label if len(bar.label) <= _CUT else f"{bar.label[: _CUT - 1]}\N{HORIZONTAL ELLIPSIS}"
        yield f'<text x="{_LABELS - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
        yield f'<rect x="{_LABELS}" y="{y}" width="{wide}" height="{_LINE - 6}" fill="{_COLOURS[bar.tone]}"{below}/>'
        yield f'<text x="{_LABELS + wide + 6}" y="{y + 13}">{bar.figure}</text>'


def _table(answer: Answer) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{name.replace('_', ' ')}</th>" for name in _COLUMNS) + "</tr>"
    for row in answer.rows:
        cells = ((name, row.get(name)) for name in _COLUMNS)
        marked = (
            f"<td{'' if isinstance(cell, str | None) else ' class=n'}>{escape(shown(cell))}</td>" for _, cell in cells
        )
        yield f"<tr>{''.join(marked)}</tr>"
    yield "</table>"
