"""Each property of settlement, on a few hundred sets of spans; ``python -m tests.properties`` tries many more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.properties.settlement import PROPERTIES, Property


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds(name: str) -> None:
    run(PROPERTIES[name], 300)


def run(property_: Property, examples: int) -> None:
    checked = given(property_.drawn)(property_.holds)
    settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)(checked)()
