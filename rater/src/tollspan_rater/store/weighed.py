"""What sums are read from: legs, each by itself, or kept sums, one row for many legs of one kind.

Kept sums (:mod:`tollspan_rater.store.day_sums`) are of whole days. Whoever adds rows up cannot tell, but by the time
it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from tollspan_rater.store.kinds import Kinds
from tollspan_rater.store.weighed_leg import COUNTS, DAY_NS, OWN, weighed_legs

KEPT: Final = "kept.day_sums"
_ALWAYS: Final = ("tenant", "customer", "started_ns", "weight")
_KEPT_COLUMNS: Final = frozenset({*OWN, *COUNTS, *_ALWAYS, "alike", "last_ns", "day", "customer_key"})
ROUGH_DAYS: Final = 4  # so many days are read leg by leg beside kept ones; with more, all are


@dataclass(frozen=True, slots=True)
class Rows:
    """The SQL of weighed rows, in parentheses; ``keyed`` ones have ``customer_key``, a hash by which they lie."""

    sql: str
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Weighed:
    """What to read sums from: legs, or kept sums of the legs up to the position ``through`` and the legs behind it.

    ``behind`` says whether there are any. ``kinds`` tells what the numbers of kinds mean.
    """

    through: int | None = None
    behind: bool = True
    kinds: Kinds = field(default_factory=Kinds, compare=False, repr=False)

    def rows(
        self,
        names: Iterable[str],
        instants: Iterable[int] = (),
        silent: Collection[str] = (),
        *,
        singly: bool = False,
    ) -> Rows:
        """Return all calls with their weights, and the columns ``names`` of them.

        Columns are those of a leg, and: ``weight``, how many calls stand, less those taken back; ``last_ns``, the last
        service time of the row; ``shape`` (:func:`shape`); ``size``, the input tokens of a call less one; ``alike``,
        the number of its kind. No row holds calls from both sides of one of the ``instants``. ``silent`` counts are
        known in no call that is looked at. ``singly`` says that each row has to be one call.
        """
        wanted = dict.fromkeys((*_ALWAYS, *names))
        rough = rough_days(instants)
        if self.through is None or singly or len(rough) > ROUGH_DAYS or not wanted.keys() <= _KEPT_COLUMNS:
            return Rows(f"({weighed_legs(wanted, silent)})")
        wanted["customer_key"] = None
        legs, columns = weighed_legs(wanted, silent), ", ".join(f'"{name}"' for name in wanted)
        but = f" WHERE day NOT IN ({', '.join(map(str, rough))})" if rough else ""
        branches = [f"SELECT {columns} FROM {KEPT}{but}"]  # noqa: S608 - our names
        if self.behind:
            branches.append(f"{legs} WHERE position > {self.through}")
        for day in rough:
            within = f"started_ns >= {day * DAY_NS} AND started_ns < {(day + 1) * DAY_NS}"
            branches.append(f"{legs} WHERE position <= {self.through} AND {within}")
        return Rows(f"({' UNION ALL '.join(branches)})", keyed=True)

    def chains(self, tenant: str) -> str:
        """Return the SQL of the last attempt of each call that was made again, by its first attempt's record.

        ``tenant`` is the placeholder of its name.
        """
        columns = "SELECT tenant, retry_of AS chain, attempt"
        found = f"{columns}, sign AS weight FROM legs WHERE retry_of IS NOT NULL"
        if self.through is not None:
            kept = f"{columns}, weight FROM {KEPT} WHERE retry_of IS NOT NULL"
            found = f"{kept} UNION ALL {found} AND position > {self.through}"
        standing = f"SELECT chain, attempt FROM ({found}) WHERE tenant = {tenant} GROUP BY ALL HAVING sum(weight) > 0"  # noqa: S608 - our names
        return f"(SELECT chain, max(attempt) AS last FROM ({standing}) GROUP BY chain)"  # noqa: S608 - our names


LEGS: Final = Weighed()


def rough_days(instants: Iterable[int]) -> list[int]:
    """Return the days of UTC that instants cut."""
    return sorted({at // DAY_NS for at in instants if at % DAY_NS})
