"""The table of figures that Prometheus gets out of answers, and how rows become samples.

A time series is for looking and for alerts: its values are binary floats. Bills are read from answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from tollspan_rater.query.answer import Answer, Cell

OTHER: Final = "other"
NOBODY: Final = "unattributed"
Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its parameters. ``this_month`` starts it with the running month of the configured zone."""

    question: str
    params: Mapping[str, str] = field(default_factory=dict, hash=False)
    this_month: bool = True
    every_s: int = 30


@dataclass(frozen=True, slots=True)
class Figure:
    """One gauge: which column of which answer, under which labels (label: column).

    ``capped_by`` is the column by which the largest rows keep their own labels, where their number is bounded. What
    the others have is added up as ``other``, or left out where sums mean nothing (``rest=False``). Values under equal
    labels are added up; unknown adds nothing.
    """

    name: str
    help: str
    asked: Asked
    column: str
    labels: Mapping[str, str] = field(default_factory=dict)
    capped_by: str | None = None
    rest: bool = True
    least: Decimal | None = None


_CUSTOMERS: Final = Asked("usage", {"by": "customer", "sort": "charge"})
_MODELS: Final = Asked("usage", {"by": "provider,model", "sort": "cost"})
_MARGINS: Final = Asked("margin", {"by": "customer", "sort": "revenue"})
_ALLOWANCES: Final = Asked("allowance", {"all": "true"}, this_month=False)
_INEXACT: Final = Asked("inexact")
_NOBODYS: Final = Asked("usage", {"by": "customer", "unattributed": "true"})
_EXPORTS: Final = Asked("export.status", this_month=False)
_AUDIT: Final = Asked("audit", this_month=False, every_s=300)

_EXPORT: Final = {"export": "export", "target": "target"}
_CUSTOMER: Final = {"customer": "customer"}
_MODEL: Final = {"provider": "provider", "model": "model"}
_CURRENCY: Final = "currency"
_CHARGED: Final = {_CURRENCY: "currency"}
_COSTED: Final = {_CURRENCY: "cost_currency"}
_ALLOWED: Final = {"customer": "customer", "plan": "plan", "meter": "meter"}
_MONTH: Final = "in the running month"

