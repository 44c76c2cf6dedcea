"""The equations of exports: every item is somewhere, once, and what amounts come to is what was booked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tollspan_rater.query.check import Check, values
from tollspan_rater.query.scope import Scope

# Counted on the side of the facts, and without a look at the items that they are about.
_SETTLED: Final = """
    WITH stands AS (
        SELECT bool_or(kind = 'superseded') AS superseded, bool_or(kind = 'rejected') AS rejected,
               bool_or(kind = 'receipt') AS accepted, arg_max(kind, place) = 'held' AS held
        FROM export_facts WHERE tenant = $tenant GROUP BY export, item_id
    )
    SELECT count(*) FILTER (WHERE accepted AND NOT rejected AND NOT superseded),
           count(*) FILTER (WHERE rejected AND NOT superseded),
           count(*) FILTER (WHERE superseded),
           count(*) FILTER (WHERE held AND NOT accepted AND NOT rejected AND NOT superseded),
           count(*) FILTER (WHERE NOT held AND NOT accepted AND NOT rejected AND NOT superseded)
    FROM stands
"""
_ITEMS: Final = """
    SELECT count(*), count(DISTINCT (export, customer, component, ordinal)),
           (SELECT count(*) FROM export_items ANTI JOIN export_facts USING (tenant, export, item_id)
            WHERE tenant = $tenant)
    FROM export_items WHERE tenant = $tenant
"""
_AMOUNTS: Final = """
    WITH items AS (
        SELECT export, component, currency, amount FROM export_items
        ANTI JOIN (SELECT tenant, export, item_id FROM export_facts WHERE kind = 'superseded')
            USING (tenant, export, item_id)
        WHERE tenant = $tenant AND source = 'amount' AND currency = $currency
    ),
    booked AS (
        SELECT line_id AS component, sum(amount::DECIMAL(38, 12)) AS amount FROM postings
        WHERE tenant = $tenant AND currency = $currency AND starts_with(account, 'receivable/') GROUP BY line_id
    )
    SELECT sum(items.amount::DECIMAL(38, 12)), sum(coalesce(booked.amount, 0))
    FROM items LEFT JOIN booked USING (component)
"""
_CURRENCIES: Final = (
    "SELECT DISTINCT currency FROM export_items WHERE tenant = ? AND source = 'amount' ORDER BY currency"
)


def of_exports(scope: Scope) -> Iterator[Check]:
    """Compare items with their facts, and amounts with the ledger; nothing is said while nothing is handed over."""
    tenant = scope.accounts.tenant
    items, different, untouched = values(scope, _ITEMS, tenant=tenant)
    accepted, rejected, superseded, held, under_way = values(scope, _SETTLED, tenant=tenant)
    if not items and not accepted + rejected + superseded + held + under_way:
        return
    yield Check(
        "exported = receipts + waiting + rejected + held + superseded",
        items,
        accepted + rejected + superseded + held + under_way + untouched,
        f"receipts {accepted}, waiting {untouched + under_way}, rejected {rejected}, held {held}, "
        f"superseded {superseded}",
    )
    yield Check("items handed over = items that differ in what they are about", items, different)
    for (currency,) in scope.connection.execute(_CURRENCIES, [tenant]).fetchall():
        told, booked = values(scope, _AMOUNTS, tenant=tenant, currency=currency)
        yield Check(f"amounts handed over = receivables posted for their lines ({currency})", told, booked)
