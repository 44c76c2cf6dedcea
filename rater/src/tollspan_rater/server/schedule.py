"""What a serving rater closes without being asked: each customer's periods that ended a grace time ago."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import duckdb

from tollspan_rater.errors import TollspanError
from tollspan_rater.server.closing import closing_of, journaled, statements_of

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

ACTOR: Final = "serve"
HOUR_NS: Final = 3_600 * 1_000_000_000

log = logging.getLogger("tollspan")


class Schedule:
    """Closes what is due whenever :meth:`step` is called, at most once an hour; the rater's clock tells the time."""

    def __init__(self, rater: Rater) -> None:
        self._rater = rater
        self._not_before_ns = 0

    def step(self) -> int:
        """Close what is due and return how many periods were; what is refused is logged and tried again in an hour."""
        now_ns = self._rater.clock.now_ns()
        if not self._rater.config.close.automatic or now_ns < self._not_before_ns:
            return 0
        self._not_before_ns = now_ns + HOUR_NS
        return sum(self._of_tenant(tenant) for tenant in self._tenants())

    def _tenants(self) -> list[str]:
        rows = self._rater.database.reader().execute("SELECT DISTINCT tenant FROM customers ORDER BY 1").fetchall()
        return [tenant for (tenant,) in rows]

    def _of_tenant(self, tenant: str) -> int:
        """Close the oldest due period of each customer, then the next ones, until nothing is due."""
        count = 0
        try:
            while closed := self._round(tenant):
                count += closed
        except (TollspanError, OSError, duckdb.Error) as error:
            log.warning("tenant %s: nothing more is closed now, the next try is in an hour: %s", tenant, error)
        return count

    def _round(self, tenant: str) -> int:
        ended_by_ns = self._rater.clock.now_ns() - self._rater.config.close.grace_hours * HOUR_NS
        with closing_of(self._rater, tenant) as (_scope, closing):
            statements = statements_of(self._rater, closing, closing.due(ended_by_ns))
            if statements:
                position = journaled(self._rater, statements, tenant, ACTOR)
        for statement in statements:
            place = (tenant, statement.customer, statement.period.label, position)
            log.info("tenant %s: closed %s, period %s, at journal position %s", *place)
        return len(statements)
