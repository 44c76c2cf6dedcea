"""Bills and charges beside the bare queries over the same rows, taking turns in one process."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.rating.fill import FIRST_NS, LENGTH_NS, PERIOD, TENANT, filled
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.carried import carried_from
from tollspan_rater.query.charges import charging
from tollspan_rater.query.invoice import invoice
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.names import Names

_ROWS: Final = (
    f"FROM legs WHERE tenant = '{TENANT}' AND started_ns >= {FIRST_NS} AND started_ns < {FIRST_NS + LENGTH_NS}"
)
_SUMS: Final = "count(*), sum(input), sum(cache_read), sum(output)"
BARE_BILL: Final = f"SELECT customer, provider, model, {_SUMS} {_ROWS} GROUP BY customer, provider, model"
BARE_WINDOW: Final = (
    "CREATE OR REPLACE TEMP TABLE bare AS SELECT call_id, sum(input + output) OVER "
    f"(PARTITION BY customer ORDER BY started_ns, call_id ROWS UNBOUNDED PRECEDING) AS running {_ROWS}"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall clock and CPU seconds of all threads, medians of the rounds."""

    wall: float
    cpu: float


def turns(tasks: Sequence[Callable[[], Any]], rounds: int) -> list[Cost]:
    """Run the tasks in turns, so that whatever else the machine does weighs on all of them; return what each took."""
    taken: list[list[tuple[float, float]]] = [[] for _ in tasks]
    for _ in range(rounds):
        for place, task in enumerate(tasks):
            wall, cpu = time.perf_counter(), time.process_time()
            task()
            taken[place].append((time.perf_counter() - wall, time.process_time() - cpu))
    return [Cost(*(statistics.median(column) for column in zip(*of_task, strict=True))) for of_task in taken]


def measured(folder: Path, calls: int, customers: int, rounds: int) -> tuple[tuple[Cost, Cost], tuple[Cost, Cost]]:
    """Return what the bare GROUP BY and the invoices of all customers cost, then the bare window query and charges.

    Invoices are rated from the database's groups and made into an answer; charges and running sums go to a table.
    """
    database = filled(folder / f"{customers}.duckdb", calls, customers)
    whose = {"customer": "customer-0"} if customers == 1 else {"all": "true"}
    with database.snapshot() as connection:
        scope = _scope(folder, connection)
        bills = turns(
            [
                lambda: connection.execute(BARE_BILL).fetchall(),
                lambda: invoice(replace(scope, accounts=_accounts(connection)), {"period": PERIOD, **whose}),
            ],
            rounds,
        )
        charges = turns([lambda: connection.execute(BARE_WINDOW), lambda: _charged(connection)], rounds)
    database.close()
    return (bills[0], bills[1]), (charges[0], charges[1])


def _charged(connection: duckdb.DuckDBPyConnection) -> None:
    accounts = _accounts(connection)
    wanted = [(name, accounts.period(name, PERIOD)) for name in accounts.names()]
    prepared, singly = charging(connection, accounts, wanted, Tariffs())
    if singly:
        raise AssertionError(singly)
    with prepared.table(connection):
        pass


def _accounts(connection: duckdb.DuckDBPyConnection) -> Accounts:
    return Accounts(connection, TENANT, "UTC", carry=carried_from(connection))


def _scope(folder: Path, connection: duckdb.DuckDBPyConnection) -> Scope:
    names = Names(Folder(folder), secrets.token_bytes)
    return Scope(connection, _accounts(connection), 1, "UTC", names, FIRST_NS)
