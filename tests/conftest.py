"""What holds for every test: where unsent records of the instrumentation stay, and what child processes inherit."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# The same examples each time, so that a red test is red again; `make explore` draws others.
settings.register_profile("same", derandomize=True)
settings.register_profile("others", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without byte code each start of a program under test costs 2 s more


@pytest.fixture(scope="session", autouse=True)
def _own_spool(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["TOLLSPAN_SPOOL_DIR"] = str(tmp_path_factory.mktemp("spool"))
