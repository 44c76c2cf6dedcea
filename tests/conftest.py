"""What holds for every test: unsent records of the instrumentation stay in the test run's own folder."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_spool(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["TOLLSPAN_SPOOL_DIR"] = str(tmp_path_factory.mktemp("spool"))
