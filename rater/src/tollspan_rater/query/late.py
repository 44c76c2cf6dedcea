"""Which closed periods may come to something else now than when their customer's last period was closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.pricing.period import Period
from tollspan_rater.query.accounts import cost_files
from tollspan_rater.query.release import RELEASE
from tollspan_rater.query.scope import Scope
from tollspan_rater.store.ledger import Close

# A call that came later may also make an earlier attempt a retried one.
_LATE: Final = """
    WITH known AS (
        SELECT customer, max(cutoff) AS cutoff, max(end_ns) AS frontier FROM statements
        WHERE tenant = $tenant GROUP BY customer
    ),
    fresh AS (
        SELECT customer, started_ns, position, retry_of FROM legs
        WHERE tenant = $tenant AND position > (SELECT min(cutoff) FROM known)
    ),
    touched AS (
        SELECT customer, started_ns, position FROM fresh
        UNION ALL
        SELECT earlier.customer, earlier.started_ns, fresh.position
        FROM legs AS earlier JOIN fresh ON coalesce(earlier.retry_of, earlier.record_id) = fresh.retry_of
        WHERE earlier.tenant = $tenant
    )
    SELECT customer, min(started_ns) FROM touched JOIN known USING (customer)
    WHERE position > cutoff AND started_ns < frontier GROUP BY customer
"""
_SET: Final = "SELECT customer, max(position) FROM customers WHERE tenant = ? GROUP BY customer"
_CONFIGURED: Final = "SELECT coalesce(max(position), 0) FROM entries WHERE kind = 'config.set'"


class Late:
    """What came after the cut-off of each customer's last close: usage, prices, what is known of it, a release.

    It may name a period that did not change, never leave out one that did. Usage may change the periods after its
    own, too: what is left of an allowance may be carried over.
    """

    def __init__(self, scope: Scope, closes: Mapping[str, list[Close]]) -> None:
        self._last = {customer: made[-1] for customer, made in closes.items()}
        self._versions = scope.accounts.versions
        self._used: dict[str, int] = {}
        self._set: dict[str, int] = {}
        self._configured = 0
        if closes:
            tenant = scope.accounts.tenant
            self._used = dict(scope.connection.execute(_LATE, {"tenant": tenant}).fetchall())
            self._set = dict(scope.connection.execute(_SET, [tenant]).fetchall())
            ((self._configured,),) = scope.connection.execute(_CONFIGURED).fetchall()

    def anything(self, customer: str) -> bool:
        """Tell whether anything came by which closed time of a customer may have changed."""
        later = any(one.position > self._last[customer].cutoff for one in self._versions)
        return later or customer in self._used or self._is_new(customer)

    def touches(self, customer: str, period: Period) -> bool:
        """Tell whether a closed period of a customer may come to something else now."""
        return (
            self._is_new(customer)
            or self._used.get(customer, period.end_ns) < period.end_ns
            or self._new_prices(self._last[customer].cutoff, period)
        )

    def _is_new(self, customer: str) -> bool:
        """Tell whether what is known of the customer, the configuration or the release is another one."""
        last = self._last[customer]
        return last.release != RELEASE or max(self._set.get(customer, 0), self._configured) > last.cutoff

    def _new_prices(self, cutoff: int, period: Period) -> bool:
        """Tell whether prices for the period were applied later; provider prices hold for all time."""
        later = [one for one in self._versions if one.position > cutoff]
        known = [cost_files(one.files) for one in self._versions if one.position <= cutoff]
        return any(
            one.valid_from_ns < period.end_ns or cost_files(one.files) != (known[-1] if known else ()) for one in later
        )
