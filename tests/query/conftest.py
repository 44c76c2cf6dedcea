"""One data folder a module; each test is a tenant of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from query.shop import Shop, folder_rater
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.folder import Folder

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rater]:
    resolved, clock = folder_rater(tmp_path_factory.mktemp("data"))
    folder = Folder(resolved.config.data)
    folder.create()
    with folder.lock("test"):
        rater = Rater(folder, resolved, clock)
        rater.start()
        yield rater
        rater.close()


@pytest.fixture(scope="module")
def open_shop(rater: Rater) -> Callable[[], Shop]:
    return lambda: Shop(rater, f"t{next(_NUMBERS)}")


@pytest.fixture
def shop(open_shop: Callable[[], Shop]) -> Shop:
    return open_shop()
