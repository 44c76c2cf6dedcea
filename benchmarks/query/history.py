"""A store of the calls of 92 days, in the order of time as traffic leaves one, written straight into its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tollspan_rater.server.opening import STORE_FILE, close_whole
from tollspan_rater.store.database import Database
from tollspan_rater.store.folder import Folder

TENANT: Final = "default"
DAYS: Final = 92
CUSTOMERS: Final = 5_000
BATCH: Final = 1_000_000  # calls of one statement
FIRST_POSITION: Final = -(10**9)  # before the journal's own, which begins at 1
_MODELS: Final = (
    ("openai", "gpt-4.1"), ("openai", "gpt-4.1-mini"), ("openai", "gpt-4o"), ("openai", "gpt-4o-mini"),
    ("openai", "o4-mini"), ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-opus-4-1"),
)  # fmt: skip
# hash() is DuckDB's: every column is as mixed as in real traffic, and the same in every run. Customers are drawn
# by Zipf's law. One call of a hundred was revised once: three legs.
_CALLS: Final = f"""
INSERT INTO legs BY NAME
WITH drawn AS (
    SELECT i, (hash(i + 4) % {len(_MODELS)})::BIGINT + 1 AS m,
           ?::BIGINT + i * ?::BIGINT + (hash(i + 2) % 60000000000)::BIGINT AS begun,
           floor(pow({CUSTOMERS} + 1, (hash(i + 8) % 1000000) / 1000000.0))::BIGINT AS c
    FROM range(?, ?) AS numbers(i)
),
made AS (
    SELECT i, '{TENANT}' AS tenant, 'call_' || printf('%016x%08x', hash(i), hash(i + 1) % 4294967296) AS call_id,
           i // 512 + {FIRST_POSITION} AS position, (hash(i) >> 1)::BIGINT AS trace_key, 'call' AS kind,
           begun AS started_ns, begun + 1000000000 AS ended_ns,
           []::VARCHAR[] AS members, [printf('%032x', hash(i + 3))] AS trace_ids, '' AS evidence, 'tollspan' AS dialect,
           {[provider for provider, _ in _MODELS]}[m] AS provider, {[model for _, model in _MODELS]}[m] AS model,
           'chat' AS operation, printf('%016x-%016x', hash(i + 5), i) AS record_id, 1 AS attempt,
           CASE WHEN hash(i + 11) % 100 = 0 THEN 'failed' ELSE 'complete' END AS outcome, 'exact' AS quality,
           (100 + hash(i + 6) % 3000)::BIGINT AS input, (hash(i + 6) % 100)::BIGINT AS cache_read,
           (10 + hash(i + 7) % 900)::BIGINT AS output, 'customer-' || printf('%04d', c) AS customer,
           'user-' || (hash(i + 9) % 100000) AS "user", 'feature-' || (hash(i + 10) % 10) AS feature,
           'production' AS environment, []::VARCHAR[] AS flags
    FROM drawn
)
SELECT made.* EXCLUDE (i), revision, sign
FROM made JOIN (VALUES (1, 1), (1, -1), (2, 1)) AS legs_of (revision, sign)
    ON (i % 100 = 0 OR (revision = 1 AND sign = 1))
ORDER BY i
"""  # noqa: S608 -- numbers and names of ours
_LINEAR: Final = [{"input": "4.00", "cache_read": "1.00", "output": "16.00"}]
_TIERED: Final = [{"tokens": {"graduated": [{"up_to": "10_000_000", "price": "4.00"}, {"price": "3.00"}]}}]


def _plan(name: str, prices: object, **more: object) -> dict[str, str]:
    card = {"card": name, "currency": "USD", "per": "1M", "prices": prices}
    plan = {"plan": name, "currency": "USD", "cards": [name], "base_fee": "49.00", **more}
    return {f"{name}-card.yaml": json.dumps(card), f"{name}.yaml": json.dumps(plan)}


PRICES: Final = {**_plan("linear", _LINEAR), **_plan("tiered", _TIERED, included={"tokens": "1_000_000"})}


def fill(folder: Folder, calls: int, until_ns: int, plan: str) -> Path:
    """Make a folder's store with so many calls before an instant, all customers on one plan; return its file."""
    folder.create()
    database = Database(folder.store / STORE_FILE)
    connection = database.reader()
    length_ns = DAYS * 86_400 * 1_000_000_000
    for begin in range(0, calls, BATCH):
        values = [until_ns - length_ns, length_ns // calls, begin, min(begin + BATCH, calls)]
        connection.execute(_CALLS, values)
    # The entry whose time is now for answers as of what is stored: without one, bills are of the first month of 1970.
    connection.execute("INSERT INTO entries VALUES (0, 'batch', ?, ?, 'bench', 0)", [TENANT, until_ns])
    body = json.dumps({"plans": [{"plan": plan}]})
    connection.execute(
        f"INSERT INTO customers SELECT '{TENANT}', 'customer-' || printf('%04d', i), 0, 0, ? "  # noqa: S608 - a name of ours
        "FROM range(1, ?) AS numbers(i)",
        [body, CUSTOMERS + 1],
    )
    texts = json.dumps(PRICES)
    connection.execute("INSERT INTO price_versions VALUES (?, 'pv_1', 0, 0, 0, 'bench', '', ?)", [TENANT, texts])
    path = database.path
    close_whole(database)
    return path
