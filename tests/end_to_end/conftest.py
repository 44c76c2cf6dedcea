"""Raters that several tests share, and folders of their own for those that break theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.collector.conftest import MISSING, collector_binary
from tests.end_to_end.process import RaterProcess, serving

__all__ = ["MISSING", "collector_binary"]

Serve = Callable[..., RaterProcess]


@pytest.fixture(scope="session")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RaterProcess]:
    """A rater for everyone: tests use trace ids of their own, and its audit must hold at any time."""
    with serving(RaterProcess(tmp_path_factory.mktemp("shared") / "data")) as started:
        yield started


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start raters on folders of their own; none outlives the test."""
    with ExitStack() as stack:

        def start(name: str = "data", **given: object) -> RaterProcess:
            return stack.enter_context(serving(RaterProcess(tmp_path / name, **given)))  # type: ignore[arg-type]

        yield start
