"""Answers as a page for people, invoices above all: HTML without scripts that prints well. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.query.answer import Answer, Cell

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STATES: Final[Mapping[str, str]] = {
    "preview": "Preview: the period is running, the amounts are those of now",
    "draft": "Draft: the period has ended and is not closed",
    "closed": "Closed",
}
_STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;color:#1b1b1b;max-width:58rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .2rem}section+section{margin-top:3rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{padding:.35rem .5rem;vertical-align:top;text-align:left}
thead th{border-bottom:2px solid #444}tbody tr.line td{border-top:1px solid #ccc}tfoot td{border-top:2px solid #444}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}tfoot td{font-weight:600}
.why,.aside{color:#555;font-size:.85rem}.why td{padding-top:0}.state{font-weight:600}ul{padding-left:1.2rem}
@media print{body{margin:0;max-width:none;font-size:11px}section{break-after:page}tr.line{break-after:avoid}}
"""


def is_invoice(answer: Answer) -> bool:
    """Tell whether an answer has the lines of bills."""
    return {"customer", "line_id", "amount", "steps"} <= set(answer.columns)


def as_html(answer: Answer) -> str:
    """Return an answer as one HTML page: bills in a section for each customer, all else as one table."""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(answer.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    parts = _bills(answer) if is_invoice(answer) else _table(answer)
    asked = f'<p class="aside">As of journal position {answer.as_of}, zone {escape(answer.zone)}.</p>\n'
    return "".join([head, *parts, *_list(answer.notes), asked, "</body>\n</html>\n"])


def _table(answer: Answer) -> Iterator[str]:
    heads = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in answer.columns)
    yield f"<section>\n<h1>{escape(answer.title)}</h1>\n<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    for row in answer.rows:
        cells = "".join(f"<td>{_text(row.get(name))}</td>" for name in answer.columns)
        yield f'<tr class="line">{cells}</tr>\n'
    yield "</tbody>\n"
    if answer.totals is not None:
        cells = "".join(f"<td>{_text(answer.totals.get(name))}</td>" for name in answer.columns)
        yield f"<tfoot><tr>{cells}</tr></tfoot>\n"
    yield "</table>\n</section>\n"


def _bills(answer: Answer) -> Iterator[str]:
    bills: dict[str, list[Mapping[str, Cell]]] = {name: [] for name in answer.details}
    for row in answer.rows:
        bills.setdefault(str(row["customer"]), []).append(row)
    for customer, rows in bills.items():
        known = answer.details.get(customer)
        yield from _bill(customer, rows, known if isinstance(known, Mapping) else {})
    yield '<p class="aside">Amounts are net of tax.</p>\n'


def _bill(customer: str, rows: Sequence[Mapping[str, Cell]], known: Mapping[str, Any]) -> Iterator[str]:
    first = rows[0] if rows else {}
    period = str(known.get("period") or first.get("period") or "")
    state = str(known.get("state") or first.get("state") or "")
    yield f"<section>\n<h1>Invoice of {escape(customer)}, {escape(period)}</h1>\n"
    if state:
        digest = f", digest {known['digest']}" if known.get("digest") else ""
        yield f'<p class="state">{escape(_STATES.get(state, state) + digest)}</p>\n'
    if known.get("from"):
        words = f"{known['from']} up to {known['to']}, days of {known['zone']}"
        yield f'<p class="aside">{escape(words)}</p>\n'
    yield (
        '<table>\n<thead><tr><th>Description</th><th class="n">Quantity</th><th class="n">Included</th>'
        '<th class="n">Unit price</th><th class="n">Calls</th><th class="n">Amount</th></tr></thead>\n<tbody>\n'
    )
    for row in rows:
        yield from _line(row)
    yield "</tbody>\n<tfoot>\n"
    for currency in sorted({str(row["currency"]) for row in rows}):
        amounts = [_decimal(row["amount"]) for row in rows if row["currency"] == currency]
        total = f"{_text(exact_sum(amounts))} {escape(currency)}"
        yield f'<tr><td colspan="5">Total</td><td class="n">{total}</td></tr>\n'
    yield "</tfoot>\n</table>\n</section>\n"


def _line(row: Mapping[str, Cell]) -> Iterator[str]:
    """Yield a line, and below it why it is that much."""
    figures = ("quantity", "included", "unit_price", "calls")
    cells = "".join(f'<td class="n">{_text(row[name])}</td>' for name in figures)
    amount = f"{_text(row['amount'])} {escape(str(row['currency']))}"
    yield f'<tr class="line"><td>{escape(str(row["description"]))}</td>{cells}<td class="n">{amount}</td></tr>\n'
    steps = row["steps"]
    why = [str(row["why"]), *(steps if isinstance(steps, list) else [])]
    if row.get("corrects"):
        why.append(f"corrects {row['corrects']} of {row['service_period']}")
    said = "<br>".join(map(escape, why))
    price = f"prices {row['price_version']}, " if row["price_version"] else ""
    told = f"{price}exactly {_text(row['amount_exact'])}, {row['line_id']}"
    yield f'<tr class="why"><td colspan="6">{said}<br>{escape(told)}</td></tr>\n'


def _list(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield '<ul class="aside">\n' + "".join(f"<li>{escape(note)}</li>\n" for note in notes) + "</ul>\n"


def _decimal(value: Cell) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)


def _text(value: Cell) -> str:
    """Return a cell: unknown is empty, numbers have their thousands apart, a list is its members."""
    if value is None:
        return ""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return escape(", ".join(value) if isinstance(value, list) else str(value))
