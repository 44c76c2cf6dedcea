"""Commands that change answers: check the body, send it, show the receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from tollspan_rater.cli.door import actor, open_door
from tollspan_rater.cli.formats import show
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
    show(context, receipt_answer(command(kind).help, execute(context, kind, body)))


def receipt_answer(title: str, receipt: Receipt, **more: Cell) -> Answer:
    """Lay out a receipt as a table of one row."""
    row: dict[str, Cell] = {name: _cell(value) for name, value in {**receipt.body, **more}.items()}
    return Answer(title.rstrip("."), tuple(row), [row] if row else [], receipt.position)


def _cell(value: Any) -> Cell:
    inner = plain(value)
    if isinstance(inner, dict | list):
        return json.dumps(inner, ensure_ascii=False)
    return value if isinstance(value, int) else inner
