"""One demo invoice, always the same: what a month of one customer hands over, and a correction in the month after."""

from __future__ import annotations

from decimal import Decimal

from tests.export.book import MemoryBook
from tests.export.case import Case
from tests.export.faults import item
from tests.export.network import Network
from tests.export.simulators.simulator import Call
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.draft import Draft, Service
from tollspan_rater.export.exporter import Exporter
from tollspan_rater.export.pace import Pace
from tollspan_rater.export.step import recent
from tollspan_rater.export.target import Target

SECOND = 1_000_000_000
HOUR_NS = 3600 * SECOND
NOON_NS = 1_796_040_000 * SECOND  # 2026-11-30T12:00:00Z
MONTH = Service("2026-11", "UTC", 1_793_491_200 * SECOND, 1_796_083_200 * SECOND)
DAY = Service("2026-11-30", "UTC", 1_795_996_800 * SECOND, 1_796_083_200 * SECOND)
HOUR = Service("2026-11-30T10", "UTC", NOON_NS - 2 * HOUR_NS, NOON_NS - HOUR_NS)
LATER = Service("2026-11-30T11", "UTC", NOON_NS - HOUR_NS, NOON_NS)


def _line(number: int, meter: str, description: str, amount: str, quantity: str | None = None, **said: str) -> Draft:
    return Draft(
        source="amount",
        customer="acme",
        component=f"line-{number}",
        ordinal=0,
        service=MONTH,
        meter=meter,
        description=description,
        quantity=None if quantity is None else Decimal(quantity),
        amount=Decimal(amount),
        amount_exact=Decimal(amount),
        currency="USD",
        kind=said.get("kind", "usage"),
        unit_price=Decimal(said["unit_price"]) if "unit_price" in said else None,
        plan="pro",
        price_version="pro@3",
        corrects=said.get("corrects"),
        period=said.get("period", "2026-11"),
    )


def _usage(meter: str, service: Service, quantity: str, ordinal: int = 0, corrects: str | None = None) -> Draft:
    return Draft(
        source="usage",
        customer="acme",
        component=f"acme/{meter}/{service.label}",
        ordinal=ordinal,
        service=service,
        meter=meter,
        description=f"{meter} tokens",
        quantity=Decimal(quantity),
        corrects=corrects,
        period="2026-11",
    )


AMOUNTS = (
    _line(1, "input", "Input tokens, gpt-5", "12.35", "4938271", unit_price="0.0000025"),
    _line(2, "output", "Output tokens, gpt-5: “reasoning” & answer", "8.07", "403500.5", unit_price="0.00002"),
    _line(3, "base_fee", "Base fee", "49.00", kind="base_fee"),
    _line(4, "minimum", "Minimum commitment", "0.58", kind="minimum"),
    _line(5, "input", "Late usage of 2026-11", "0.02", "8000", kind="adjustment", corrects="line-1", period="2026-12"),
    _line(
        6,
        "output",
        "Voided calls of 2026-11",
        "-1.11",
        "-55500",
        kind="adjustment",
        corrects="line-2",
        period="2026-12",
    ),
)
USAGE = (
    _usage("input", HOUR, "4938271"),
    _usage("output", HOUR, "403500"),
    _usage("input", LATER, "8000"),
    _usage("output", LATER, "1200"),
)
CORRECTION = _usage("output", HOUR, "-500", ordinal=1, corrects="the item before it")


def drafts(target: Target) -> tuple[Draft, ...]:
    """Return what of the invoice a target takes."""
    if target.contract.takes == "amount":
        sent = target.contract.negative == "sent"
        return tuple(one for one in AMOUNTS if sent or (one.amount or 0) >= 0)
    return (*USAGE, CORRECTION) if target.contract.negative == "sent" and not target.contract.once else USAGE


def handed_over(case: Case) -> list[Call]:
    """Hand the invoice over to a target's simulator and return every request."""
    clock = FixedClock(NOON_NS)
    network = Network(case.simulator(clock), clock)
    target = case.target(network, clock)
    book = MemoryBook()
    book.plan([item(case, target, one, place, _stamp_ns(target, one)) for place, one in enumerate(drafts(target))])
    figures = Exporter(book, target, clock, Pace(None, clock, lambda _seconds: None)).run()
    assert figures.accepted == len(book.items), figures
    return network.calls


def requests(case: Case) -> str:
    """Write down every request of the invoice, without what the HTTP library adds."""
    return "\n\n".join(map(_written, handed_over(case))) + "\n"


def _written(call: Call) -> str:
    own = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
    headers = (f"{name}: {value}" for name, value in sorted(call.headers.items()) if name not in own)
    body = call.body.decode()
    form = call.headers.get("content-type") == "application/x-www-form-urlencoded"
    return "\n".join([f"{call.method} {call.url}", *headers, "", body.replace("&", "\n&") if form else body])


def _stamp_ns(target: Target, draft: Draft) -> int | None:
    """Return now for what the target would not take at its own time any more."""
    return None if recent(draft.service.start_ns, target.contract, NOON_NS) else NOON_NS
