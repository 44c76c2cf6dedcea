"""What calls add to each component, as SQL: whole numbers, chosen by the kind of the call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

import pyarrow as pa

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.query.call_kind import DIGITS, Kind, column_sql
from tollspan_rater.query.linear_form import QUANTITY, UNIT, Form
from tollspan_rater.query.price_sql import digits_of, whole

ZERO: Final = Decimal(0)
_WORD: Final = 1 << 62  # 64 bits hold twice that, and take half the room of 128 while calls are sorted


class AddedSql:
    """The quantities that calls of some kinds add, all times ``10**digits``, as are the ``free`` ones of allowances.

    A row stands for ``weight`` calls, with the sums of their counts and the units of each.

    ``components`` are those that anything is added to. ``most`` is the sum of all that is added to one of them, without
    signs. ``table`` has for each kind its digest and the number of its form for each component, 0 for none.
    """

    def __init__(self, kinds: Sequence[Kind], free: Iterable[Decimal]) -> None:
        self.components = sorted({index for kind in kinds for index in kind.forms})
        self._forms = {
            index: list(dict.fromkeys(kind.forms[index] for kind in kinds if index in kind.forms))
            for index in self.components
        }
        forms = [form for of_component in self._forms.values() for form in of_component]
        names = sorted({column for form in forms for column, _ in form.factors})
        self._column = {name: f"c{number}" for number, name in enumerate(names)}
        factors = max((digits_of(number) for form in forms for number in form.numbers), default=0)
        self.digits = max(factors + (DIGITS if any(map(_fine, names)) else 0), *map(digits_of, free), 0)
        self.most = {
            index: whole(exact_sum(_most(kind, index) for kind in kinds), self.digits) for index in self._forms
        }
        self.table = pa.table(
            {
                "digest": pa.array([kind.digest for kind in kinds], pa.uint64()),
                **{f"f{index}": pa.array([self._number(kind, index) for kind in kinds]) for index in self.components},
            }
        )

    def columns(self) -> Iterator[str]:
        """Yield the columns of calls that forms look at, by short names."""
        return (f"{column_sql(name)} AS {short}" for name, short in self._column.items())

    def quantities(self) -> Iterator[str]:
        """Yield what a call adds to the component ``n``, named ``qn``."""
        for index, forms in self._forms.items():
            kind = "BIGINT" if self.most[index] < _WORD else "HUGEINT"
            cases = " ".join(f"WHEN {number} THEN {self._sum(form, kind)}" for number, form in enumerate(forms, 1))
            yield f"CASE f{index} {cases} ELSE 0::{kind} END AS q{index}"

    def _number(self, kind: Kind, index: int) -> int:
        return self._forms[index].index(kind.forms[index]) + 1 if index in kind.forms else 0

    def _sum(self, form: Form, kind: str) -> str:
        parts = [f"weight * {whole(form.constant, self.digits)}::{kind}"] if form.constant else []
        for name, factor in form.factors:
            fine = DIGITS if _fine(name) else 0
            value = f"({self._column[name]} * {10**fine})" if fine else self._column[name]
            times = " * weight" if name.startswith(UNIT) else ""
            parts.append(f"{value}::{kind} * {whole(factor, self.digits - fine)}{times}")
        return " + ".join(parts) or f"0::{kind}"


def _fine(name: str) -> bool:
    """Tell whether a column may hold more than whole numbers."""
    return name == QUANTITY or name.startswith(UNIT)


def _most(kind: Kind, index: int) -> Decimal:
    form = kind.forms.get(index, Form())
    parts = (EXACT.multiply(factor.copy_abs(), kind.most.get(name, ZERO)) for name, factor in form.factors)
    return exact_sum((EXACT.multiply(form.constant.copy_abs(), Decimal(kind.calls)), *parts))
