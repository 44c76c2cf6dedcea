"""Legs as sums take them: each with its weight, counts signed, so that what was taken back cancels out.

Whole days may be read as kept sums (:mod:`tollspan_rater.store.day_sums`), one row for many legs that agree in all that
decides on money. Whoever adds rows up cannot tell, but by the time it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.meters import PARENT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.store.filled import PARTS, filled, told

DAY_NS: Final = 86_400_000_000_000
KEPT: Final = "kept.day_sums"
COUNTS: Final = (*TOKEN_FIELDS, "quantity")
# What the calls of a kept row agree in; what else a leg says is not kept.
AGREED: Final = (
    "tenant", "kind", "provider", "model", "operation", "service_tier", "outcome", "quality", "units", "meter",
    "customer", "environment", "phase", "billable", "terms",
)  # fmt: skip
# Calls that were, or may be, attempts of one logical call, and those that know rare parts of their totals, stand alone
# in their rows. These columns are theirs, empty in rows of others.
OWN: Final = ("call_id", "record_id", "attempt", "retry_of")
RARE: Final = "|".join(meter for meter in PARENT if meter not in TOKEN_FIELDS)
ALONE: Final = (
    f"""(outcome <> 'complete' OR retry_of IS NOT NULL OR attempt > 1 OR regexp_matches(units, '"({RARE})"')) IS TRUE"""
)
_ALWAYS: Final = ("tenant", "customer", "started_ns", "weight")
_OF_A_LEG: Final = {
    "weight": "sign::BIGINT",
    "last_ns": "started_ns",
    "size": "coalesce(input, 0) - 1",
    "day": f"started_ns // {DAY_NS}",
    "customer_key": "hash(customer)",
    **{name: f'CASE sign WHEN 1 THEN "{name}" ELSE -"{name}" END' for name in COUNTS},
}
_KEPT_COLUMNS: Final = frozenset({*AGREED, *OWN, *COUNTS, *_ALWAYS, *_OF_A_LEG, "shape"})
ROUGH_DAYS: Final = 4  # so many days are read leg by leg beside kept ones; with more, all are


@dataclass(frozen=True, slots=True)
class Rows:
    """The SQL of weighed rows, in parentheses; ``keyed`` ones have ``customer_key``, a hash by which they lie."""

    sql: str
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Weighed:
    """What to read sums from: legs, or kept sums of the legs up to the position ``through`` and the legs behind it."""

    through: int | None = None

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
        service time of the row; ``shape`` (:func:`shape`); ``size``, below the input tokens of each call, with no price
        step between. No row holds calls from both sides of one of the ``instants``. ``silent`` counts are known in no
        call that is looked at. ``singly`` says that each row has to be one call.
        """
        wanted = dict.fromkeys((*_ALWAYS, *names))
        rough = sorted({at // DAY_NS for at in instants if at % DAY_NS})
        if self.through is None or singly or len(rough) > ROUGH_DAYS or not wanted.keys() <= _KEPT_COLUMNS:
            return Rows(f"({weighed_legs(wanted, silent)})")
        wanted["customer_key"] = None
        legs, columns = weighed_legs(wanted, silent), ", ".join(f'"{name}"' for name in wanted)
        but = f" WHERE day NOT IN ({', '.join(map(str, rough))})" if rough else ""
        branches = [f"SELECT {columns} FROM {KEPT}{but}", f"{legs} WHERE position > {self.through}"]  # noqa: S608 - our names
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


def weighed_legs(names: Iterable[str], silent: Collection[str] = ()) -> str:
    """Return the SQL of legs as weighed rows, each by itself."""
    told = {**_OF_A_LEG, "shape": shape(silent)}
    columns = ", ".join(f'{told[name]} AS "{name}"' if name in told else f'"{name}"' for name in names)
    return f"SELECT {columns} FROM legs"  # noqa: S608 - our names


def shape(silent: Collection[str] = ()) -> str:
    """Return the SQL of a number that tells of each count of a leg whether it is known and its own part's sign.

    What is left of a count without its known parts decides on prices: the parts may be all of it, or exceed it.
    """
    said = [
        f"coalesce(sign({_own(name, silent)}) + 2, 0)::BIGINT * {4**place}"
        for place, name in enumerate(TOKEN_FIELDS)
        if told(name, silent)
    ]
    quantity = f"coalesce(sign(quantity) + 2, 0)::BIGINT * {4 ** len(TOKEN_FIELDS)}"
    return " + ".join(["0", *said, *([] if "quantity" in silent else [quantity])])


def _own(name: str, silent: Collection[str]) -> str:
    """Return the SQL of a count without its known parts."""
    parts = [filled(part, silent) for part in PARTS.get(name, ()) if told(part, silent)]
    return filled(name, silent) + "".join(f" - coalesce({part}, 0)" for part in parts)
