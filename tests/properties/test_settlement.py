"""Each property of settlement, on a few hundred sets of spans; ``python -m tests.properties`` tries many more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.properties.settlement import PROPERTIES, Property


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds(name: str) -> None:
    run(PROPERTIES[name], 300)


def run(property_: Property, examples: int, drawn_by: int | None = None) -> None:
    """Try a property; the same seed draws the same examples."""
    checked = given(property_.drawn)(property_.holds)
    if drawn_by is not None:
        checked = seed(drawn_by)(checked)
    settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)(checked)()
