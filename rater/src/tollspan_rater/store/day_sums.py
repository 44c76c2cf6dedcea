"""Sums of the calls of each day, kept beside the store while it is open: they spare questions the legs behind them.

Legs are never changed, so that the sums of all up to a position are those of all up to an earlier one and of the legs
between: what is new is added up by itself, and rows that agree are put together when there are many. All of it is
derived, made again at each opening, and may be deleted at any time. Whoever finds it behind, or not to the point,
reads legs.
"""

from __future__ import annotations

import shutil
from typing import Final

import duckdb

from tollspan_rater.store.database import Database, position_in
from tollspan_rater.store.kinds import KINDS, OF_LEGS, Kinds
from tollspan_rater.store.weighed import KEPT, LEGS, Weighed
from tollspan_rater.store.weighed_leg import ALONE, COUNTS, OWN, weighed_legs

FEWEST: Final = 50_000  # fewer new legs are not worth a pass
MOST: Final = 2_000_000  # of one step, give or take those of one journal entry: more would take much memory
_BEFORE_ALL: Final = -(1 << 63)
_GROWN: Final = 4  # rows are put together when those that were added since are a fourth of all
_DAYS: Final = 32  # rows lie by so many days, then by customer: a month of one customer is in one place

_KEYS: Final = ", ".join(f'"{name}"' for name in ("tenant", "alike", "customer", *OWN, "day", "customer_key"))
_SUMS: Final = ", ".join(
    (
        "sum(weight)::BIGINT AS weight",
        "min(started_ns) AS started_ns",
        "max(last_ns) AS last_ns",
        *(f'sum("{name}")::{"DECIMAL(38, 12)" if name == "quantity" else "BIGINT"} AS "{name}"' for name in COUNTS),
    )
)
_LEGS: Final = ("tenant", "alike", "customer", *OWN, "day", "customer_key", "weight", "started_ns", "last_ns", *COUNTS)
_OWN: Final = ", ".join(f'CASE WHEN {ALONE} THEN "{name}" END AS "{name}"' for name in OWN)
_NEW: Final = f"""
    SELECT * EXCLUDE (position, outcome, units) REPLACE ({_OWN})
    FROM ({weighed_legs((*_LEGS, "position", "outcome", "units"))}) WHERE position > ? AND position <= ?
"""  # noqa: S608 - our names
_TOGETHER: Final = f"SELECT {_KEYS}, {_SUMS} FROM {{rows}} GROUP BY {_KEYS} HAVING sum(weight) <> 0"  # noqa: S608 - our names
_ORDER: Final = f"ORDER BY day // {_DAYS}, customer_key, day"
_NEW_KINDS: Final = f"SELECT DISTINCT alike FROM {KEPT} EXCEPT SELECT alike FROM {KINDS}"  # noqa: S608 - our names
_DEFINED: Final = OF_LEGS.format(condition=f"position > ? AND position <= ? AND alike IN ({_NEW_KINDS})")
_COUNTED: Final = "SELECT count(*) FROM legs WHERE position > ? AND position <= ?"
# A call that was made again must not be among those that stand together: nobody could tell there which one it is.
_LOST: Final = f"""
    SELECT DISTINCT tenant, retry_of FROM {KEPT} WHERE retry_of IS NOT NULL AND (tenant, retry_of) NOT IN (
        SELECT (tenant, record_id) FROM {KEPT} WHERE record_id IS NOT NULL
        GROUP BY tenant, record_id HAVING sum(weight) > 0
    )
"""  # noqa: S608 - our names
_REFUSED: Final = f"""
    INSERT INTO kept.refused
    SELECT DISTINCT tenant FROM legs WHERE (tenant, record_id) IN (SELECT (tenant, retry_of) FROM ({_LOST}))
"""  # noqa: S608 - our names
_BEHIND: Final = "SELECT count(*), count(retry_of) FROM legs WHERE tenant = $tenant AND position > $through"
_NEW_LOST: Final = f"""
    WITH own AS (SELECT record_id, retry_of, sign FROM legs WHERE tenant = $tenant AND position > $through),
    known AS (
        SELECT record_id FROM (
            SELECT record_id, weight FROM {KEPT} WHERE tenant = $tenant AND record_id IS NOT NULL
            UNION ALL SELECT record_id, sign FROM own WHERE record_id IS NOT NULL
        )
        GROUP BY record_id HAVING sum(weight) > 0
    )
    SELECT retry_of FROM own ANTI JOIN known ON retry_of = known.record_id WHERE retry_of IS NOT NULL LIMIT 1
"""  # noqa: S608 - our names


