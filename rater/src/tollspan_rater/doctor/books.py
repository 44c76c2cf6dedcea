"""What the rater's own answers show of a set-up: keys, prices, customers, clocks, quarantine, the audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from tollspan_rater.api.keys import key_id_of
from tollspan_rater.config.model import is_loopback
from tollspan_rater.doctor.finding import Finding, ok, problem, unknown, warning
from tollspan_rater.doctor.setup import Setup
from tollspan_rater.domain.clock import from_ns
from tollspan_rater.query.answer import Answer, Cell

NOT_ASKED: Final = "no rater answers, for there is no data yet"
AHEAD: Final = timedelta(seconds=5)
SHARE: Final = Decimal("0.01")
MOST: Final = "1000"  # pieces in quarantine that are looked at
OURS: Final = frozenset({"fault"})


def keys(setup: Setup) -> Iterator[Finding]:
    """Look whether senders and readers can have what they need, and whether a given key is good."""
    answer = setup.ask("keys.list")
    if answer is None:
        yield unknown(NOT_ASKED)
        return
    valid = {str(row["key_id"]): _names(row["scopes"]) for row in answer.rows if not row["revoked"]}
    needed = setup.resolved.config.auth.required or bool(valid)
    mutual = setup.resolved.config.tls.client_ca_file is not None
    if any("ingest" in scopes for scopes in valid.values()):
        yield ok(f"{len(valid)} valid keys, {sum('ingest' in scopes for scopes in valid.values())} of them for senders")
    elif needed:
        yield problem("senders need a key, and none has scope ingest", "tollspan keys create --scope ingest")
    elif mutual or is_loopback(setup.resolved.config.listen.http):
        yield ok("no keys: senders need none until the first one is made")
    if setup.key is not None:
        yield _given(setup.key, valid, {str(row["key_id"]) for row in answer.rows})


def _given(key: str, valid: dict[str, list[str]], known: set[str]) -> Finding:
    key_id = key_id_of(key.strip())
    if key_id is None:
        return problem("the given file holds no key", "Put a key into it: tollspan keys create --scope ingest")
    if key_id not in known:
        return problem(f"key {key_id} is not known to this tenant", "tollspan keys list shows those that are.")
    if key_id not in valid:
        return problem(f"key {key_id} was revoked", "Make another: tollspan keys create --scope ingest")
    if "ingest" not in valid[key_id]:
        return problem(f"key {key_id} has not the scope ingest", "tollspan keys create --scope ingest")
    return ok(f"key {key_id} is valid for senders")


def prices(setup: Setup) -> Iterator[Finding]:
    """Look whether prices are applied, and what of this month has none."""
    applied, usage = setup.ask("pricing.show"), _this_month(setup)
    if applied is None or usage is None:
        yield unknown(NOT_ASKED)
        return
    if not applied.rows:
        yield problem("no prices are applied: nothing can be charged", "tollspan pricing apply DIR")
    else:
        newest = max(applied.rows, key=lambda row: int(str(row["position"])))
        yield ok(f"prices are applied, the newest as {newest['version']} on {newest['recorded_at']}")
    calls = _total(usage, "calls")
    for column, what, remedy in (
        ("unpriced", "have no price", "tollspan usage --unpriced --by customer,model says which"),
        ("unknown_cost", "have no known provider cost", "Give the rate in the pricing folder's costs."),
    ):
        count = _total(usage, column)
        if count:
            yield warning(f"{count} of {calls} calls of this month {what}", remedy)
    yield from () if _total(usage, "unpriced") else (ok(f"all {calls} calls of this month have a price"),)


def attribution(setup: Setup) -> Iterator[Finding]:
    """Look how much of this month names no customer."""
    usage, nobodys = _this_month(setup), _this_month(setup, unattributed="true")
    if usage is None or nobodys is None:
        yield unknown(NOT_ASKED)
        return
    calls, without = _total(usage, "calls"), _total(nobodys, "calls")
    said = f"{without} of {calls} calls of this month name no customer"
    if calls and Decimal(without) / calls >= SHARE:
        yield warning(said, "tollspan usage --unattributed --by model,feature; then say for whom in the application.")
    else:
        yield ok(said)


def quarantine(setup: Setup) -> Iterator[Finding]:
    """Look for spans that could not be read."""
    answer = setup.ask("quarantine.list", {"limit": [MOST]})
    if answer is None:
        yield unknown(NOT_ASKED)
        return
    reasons = Counter(str(row["reason"]) for row in answer.rows)
    said = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    if OURS & set(reasons):
        yield problem(f"in quarantine: {said}", "Report the fault; tollspan quarantine replay --reason fault later.")
    elif reasons:
        yield warning(f"in quarantine: {said}", "tollspan quarantine list shows them; then correct the sender.")
    else:
        yield ok("nothing is in quarantine")


def clocks(setup: Setup) -> Iterator[Finding]:
    """Look for spans from the future, and for a Collector whose clock says another time."""
    now = from_ns(setup.now_ns)
    ahead = setup.ask("calls", {"from": [(now + AHEAD).isoformat()]})
    future = setup.ask("quarantine.list", {"reason": ["future"], "limit": [MOST]})
    if ahead is not None and future is not None:
        customers = sorted({str(row["customer"]) for row in ahead.rows})
        if ahead.rows or future.rows:
            yield warning(
                f"{len(ahead.rows)} calls begin in the future{': ' if customers else ''}{', '.join(customers)}; "
                f"{len(future.rows)} spans are in quarantine for it",
                "Set the clocks of these senders (NTP), then tollspan quarantine replay --reason future",
            )
        else:
            yield ok("no call begins in the future")
    shown = setup.probe.get(setup.collector.health).date
    if shown is not None:
        apart = abs(shown - now)
        said = f"the Collector's clock and this one are {apart.total_seconds():.0f} s apart"
        yield ok(said) if apart <= AHEAD else warning(said, "Set both clocks (NTP).")


def audit(setup: Setup) -> Iterator[Finding]:
    """Look whether the equations hold."""
    answer = setup.ask("audit")
    if answer is None:
        yield unknown(NOT_ASKED)
        return
    broken = [str(row["equation"]) for row in answer.rows if not row["holds"]]
    if broken:
        yield problem(f"does not hold: {'; '.join(broken)}", "tollspan audit --full; docs/concepts/audit.md")
    else:
        yield ok(f"all {len(answer.rows)} equations hold")


def _this_month(setup: Setup, **more: str) -> Answer | None:
    month = f"{from_ns(setup.now_ns).astimezone(ZoneInfo(setup.resolved.config.zone)):%Y-%m}-01"
    return setup.ask("usage", {"from": [month], **{name: [value] for name, value in more.items()}})


def _total(answer: Answer, column: str) -> int:
    return sum(int(str(row.get(column) or 0)) for row in answer.rows)


def _names(cell: Cell) -> list[str]:
    return [str(name) for name in cell] if isinstance(cell, Sequence) and not isinstance(cell, str) else []
