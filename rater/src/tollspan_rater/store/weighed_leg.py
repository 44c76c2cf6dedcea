"""A leg as sums take it: with its weight, and counts signed, so that what was taken back cancels out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from tollspan_rater.domain.meters import PARENT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.store.filled import PARTS, told
from tollspan_rater.store.price_steps import PRICE_STEPS

DAY_NS: Final = 86_400_000_000_000
COUNTS: Final = (*TOKEN_FIELDS, "quantity")
# What the calls of a kind agree in, beside their shape and the price step of their input; what else a leg says is not
# kept, but for its customer.
AGREED: Final = (
    "tenant", "kind", "provider", "model", "operation", "service_tier", "outcome", "quality", "units", "meter",
    "environment", "phase", "billable", "terms",
)  # fmt: skip
# Calls that were, or may be, attempts of one logical call, and those that know rare parts of their totals, stand alone
# in their rows. These columns are theirs, empty in rows of others.
OWN: Final = ("call_id", "record_id", "attempt", "retry_of")
RARE: Final = "|".join(meter for meter in PARENT if meter not in TOKEN_FIELDS)
ALONE: Final = (
    f"""(outcome <> 'complete' OR retry_of IS NOT NULL OR attempt > 1 OR regexp_matches(units, '"({RARE})"')) IS TRUE"""
)
STEP: Final = f"CASE {' '.join(f'WHEN input > {step} THEN {step}' for step in sorted(PRICE_STEPS, reverse=True))} END"
_OF_A_LEG: Final = {
    "weight": "sign::BIGINT",
    "last_ns": "started_ns",
    "size": "coalesce(input, 0) - 1",
    "step": f"coalesce({STEP}, 0)",
    "day": f"started_ns // {DAY_NS}",
    "customer_key": "hash(customer)",
    **{name: f'CASE sign WHEN 1 THEN "{name}" ELSE -"{name}" END' for name in COUNTS},
}


def weighed_legs(names: Iterable[str], silent: Collection[str] = ()) -> str:
    """Return the SQL of legs as weighed rows, each by itself (:class:`tollspan_rater.store.weighed.Weighed`)."""
    said = {**_OF_A_LEG, "shape": shape(silent), "alike": _ALIKE}
    columns = ", ".join(f'{said[name]} AS "{name}"' if name in said else f'"{name}"' for name in names)
    return f"SELECT {columns} FROM legs"  # noqa: S608 - our names


def shape(silent: Collection[str] = ()) -> str:
    """Return the SQL of a number that tells of each count of a leg whether it is stated, and its own part's sign.

    What is left of a count without its known parts decides on prices: the parts may be all of it, or exceed it.
    """
    signs = [f"sign({_own(name, silent)})" for name in TOKEN_FIELDS if name not in silent]
    quantity = [] if "quantity" in silent else ["sign(quantity)"]
    return f"hash({', '.join([*signs, *quantity]) or '0'})"


def _own(name: str, silent: Collection[str]) -> str:
    """Return the SQL of a count without its known parts."""
    parts = (_known(part, silent) for part in PARTS.get(name, ()) if told(part, silent))
    return " - ".join([name, *parts])


def _known(name: str, silent: Collection[str]) -> str:
    """Return the SQL of what is known of a count: what is stated, else its known parts, else nothing."""
    parts = [_known(part, silent) for part in PARTS.get(name, ()) if told(part, silent)]
    return f"coalesce({', '.join([*([] if name in silent else [name]), ' + '.join(parts) or '0'])})"


# The number of a leg's kind: a digest of 64 bits, the same wherever it is computed.
_ALIKE: Final = f"hash({', '.join(AGREED)}, {shape()}, {STEP})"
