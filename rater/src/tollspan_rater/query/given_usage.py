"""Usage that somebody wrote down, as calls in a store in memory, so that prices can be tried before any span came."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from tollspan_rater.domain.call import Call
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS, TOKEN_FIELDS, Usage
from tollspan_rater.errors import UsageError
from tollspan_rater.pricing.period import period
from tollspan_rater.pricing.tree import KNOWN_METERS
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.question import nearest
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.simulation import Scenario, scenarios, simulated
from tollspan_rater.query.supposed_prices import book, supposed
from tollspan_rater.store.legs import leg
from tollspan_rater.store.tables import table

TENANT: Final = "given"
EVERYONE: Final = "everyone"  # the customer of rows that name none
MAX_CALLS: Final = 5_000_000
OWN_COLUMNS: Final = ("customer", "plan", "at", "calls", "provider", "model", "operation", "service_tier", "outcome")
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SAFELY_INSIDE_NS: Final = 36 * 3600 * 10**9  # after midnight in UTC it is the second day or so in every zone
_EXPANDED: Final = """
    INSERT INTO legs BY NAME
    SELECT * EXCLUDE (calls, number) REPLACE (call_id || '_' || number AS call_id)
    FROM (SELECT *, unnest(range(calls)) AS number FROM given_rows)
"""

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Given:
    """One row: a call or unit measure, how many of it there are, and the plan that its customer has."""

    call: Call
    calls: int
    plan: str | None


def simulate_given(
    rows: Sequence[tuple[str, Row]],
    folders: Mapping[str, Mapping[str, str]],
    plans: Sequence[str],
    *,
    now_ns: int,
    label: str | None = None,
    top: int | None = None,
) -> Answer:
    """Rate rows of usage under each folder, the first one being what the others are held against.

    ``rows`` come with their place for messages. What has no time lies in the period ``label``, else in the running
    one. Customers have the plan of their rows, else the only plan of a folder.

    Raises:
        UsageError: a row cannot be read; names its place. Or it is not clear which plan holds.
        PricingError, NotFoundError: as of a simulation on past usage.
    """
    books = [book(supposed(TENANT, files)) for files in folders.values()]
    meters = {*KNOWN_METERS, *(meter for one in books for card in one.cards.values() for meter in card.meters)}
    at_ns = now_ns if label is None else period(label, "UTC").start_ns + _SAFELY_INSIDE_NS
    given = [one for place, row in rows for one in _read(place, row, meters, at_ns)]
    if sum(one.calls for one in given) > MAX_CALLS:
        raise UsageError(f"more than {MAX_CALLS:,} calls are too many to try: give a part of them")
    with _stored(given, now_ns) as scope:
        known = list(_scenarios(scope, folders, plans, planned=all(one.plan for one in given)))
        answer = simulated(known, list(_periods(known[0].scope.accounts, given, label)), top)
    return replace(answer, title="Simulation on given usage")


def _scenarios(
    scope: Scope, folders: Mapping[str, Mapping[str, str]], plans: Sequence[str], *, planned: bool
) -> Iterator[Scenario]:
    """Yield the scenarios; where neither the rows nor the caller say a plan, a folder's only one holds."""
    if plans or planned:
        yield from scenarios(scope, folders, plans)
        return
    for name, files in folders.items():
        there = sorted(book(supposed(TENANT, files)).plans)
        if len(there) != 1:
            known = ", ".join(there) or "none"
            raise UsageError(f"which plan holds? Give --plan, or a column plan in every row; {name} has: {known}")
        [one] = scenarios(scope, {name: files}, there)
        yield Scenario(name, one.scope)


def _periods(accounts: Accounts, given: Sequence[Given], label: str | None) -> Iterator[tuple[str, Any]]:
    """Yield each customer's periods that have usage, or the one asked for."""
    times: dict[str, list[int]] = {}
    for one in given:
        times.setdefault(str(one.call.customer), []).append(one.call.started_ns)
    for name in sorted(times):
        if label is not None:
            yield name, accounts.period(name, label)
        else:
            yield from ((name, each) for each in accounts.periods(name, min(times[name]), max(times[name])))


