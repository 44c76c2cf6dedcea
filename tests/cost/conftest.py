from datetime import UTC, datetime

import pytest

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.catalog import Catalog

JULY = datetime(2026, 7, 5, 10, 30, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture(scope="session")
def book(catalog: Catalog) -> CostBook:
    return CostBook(catalog)


@pytest.fixture(scope="session")
def july() -> datetime:
    return JULY


@pytest.fixture(scope="session")
def november() -> datetime:
    return NOVEMBER
