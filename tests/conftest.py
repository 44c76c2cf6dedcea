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

# The dearest files, the dearest first: the workers then end together, and none is left alone with a long file.
DEAR = (
    *("end_to_end/test_hostile.py", "demo/test_command.py", "api/test_market.py", "end_to_end/test_doors.py"),
    *("rating/test_reference.py", "crash/test_kills.py", "end_to_end/test_app.py", "end_to_end/test_tenants.py"),
    *("server/test_correcting.py", "properties/test_settlement.py", "query/test_close.py"),
    *("collector/test_delivery.py", "server/test_closing.py", "crash/test_rebuild.py"),
    *("instrumentation/test_entry_point.py", "crash/test_store_disk.py", "server/test_exporting.py"),
    *("api/test_openapi.py", "compose/test_processes.py", "query/test_sums.py", "store/test_lookup.py"),
    *("server/test_reextracting.py", "end_to_end/test_money_spans.py", "server/test_forgetting.py"),
    *("pipeline/test_correcting.py", "web/test_pages.py", "dashboards/test_boards.py"),
    *("query/test_corrections.py", "pipeline/test_rereading.py", "benchmarks/test_query.py"),
    *("query/test_audit.py", "export/test_faults.py", "instrumentation/test_recordings.py"),
    *("pipeline/test_order.py", "end_to_end/test_dialects.py", "comparison/test_cases.py"),
    *("conformance/test_coexistence.py", "instrumentation/test_never_raises.py", "benchmarks/test_overhead.py"),
    *("query/test_close_history.py", "events/test_ways.py", "web/test_two_tenants.py"),
    *("field_examples/test_field_examples.py", "server/test_snapshots.py", "query/test_charges.py"),
    *("query/test_close_time.py", "crash/test_grouping.py", "instrumentation/test_loss.py"),
    *("end_to_end/test_loss.py", "server/test_after_hand_over.py", "end_to_end/test_exporting.py"),
    *("instrumentation/test_servers.py", "conformance/test_run.py", "crash/test_system_calls.py"),
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
def pytest_unconfigure() -> None:
    """Let the interpreter's end find what it has to free."""
    gc.unfreeze()


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
