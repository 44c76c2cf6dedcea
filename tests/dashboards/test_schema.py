"""The boards fit the schema of the pinned Grafana version, by the models that were generated from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.dashboards.test_boards import BOARDS


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_is_what_the_models_of_grafana_read_and_write(uid: str) -> None:
    """The models are generated from the schema of the pinned version: unknown keys would be lost on the way."""
    plugins.register_default_plugins()
    board = Dashboard.from_json(BOARDS[uid])
    assert json.loads(JSONEncoder().encode(board)) == BOARDS[uid]
    assert [*misfits(board, uid)] == []
    assert 8 <= len(uid) <= 40  # what Grafana takes as uid
    assert board.schema_version == 42


def misfits(value: Any, place: str) -> Iterator[str]:
    """Yield what is not of the type that its model states, below a model."""
    if not hasattr(value, "from_json"):
        return
    hints = get_type_hints(type(value))
    for name, stated in vars(value).items():
        if name in hints:
            yield from misfit(stated, hints[name], f"{place}.{name}")


def misfit(value: Any, hint: Any, place: str) -> Iterator[str]:
    if value is None:  # the models leave it out when they write
        return
    origin, of = get_origin(hint), get_args(hint)
    if origin is Union:
        found = [[*misfit(value, one, place)] for one in of]
        yield from [] if [] in found else found[0]
    elif origin is list:
        yield from (wrong for number, one in enumerate(value) for wrong in misfit(one, of[0], f"{place}[{number}]"))
    kind = origin or hint
    if isinstance(kind, type) and not is_one(value, kind):
        yield f"{place}: {value!r} is no {kind.__name__}"
    yield from misfits(value, place)


def is_one(value: Any, kind: type) -> bool:
    if issubclass(kind, Enum):
        return value in [each.value for each in kind]
    return isinstance(value, (int, float) if kind is float else kind)
