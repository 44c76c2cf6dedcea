"""Commands that change answers: check the body, send it, show the receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from tollspan_rater.cli.door import actor, open_door
from tollspan_rater.cli.figures import shown
from tollspan_rater.cli.formats import printable, show
from tollspan_rater.cli.frame import wishes
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.commands import checked, command
from tollspan_rater.query.rater import Receipt
from tollspan_rater.query.render import plain


def execute(context: click.Context, kind: str, body: Mapping[str, Any]) -> Receipt:
    """Check and send one command through the door; returns when it is durable and applied."""
    said = checked(kind, body)
    with open_door(context) as (rater, config):
        return rater.execute(kind, said, tenant=config.tenant, actor=actor())


def send(context: click.Context, kind: str, body: Mapping[str, Any]) -> None:
    """Send one command and print what came of it."""
    show_receipt(context, command(kind).help, execute(context, kind, body))


def show_receipt(context: click.Context, title: str, receipt: Receipt, **more: Cell) -> None:
    """Print a receipt: a sentence for people, a row for machines."""
    answer = receipt_answer(title, receipt, **more)
    if wishes(context).format != "table":
        show(context, answer)
        return
    said = "; ".join(f"{name.replace('_', ' ')} {shown(value)}" for row in answer.rows for name, value in row.items())
    click.echo(printable(f"{answer.title}: {said or 'done'} (journal position {receipt.position})"))


def receipt_answer(title: str, receipt: Receipt, **more: Cell) -> Answer:
    """Lay out a receipt as a row."""
    row: dict[str, Cell] = {name: _cell(value) for name, value in {**receipt.body, **more}.items()}
    return Answer(title.rstrip("."), tuple(row), [row] if row else [], receipt.position)


def _cell(value: Any) -> Cell:
    inner = plain(value)
    if isinstance(inner, list) and all(isinstance(entry, str) for entry in inner):
        return inner
    if isinstance(inner, dict | list):
        return json.dumps(inner, ensure_ascii=False)
    return value if isinstance(value, int) else inner