def _read(place: str, row: Row, meters: Collection[str], at_ns: int) -> Iterator[Given]:
    """Read a row: one call with its tokens and units, or a unit measure for each meter."""
    quantities = {name: _quantity(place, name, row[name]) for name in row if name in meters}
    known = {*OWN_COLUMNS, *ATTRIBUTION_FIELDS, *meters}
    for name in row:
        if name not in known and not name.startswith("tags."):
            raise UsageError(f"{place}: {name!r} is neither a meter nor a column{nearest(name, sorted(known))}")
    if not quantities:
        raise UsageError(f"{place}: nothing was used: give a quantity of a meter, for example input")
    calls = _whole(place, "calls", row.get("calls", "1"))
    call = _call(place, row, at_ns)
    tokens = {name: _whole(place, name, row[name]) for name in TOKEN_FIELDS if name in row}
    if tokens or "model" in row:
        units = {name: quantity for name, quantity in quantities.items() if name not in tokens}
        yield Given(replace(call, kind="call", usage=Usage(**tokens, units=units)), calls, row.get("plan"))
        return
    for meter, quantity in quantities.items():
        yield Given(replace(call, kind="unit", meter=meter, quantity=quantity), calls, row.get("plan"))


def _call(place: str, row: Row, at_ns: int) -> Call:
    started_ns = at_ns if "at" not in row else _instant(place, row["at"])
    billable = {"true": True, "false": False}.get(row.get("billable", ""))
    said = set(ATTRIBUTION_FIELDS) - {"billable", "customer"}
    texts: dict[str, Any] = {name: row.get(name) for name in said}
    tags = tuple(sorted((name.removeprefix("tags."), text) for name, text in row.items() if name.startswith("tags.")))
    nothing: dict[str, Any] = dict.fromkeys(
        ("request_model", "response_id", "record_id", "attempt", "retry_of", "stream", "ttft_ms", "meter", "quantity",
         "reported_cost")
    )  # fmt: skip
    return Call(
        **nothing, **texts, tenant=TENANT, call_id=f"c_{place}", kind="", started_ns=started_ns, ended_ns=started_ns,
        members=(":",), trace_ids=(), evidence="", dialect="given", provider=row.get("provider"),
        model=row.get("model"), operation=row.get("operation", "chat"), outcome=row.get("outcome", "complete"),
        quality="exact", service_tier=row.get("service_tier"), usage=Usage(), billable=billable, tags=tags,
        customer=row.get("customer", EVERYONE),
    )  # fmt: skip


def _quantity(place: str, name: str, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise UsageError(f"{place}: {name} is {text!r}, which is no quantity; write digits, for example 1200 or 0.5")
    return Decimal(text)


def _whole(place: str, name: str, text: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise UsageError(f"{place}: {name} is {text!r}, which is no whole number")
    return int(text)


def _instant(place: str, text: str) -> int:
    """Return an instant; a day alone is its noon, UTC where no zone is given."""
    try:
        at = datetime.fromisoformat(f"{text}T12:00:00" if _DAY.fullmatch(text) else text)
    except ValueError as error:
        raise UsageError(f"{place}: at is {text!r}, which is no day; write for example 2026-11-01") from error
    return to_ns(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


class _Nobody:
    """The names of people: given usage has none."""

    def subject_id(self, _tenant: str, name: str, /) -> str:
        """Return what was given."""
        return name

    def name_of(self, _tenant: str, _ids: Iterable[str], /, kind: str = "user") -> dict[str, str]:
        """Know nobody."""
        del kind
        return {}


@contextmanager
def _stored(given: Sequence[Given], now_ns: int) -> Iterator[Scope]:
    """Give a scope on a store in memory that holds the calls and their customers."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(resources.files("tollspan_rater.store").joinpath("schema.sql").read_text())
        rows = table("legs", [leg(one.call, position=1, revision=1) for one in given])
        counted = rows.append_column("calls", pa.array([one.calls for one in given], pa.int64()))
        connection.register("given_rows", counted)
        connection.execute(_EXPANDED)
        for name, plan in _plans(given).items():
            body = {} if plan is None else {"plans": [{"plan": plan}]}
            connection.execute(
                "INSERT INTO customers VALUES (?, ?, 1, ?, ?)", [TENANT, name, now_ns, orjson.dumps(body).decode()]
            )
        yield Scope(connection, Accounts(connection, TENANT, "UTC"), 0, "UTC", _Nobody(), now_ns)


def _plans(given: Sequence[Given]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for one in given:
        name = str(one.call.customer)
        if found.setdefault(name, one.plan) != one.plan:
            raise UsageError(f"customer {name!r} has the plans {found[name]} and {one.plan}: give one in all its rows")
    return found
