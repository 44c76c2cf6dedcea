"""Stores of made-up calls, written straight into the table of legs: what is measured begins behind settlement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tollspan_rater.store.database import Database

TENANT: Final = "bench"
PERIOD: Final = "2026-11"
FIRST_NS: Final = 1_793_491_200_000_000_000  # 2026-11-01 in UTC
LENGTH_NS: Final = 30 * 86_400_000_000_000
BATCH: Final = 1_000_000  # rows of one statement
# hash() is DuckDB's: every column is as mixed as in real traffic, and the same in every run.
_CALLS: Final = f"""
INSERT INTO legs BY NAME
SELECT '{TENANT}' AS tenant, 'call_' || printf('%016x%08x', hash(i), hash(i + 1) % 4294967296) AS call_id,
       1 AS revision, 1 AS sign, i // 512 + 1 AS position, (hash(i) >> 1)::BIGINT AS trace_key, 'call' AS kind,
       {FIRST_NS} + (hash(i + 2) % {LENGTH_NS})::BIGINT AS started_ns,
       {FIRST_NS + 1_000_000_000} + (hash(i + 2) % {LENGTH_NS})::BIGINT AS ended_ns,
       []::VARCHAR[] AS members, [printf('%032x', hash(i + 3))] AS trace_ids, '' AS evidence, 'tollspan' AS dialect,
       CASE WHEN hash(i + 4) % 20 < 12 THEN 'openai' ELSE 'anthropic' END AS provider,
       CASE WHEN hash(i + 4) % 20 < 12 THEN 'gpt-4.1' ELSE 'claude-sonnet-4-5' END AS model, 'chat' AS operation,
       printf('%016x-%016x', hash(i + 5), i) AS record_id, 'complete' AS outcome, 'exact' AS quality,
       (100 + hash(i + 6) % 3000)::BIGINT AS input, (hash(i + 6) % 100)::BIGINT AS cache_read,
       (10 + hash(i + 7) % 900)::BIGINT AS output, 'customer-' || (hash(i + 8) % ?) AS customer,
       'user-' || (hash(i + 9) % 100000) AS "user", 'feature-' || (hash(i + 10) % 10) AS feature,
       'production' AS environment, []::VARCHAR[] AS flags
FROM range(?, ?) AS numbers(i)
"""  # noqa: S608 -- numbers and names of ours
_TIERS: Final = [{"up_to": "1_000_000_000", "price": "4.00"}, {"price": "3.00"}]
PRICES: Final = {
    "prices.yaml": {
        "card": "list", "currency": "USD", "per": "1M",
        "prices": [{"tokens": {"graduated": _TIERS}}],
    },
    "plan.yaml": {
        "plan": "team", "currency": "USD", "cards": ["list"], "base_fee": "49.00", "included": {"tokens": "1_000_000"},
    },
}  # fmt: skip


def filled(path: Path, calls: int, customers: int) -> Database:
    """Make a store with so many calls of so many customers in one month, all on one plan with tiers."""
    database = Database(path)
    connection = database.reader()
    for begin in range(0, calls, BATCH):
        connection.execute(_CALLS, [customers, begin, min(begin + BATCH, calls)])
    body = json.dumps({"plans": [{"plan": "team"}]})
    connection.execute(
        "INSERT INTO customers SELECT ?, 'customer-' || i, 1, 0, ? FROM range(?) AS numbers(i)",
        [TENANT, body, customers],
    )
    texts = json.dumps({name: json.dumps(document) for name, document in PRICES.items()})
    connection.execute("INSERT INTO price_versions VALUES (?, 'pv_1', 1, 0, 0, 'bench', '', ?)", [TENANT, texts])
    database.checkpoint()
    return database
