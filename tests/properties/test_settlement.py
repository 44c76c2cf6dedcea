"""Each property of settlement, on a few hundred sets of spans; ``python -m tests.properties`` tries many more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.properties.settlement import PROPERTIES


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds(name: str) -> None:
    assert run(name, 300) == 300


def run(name: str, examples: int, drawn_by: int | None = None) -> int:
    """Try a property, and return how often; the same ``drawn_by`` draws the same examples."""
    checked = given(PROPERTIES[name].drawn)(PROPERTIES[name].holds)
    if drawn_by is not None:
        checked = seed(drawn_by)(checked)
    settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)(checked)()
    return examples
