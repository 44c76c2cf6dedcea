"""Retry leakage: what attempts that failed, broke off or were made again used and cost beside the one that served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.cost.rates import NOT_CHARGED, Unknown
from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.grouping import Sums, Value, share
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.scope import Scope, currency_of, rated_sums, reader
from tollspan_rater.query.selection import CallRow
from tollspan_rater.query.tabulate import Row
from tollspan_rater.query.wording import plain
from tollspan_rater.rating.decision import DONE

_READ: Final = ("outcome",)
_LEAKED: Final = ("failed", "aborted", "retried", "not_charged")
_MEASURES: Final = (
    "attempts", *_LEAKED, "input_tokens", "output_tokens", "total_tokens", "share_of_tokens", "cost",
    "cost_currency", "share_of_cost", "charge", "currency", "unknown_cost",
)  # fmt: skip
_ABORTED: Final = "aborted"

Key = tuple[str | None, ...]


@dataclass(slots=True)
class Leak:
    """All attempts of a group, and those of them that gave nothing.

    ``kinds`` counts these: an attempt that completed is ``retried``, ``not_charged`` are those, of any kind, for
    which the provider charges nothing.
    """

    whole: Sums = field(default_factory=Sums)
    lost: Sums = field(default_factory=Sums)
    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LEAKED, 0))

    def add(self, call: RatedCall) -> None:
        """Take in an attempt, or attempts that are alike."""
        self.whole.add(call)
        kind = kind_of(call.row)
        if kind is not None:
            self.lost.add(call)
            self.kinds[kind] += call.calls
            if not isinstance(call.cost, Unknown) and NOT_CHARGED in call.cost.flags:
                self.kinds["not_charged"] += call.calls


def leakage(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: attempts that gave nothing, by any dimensions, with their share of all tokens and all cost.

    Whether such an attempt is charged is the plan's policy, so ``charge`` can be more than 0.
    """
    by = list(dict.fromkeys(params.get("by", "customer").split(",")))
    calls, path = rated_sums(scope, params, [*by, *_READ])
    readers: list[Value] = [*(reader(scope, name) for name in by), currency_of(scope)]
    groups: dict[Key, Leak] = {}
    together = Leak()
    for call in calls:
        if call.row.kind == "call":
            groups.setdefault(tuple(read(call) for read in readers), Leak()).add(call)
            together.add(call)
    rows = [_row(by, key, leak) for key, leak in groups.items() if leak.lost.calls]
    rows.sort(key=lambda row: (-(_cost(row)), *(str(row[name]) for name in by)))
    shown: Sequence[Row] = rows[: int(params["top"])] if "top" in params else rows
    if "user" in by:
        shown = scope.people(shown)
    notes = list(_notes(together, len(rows) - len(shown)))
    whole = _cells(together) if rows else None
    if whole is not None and len({row["currency"] for row in rows}) > 1:
        whole["charge"] = None
    columns = tuple(dict.fromkeys((*by, *_MEASURES)))
    return Answer("Retry leakage", columns, shown, scope.as_of, scope.zone, notes, whole, details={"path": path})


def kind_of(row: CallRow) -> str | None:
    """Return why an attempt gave nothing: it failed, broke off, or another one followed it; None for all others."""
    if row.outcome == _ABORTED:
        return _ABORTED
    if row.outcome not in DONE:
        return "failed"
    return "retried" if row.retried else None


def _row(by: Sequence[str], key: Key, leak: Leak) -> Row:
    return dict(zip(by, key[:-1], strict=True)) | _cells(leak) | {"currency": key[-1]}


def _cells(leak: Leak) -> Row:
    whole, lost = leak.whole, leak.lost
    same = lost.cost is not None and lost.cost_currency == whole.cost_currency
    return {
        "attempts": whole.calls,
        **leak.kinds,
        "input_tokens": lost.tokens.get("input_tokens"),
        "output_tokens": lost.tokens.get("output_tokens"),
        "total_tokens": lost.total_tokens,
        "share_of_tokens": share(lost.total_tokens, whole.total_tokens),
        "cost": plain(lost.cost),
        "cost_currency": lost.cost_currency,
        "share_of_cost": share(lost.cost, whole.cost) if same else None,
        "charge": plain(lost.charge),
        "unknown_cost": lost.unknown_cost,
    }


def _cost(row: Row) -> Decimal:
    return Decimal(str(row["cost"] or 0))


def _notes(together: Leak, hidden: int) -> Iterator[str]:
    lost, whole = together.lost, together.whole
    if not lost.calls:
        yield f"none of {whole.calls:,} attempts failed, broke off or was made again"
    elif lost.cost is not None and whole.cost is not None:
        served = EXACT.subtract(whole.cost, lost.cost)
        yield f"{lost.calls:,} of {whole.calls:,} attempts gave nothing; {plain(served)} went to those that served"
    if together.kinds["not_charged"]:
        yield f"{together.kinds['not_charged']:,} attempts cost 0: the provider states no usage for what it refused"
    if lost.unknown_cost:
        yield f"{lost.unknown_cost:,} attempts have no known provider cost; it is not counted as 0"
    if hidden:
        yield f"{hidden:,} more rows are not shown"