FIGURES: Final[tuple[Figure, ...]] = (
    Figure("tollspan_calls", f"Calls {_MONTH}.", _CUSTOMERS, "calls"),
    Figure("tollspan_unpriced_calls", f"Calls without a price {_MONTH}.", _CUSTOMERS, "unpriced"),
    Figure(
        "tollspan_unknown_cost_calls", f"Calls whose provider cost is unknown {_MONTH}.", _CUSTOMERS, "unknown_cost"
    ),
    Figure("tollspan_unmeasured_calls", f"Calls that state no usage {_MONTH}.", _CUSTOMERS, "unmeasured"),
    Figure("tollspan_unattributed_calls", f"Calls without a customer {_MONTH}.", _NOBODYS, "calls"),
    Figure("tollspan_inexact_calls", f"Calls that are not exact {_MONTH}.", _INEXACT, "calls", {"quality": "quality"}),
    Figure("tollspan_customer_calls", f"Calls {_MONTH}.", _CUSTOMERS, "calls", _CUSTOMER, capped_by="charge"),
    Figure(
        "tollspan_customer_input_tokens",
        f"Input tokens {_MONTH}, cached ones included.",
        *(_CUSTOMERS, "input_tokens", _CUSTOMER),
        capped_by="charge",
    ),
    Figure(
        "tollspan_customer_output_tokens",
        f"Output tokens {_MONTH}, reasoning included.",
        *(_CUSTOMERS, "output_tokens", _CUSTOMER),
        capped_by="charge",
    ),
    Figure(
        "tollspan_customer_charge",
        f"What calls {_MONTH} are charged; without base fees.",
        *(_CUSTOMERS, "charge", _CUSTOMER | _CHARGED),
        capped_by="charge",
    ),
    Figure(
        "tollspan_customer_cost",
        f"What providers charge for calls {_MONTH}, as far as it is known.",
        *(_CUSTOMERS, "cost", _CUSTOMER | _COSTED),
        capped_by="charge",
    ),
    Figure(
        "tollspan_customer_revenue",
        f"Charges, base fees and imported revenue {_MONTH}.",
        *(_MARGINS, "revenue", _CUSTOMER | _CHARGED),
        capped_by="revenue",
    ),
    Figure(
        "tollspan_customer_margin",
        f"Revenue less provider cost {_MONTH}; without customers of whom either is unknown.",
        *(_MARGINS, "margin", _CUSTOMER | _CHARGED),
        capped_by="revenue",
    ),
    Figure("tollspan_model_calls", f"Calls {_MONTH}.", _MODELS, "calls", _MODEL, capped_by="cost"),
    Figure("tollspan_model_cost", f"Provider cost {_MONTH}.", _MODELS, "cost", _MODEL | _COSTED, capped_by="cost"),
    Figure(
        "tollspan_model_output_tokens", f"Output tokens {_MONTH}.", _MODELS, "output_tokens", _MODEL, capped_by="cost"
    ),
    Figure(
        "tollspan_allowance_used",
        "What counts toward an allowance in its running period, in units of its meter.",
        *(_ALLOWANCES, "used", _ALLOWED),
        capped_by="used_percent",
        rest=False,
    ),
    Figure(
        "tollspan_allowance_limit",
        "An allowance of the running period, in units of its meter.",
        *(_ALLOWANCES, "limit", _ALLOWED),
        capped_by="used_percent",
        rest=False,
    ),
    Figure(
        "tollspan_nearly_used_allowances",
        "Allowances of running periods of which 80 % or more are used, those without a name among them.",
        *(_ALLOWANCES, "used_percent"),
        least=Decimal(80),
    ),
    Figure(
        "tollspan_used_up_allowances",
        "Allowances of running periods that are used up, those without a name among them.",
        *(_ALLOWANCES, "used_percent"),
        least=Decimal(100),
    ),
    Figure(
        "tollspan_export_waiting_items", "Items planned, and neither sent nor refused.", _EXPORTS, "waiting", _EXPORT
    ),
    Figure("tollspan_export_sent_items", "Items sent, without an answer yet.", _EXPORTS, "sent", _EXPORT),
    Figure("tollspan_export_accepted_items", "Items that the target has.", _EXPORTS, "accepted", _EXPORT),
    Figure("tollspan_export_rejected_items", "Items that the target refused.", _EXPORTS, "rejected", _EXPORT),
    Figure("tollspan_export_held_items", "Items that a person must decide about.", _EXPORTS, "held", _EXPORT),
    Figure(
        "tollspan_audit_difference",
        "By how much the two sides of an equation of the audit differ.",
        *(_AUDIT, "difference", {"equation": "equation"}),
    ),
)


def gauge(figure: Figure, answer: Answer, most: int) -> Metric:
    """Return a figure's samples out of its answer; at most ``most`` rows keep their own labels.

    A figure without labels has a sample also when there is no row: 0. A row whose currency is unknown has none.
    """
    sums: dict[tuple[str, ...], Decimal] = {} if figure.labels else {(): Decimal(0)}
    for place, row in enumerate(_ranked(figure, answer.rows)):
        known = place < most or figure.capped_by is None
        value = _number(row.get(figure.column))
        if value is None or not (known or figure.rest):
            continue
        if figure.least is not None:
            value = Decimal(value >= figure.least)
        labels = _labels(figure, row) if known else _labels(figure, _as_other(figure, row))
        if labels is not None:
            sums[labels] = sums.get(labels, Decimal(0)) + value
    family = GaugeMetricFamily(figure.name, figure.help, labels=list(figure.labels))
    for labels, total in sums.items():
        family.add_metric(labels, float(total))
    return family


def _ranked(figure: Figure, rows: Sequence[Row]) -> Sequence[Row]:
    column = figure.capped_by
    if column is None:
        return rows
    return sorted(rows, key=lambda row: _number(row.get(column)) or Decimal(0), reverse=True)


def _as_other(figure: Figure, row: Row) -> Row:
    return {**row, **{column: OTHER for label, column in figure.labels.items() if label != _CURRENCY}}


def _labels(figure: Figure, row: Row) -> tuple[str, ...] | None:
    currency = figure.labels.get(_CURRENCY)
    if currency is not None and row.get(currency) is None:
        return None
    values = [row.get(column) for column in figure.labels.values()]
    return tuple(NOBODY if value is None else str(value) for value in values)


def _number(value: Cell) -> Decimal | None:
    return None if value is None else Decimal(str(value))
