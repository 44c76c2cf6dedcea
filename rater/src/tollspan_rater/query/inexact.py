"""Which usage is not exact, and why: what of a bill rests on less than the provider's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.grouping import UNSAID, ZERO, Sums, share
from tollspan_rater.query.scope import Scope, currency_of, rated_sums
from tollspan_rater.query.selection import CallRow

COLUMNS: Final = (
    "customer", "quality", "why", "dialect", "reason", "calls", "units", "input_tokens", "output_tokens",
    "total_tokens", "charge", "currency", "share_of_calls", "share_of_tokens", "share_of_charge",
)  # fmt: skip
_READ: Final = ("customer", "quality", "outcome", "flags", "dialect")

# What a flag says of the numbers, the weightiest first.
_BY_FLAG: Final[Mapping[str, str]] = {
    "zero_usage": "zeros stood where the provider said nothing",
    "cache_untold": "the input leaves the cache out and nothing tells how much that was",
    "tool_use_untold": "tokens of tool use are left out and nothing tells how many",
    "conflict:usage": "two views of the call state different totals",
    "unallocated_tokens": "the provider's total holds tokens that no count explains",
    "total_below_parts": "the stated total is smaller than its parts",
    "ambiguous_input": "the input may or may not contain what was cached",
    "aggregate": "no call is seen, only a span that adds calls up",
    "unknown_role": "a span of unknown meaning states the usage",
    "unreadable_raw_usage": "the provider's usage object could not be read",
    "unknown_raw_usage": "the provider's usage object is of no known API",
}
# What quality and outcome say where no flag does.
_BY_OUTCOME: Final[Mapping[tuple[str, str], str]] = {
    ("lower_bound", "aborted"): "the stream broke off before its final usage",
    ("lower_bound", "complete"): "the stream has no finish, so its last usage may be missing",
    ("estimated", "aborted"): "the stream broke off, what came of it was counted by a rule",
    ("estimated", "complete"): "the sender counted by a rule, not the provider",
    ("unmeasured", "aborted"): "the stream broke off before any usage came",
    ("unmeasured", "failed"): "the attempt failed and states no usage",
    ("unmeasured", "timeout"): "no answer came in time",
    ("unmeasured", "complete"): "no span of the call states usage, as of a stream without include_usage",
}
# What a flag says where the numbers came about by a rule, and nothing else is wrong with them.
_OF_DERIVED: Final[Mapping[str, str]] = {
    "filled": "a total was taken from another view of the call",
    "input_proved_exclusive": "cached input was added to an input that left it out",
    "input_proved_inclusive": "the input was proved to hold what was cached",
    "output_proved_exclusive": "reasoning was added to an output that left it out",
    "output_proved_inclusive": "the output was proved to hold the reasoning",
    "dropped_attributes": "the sender dropped attributes of the span",
}
_OTHERWISE: Final[Mapping[str, str]] = {
    "lower_bound": "a part of the usage is missing",
    "estimated": "counted by a rule, not by the provider",
    "unmeasured": "no usage was stated",
    "derived": "computed from what the provider stated",
    "amended": "a person stated the quantities",
}

_TOO_LARGE: Final = "_exceeds_"  # a flag that names a part and its whole

Key = tuple[str, str, str, str, str, str | None]  # customer, quality, why, dialect, reason, currency


def inexact(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: usage whose quality is not exact, by customer, quality, cause and dialect, with shares of the whole.

    The whole is all usage that the filters let through, of any quality.
    """
    wanted = {name: value for name, value in params.items() if name != "quality"}
    calls, path = rated_sums(scope, wanted, _READ)
    currency = currency_of(scope)
    wholes: dict[str, Sums] = {}
    charged: dict[tuple[str, str | None], Sums] = {}
    groups: dict[Key, Sums] = {}
    for call in calls:
        row = call.row
        customer, money = row.customer or UNSAID["customer"], currency(call)
        wholes.setdefault(customer, Sums()).add(call)
        charged.setdefault((customer, money), Sums()).add(call)
        if row.quality != "exact" and params.get("quality", row.quality) == row.quality:
            key = (customer, row.quality, why(row), row.dialect, str(call.reason), money)
            groups.setdefault(key, Sums()).add(call)
    rows = [_row(key, sums, wholes[key[0]], charged[key[0], key[-1]]) for key, sums in groups.items()]
    rows.sort(key=lambda row: (-_weight(row), *(str(row[name]) for name in COLUMNS[:5])))
    shown = rows[: int(params["top"])] if "top" in params else rows
    notes = _notes(groups, wholes, len(rows) - len(shown))
    return Answer("Inexact usage", COLUMNS, shown, scope.as_of, scope.zone, notes, details={"path": path})


def why(row: CallRow) -> str:
    """Return in words why the usage of a call, or of calls that are alike, is not exact."""
    flags = row.flags.split(", ")
    telling = {**_BY_FLAG, **(_OF_DERIVED if row.quality == "derived" else {})}
    flagged = next((words for flag, words in telling.items() if flag in flags), None)
    if flagged is None and _TOO_LARGE in row.flags:
        flagged = "a part was larger than its whole, and is not known now"
    return flagged or _BY_OUTCOME.get((row.quality, row.outcome)) or _OTHERWISE[row.quality]


def _row(key: Key, sums: Sums, whole: Sums, charged: Sums) -> dict[str, Cell]:
    customer, quality, words, dialect, reason, currency = key
    cells = sums.cells()
    return {
        "customer": customer,
        "quality": quality,
        "why": words,
        "dialect": dialect,
        "reason": reason,
        **{name: cells[name] for name in COLUMNS[5:11]},
        "currency": currency,
        "share_of_calls": share(sums.calls + sums.units, whole.calls + whole.units),
        "share_of_tokens": share(sums.total_tokens, whole.total_tokens),
        "share_of_charge": share(sums.charge, charged.charge),
    }


def _weight(row: Mapping[str, Cell]) -> Decimal:
    """Order rows by their part of what the customer used, unmeasured calls by their part of the calls."""
    known = row["share_of_tokens"] if row["share_of_tokens"] is not None else row["share_of_calls"]
    return known if isinstance(known, Decimal) else ZERO


def _notes(groups: Mapping[Key, Sums], wholes: Mapping[str, Sums], hidden: int) -> list[str]:
    if not groups:
        return ["all usage is exact"] if wholes else ["there is no usage"]
    calls = sum(sums.calls + sums.units for sums in groups.values())
    whole = sum(sums.calls + sums.units for sums in wholes.values())
    notes = [f"{calls:,} of {whole:,} calls and units are not exact; {len(wholes):,} customers have usage"]
    return [*notes, f"{hidden:,} more rows are not shown"] if hidden else notes
