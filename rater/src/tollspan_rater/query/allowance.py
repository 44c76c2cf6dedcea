"""What is left of each customer's allowances: limit, used, remaining, over, and when they start anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tollspan_rater.credit.allowance import left_of
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.bill import heard_of, with_usage_or_plan
from tollspan_rater.query.books import Bill, Books
from tollspan_rater.query.grouping import share
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.tabulate import Row
from tollspan_rater.query.wording import instant, plain

COLUMNS: Final = (
    "customer", "period", "plan", "meter", "limit", "added", "rolled_over", "used", "used_percent", "remaining",
    "over", "resets_at",
)  # fmt: skip


def allowance(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: one row for each allowance of a customer's period, or of all customers.

    ``limit`` holds what add-ons ``added`` and what was ``rolled_over`` from earlier periods. Used is what counts
    toward quotas, on the invoice or not.

    Raises:
        NotFoundError: nobody has heard of the customer.
    """
    name = params.get("customer")
    if name is not None and not heard_of(scope, name):
        raise NotFoundError("customer", name, "tollspan customers list and tollspan usage show who there is.")
    books = Books(scope, name)
    label = params.get("period")
    bills = books.within(with_usage_or_plan(scope), label) if name is None else [books.labelled(name, label)]
    rows = [row for bill in bills for row in _rows(bill)]
    notes = [] if rows else ["no plan of these customers includes anything in this period"]
    zone = scope.zone if name is None else scope.accounts.zone(name)
    return Answer("Allowances", COLUMNS, rows, scope.as_of, zone, notes)


def _rows(bill: Bill) -> Iterator[Row]:
    period = bill.rated.period
    for use in bill.rated.allowances:
        left = left_of(use.plan, use.meter, use.limit, use.used, period)
        yield {
            "customer": bill.customer,
            "period": period.label,
            "plan": left.plan,
            "meter": left.meter,
            "limit": plain(left.limit),
            "added": plain(use.added),
            "rolled_over": plain(use.carried),
            "used": plain(left.used),
            "used_percent": share(left.used, left.limit),
            "remaining": plain(left.remaining),
            "over": plain(left.over),
            "resets_at": instant(left.resets_at_ns),
        }