class DaySums:
    """The kept sums of one store.

    Args:
        database: the store; opened again, it begins without sums.
        fewest: how many new legs are worth a pass.
        most: about how many are added up in one.
    """

    def __init__(self, database: Database, fewest: int = FEWEST, most: int = MOST) -> None:
        self._database, self._fewest, self._most = database, fewest, most
        self._folder = database.path.with_name(database.path.name + ".sums")
        self._opening: object = None  # the opening of the store that has sums
        self._openings = 0
        self.legs = 0  # how many are added up
        self.kinds = Kinds()
        self._working: duckdb.DuckDBPyConnection | None = None

    def step(self) -> int:
        """Add new legs up and return how many, if they are enough.

        Raises:
            duckdb.Error: it could not; nothing is kept of the step.
        """
        opening = self._database.opening  # before the connection: one of a later opening is attached to again
        self._working = connection = self._database.reader()
        if self._opening is not opening:
            self._attach(connection)
            self._opening, self.legs = opening, 0
        connection.execute("BEGIN TRANSACTION")
        try:
            count = self._add(connection)
            connection.execute("COMMIT")
            self.legs += count
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return count

    def interrupt(self) -> None:
        """Let a step that another thread makes end with an error, as soon as it can."""
        if self._working is not None:
            self._working.interrupt()

    def weighed(self, connection: duckdb.DuckDBPyConnection, tenant: str, as_of: int) -> Weighed:
        """Return what a tenant's sums can be read from by a connection that sees the store up to a position."""
        if self._opening is not self._database.opening:
            return LEGS
        ((through, refused),) = connection.execute(
            "SELECT through, EXISTS (FROM kept.refused WHERE tenant = ?) FROM kept.state", [tenant]
        ).fetchall()
        if refused or not _BEFORE_ALL < through <= as_of:
            return LEGS
        values = {"tenant": tenant, "through": through}
        ((behind, again),) = connection.execute(_BEHIND, values).fetchall()
        if again and connection.execute(_NEW_LOST, values).fetchall():
            return LEGS
        return Weighed(through, bool(behind), self.kinds)

    def _attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Begin without sums, in a file of its own: an earlier opening may still have its file."""
        connection.execute("DETACH DATABASE IF EXISTS kept")  # what a try before this one left
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        self._openings += 1
        path = str(self._folder / f"{self._openings}.duckdb").replace("'", "''")
        connection.execute(f"ATTACH '{path}' AS kept")
        connection.execute("CREATE TABLE kept.state AS SELECT ?::BIGINT AS through, 0 AS whole", [_BEFORE_ALL])
        connection.execute("CREATE TABLE kept.refused (tenant VARCHAR)")
        connection.execute(f"CREATE TABLE {KEPT} AS {_TOGETHER.format(rows=f'({_NEW})')}", [0, 0])
        connection.execute(f"CREATE TABLE {KINDS} AS {OF_LEGS.format(condition='FALSE')}")

    def _add(self, connection: duckdb.DuckDBPyConnection) -> int:
        ((through, whole),) = connection.execute("SELECT through, whole FROM kept.state").fetchall()
        last = position_in(connection)
        # Rows of a table that is only appended to are numbered without gaps, in the order of positions.
        at = connection.execute("SELECT position FROM legs WHERE rowid = ?", [self.legs + self._most]).fetchall()
        upto = min(last, at[0][0]) if at else last
        ((count,),) = connection.execute(_COUNTED, [through, upto]).fetchall()
        if count < self._fewest:
            return 0
        connection.execute(f"INSERT INTO {KEPT} {_TOGETHER.format(rows=f'({_NEW})')} {_ORDER}", [through, upto])
        if connection.execute(f"{_NEW_KINDS} LIMIT 1").fetchall():
            connection.execute(f"INSERT INTO {KINDS} {_DEFINED}", [through, upto])
        rows = _rows(connection)
        if whole and upto == last and rows - whole > max(self._fewest, whole // _GROWN):
            self._put_together(connection)
            whole = _rows(connection)
        connection.execute(_REFUSED)
        connection.execute("UPDATE kept.state SET through = ?, whole = ?", [upto, whole or rows])
        return int(count)

    def _put_together(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"CREATE TABLE kept.day_sums_together AS {_TOGETHER.format(rows=KEPT)} {_ORDER}")
        connection.execute(f"DROP TABLE {KEPT}")
        connection.execute("ALTER TABLE kept.day_sums_together RENAME TO day_sums")


def _rows(connection: duckdb.DuckDBPyConnection) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {KEPT}").fetchall()  # noqa: S608 - our name
    return int(count)
