"""What holds for every test: where unsent records of the instrumentation stay, and what child processes inherit."""

from __future__ import annotations

import functools
import gc
import logging
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from httpx._transports import default as httpx_transport
from httpx2._transports import default as httpx2_transport
from hypothesis import settings

# The same examples each time, so that a red test is red again; `make explore` draws others.
settings.register_profile("same", derandomize=True)
settings.register_profile("others", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without byte code each start of a program under test costs 2 s more
# Each new client reads the certificates of all authorities, 30 ms of work; they are the same each time.
httpx_transport.create_ssl_context = functools.cache(httpx_transport.create_ssl_context)
httpx2_transport.create_ssl_context = functools.cache(httpx2_transport.create_ssl_context)

# The dearest files, which begin first: two workers then end together, and none is left alone with a long file.
DEAR = (
    *("api/test_market.py", "end_to_end/test_hostile.py", "server/test_after_hand_over.py", "store/test_lookup.py"),
    *("comparison/test_cases.py", "query/test_corrections.py", "field_examples/test_field_examples.py"),
    *("instrumentation/test_readme.py", "instrumentation/test_never_raises.py", "instrumentation/test_leaks.py"),
    *("web/test_pages.py", "pipeline/test_writer.py", "collector/test_delivery.py", "rating/test_reference.py"),
    *("crash/test_kills.py", "crash/test_rebuild.py", "crash/test_store_disk.py", "crash/test_system_calls.py"),
    *("api/test_openapi.py", "pipeline/test_correcting.py", "dashboards/test_boards.py", "extract/test_island.py"),
    *("end_to_end/test_doors.py", "query/test_plans.py", "query/test_audit.py", "events/test_ways.py"),
    *("pipeline/test_rereading.py", "server/test_reextracting.py", "demo/test_command.py", "compose/test_processes.py"),
    *("export/test_clients.py", "benchmarks/test_overhead.py"),
)
_LEVELS = [(logger, logger.level) for logger in (logging.getLogger(), logging.getLogger("tollspan"))]
_TESTS = Path(__file__).parent
_TURN = {_TESTS / name: turn for turn, name in enumerate(DEAR)}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect in peace, and leave what was collected out of every later look for garbage: it is millions of objects."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the dear files first, after the rest has been shuffled; `--no-loadscope-reorder` keeps this order."""
    items.sort(key=lambda item: _TURN.get(item.path, len(DEAR)))


@pytest.fixture(scope="session", autouse=True)
def _own_spool(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["TOLLSPAN_SPOOL_DIR"] = str(tmp_path_factory.mktemp("spool"))


@pytest.fixture(autouse=True)
def _log_levels() -> None:
    """Put back what a library under test did to the levels of logging, or a later test would hear nothing."""
    for logger, level in _LEVELS:
        logger.setLevel(level)
