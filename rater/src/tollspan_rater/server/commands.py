"""Executing commands: what each must look up before it is journaled, and what its receipt says.

A body in the journal is complete: applying it needs nothing but the body, so a rebuild gives the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.entries import NewCommand
from tollspan_rater.errors import NotFoundError
from tollspan_rater.extract import rule_file
from tollspan_rater.pipeline.ahead import NEW_RULES
from tollspan_rater.pipeline.correcting import CORRECTIONS
from tollspan_rater.pricing.book import load
from tollspan_rater.query.accounts import book_of, cost_book_of, cost_files, price_files
from tollspan_rater.query.care import quarantined_pieces
from tollspan_rater.query.commands import checked
from tollspan_rater.query.rater import Receipt
from tollspan_rater.query.supposed_prices import version_at
from tollspan_rater.server import exporting
from tollspan_rater.server.care import backup, rebuild, take_snapshot
from tollspan_rater.server.closing import close_period
from tollspan_rater.server.correcting import correct
from tollspan_rater.server.forgetting import forget
from tollspan_rater.server.rater import Rater
from tollspan_rater.server.reextracting import reextract
from tollspan_rater.server.revenue import import_revenue
from tollspan_rater.store import state

_KEPT: Final = ("segment", "phase", "currency", "zone", "anchor")


def execute(rater: Rater, kind: str, body: Mapping[str, Any], *, tenant: str, actor: str) -> Receipt:
    """Check a command, journal it, wait until it is applied.

    Raises:
        NotFoundError, UsageError: nothing was journaled.
    """
    read = checked(kind, body)
    return _EXECUTE[kind](rater, read, tenant, actor)


def _customer_set(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    return _customers(rater, [body], tenant, actor)


def _customer_import(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    return _customers(rater, body["customers"], tenant, actor)


def _customers(rater: Rater, bodies: list[dict[str, Any]], tenant: str, actor: str) -> Receipt:
    known = state.customers(rater.database.reader(), tenant)
    merged: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for body in bodies:
        name = body["customer"]
        before = merged.get(name) or _as_body(known.get(name))
        merged[name] = _merged(before, body)
        if "name" in body:
            names[name] = body["name"]
    if names:
        rater.names.remember(tenant, names, kind="customer")
    now = rater.clock.now_ns()
    position = rater.append(
        [NewCommand(now, tenant, actor, "customer.set", {"customer": name, **body}) for name, body in merged.items()]
    )
    given = {body["plan"] for body in bodies if "plan" in body}
    unknown = sorted(given - _plans_applied(rater, tenant)) if given else []
    told = {"no_such_plan_yet": unknown} if unknown else {}
    return Receipt(position, {"customers": sorted(merged), **told})


def _plans_applied(rater: Rater, tenant: str) -> set[str]:
    """Return the plans of the newest prices; a plan may be given before the prices that bring it."""
    versions = state.price_versions(rater.database.reader(), tenant)
    return set(book_of(tuple(sorted(versions[-1].files.items()))).plans) if versions else set()


def _as_body(customer: state.Customer | None) -> dict[str, Any]:
    if customer is None:
        return {"plans": []}
    body: dict[str, Any] = {key: value for key in _KEPT if (value := getattr(customer, key)) is not None}
    body["plans"] = [{"plan": plan} if day is None else {"plan": plan, "from": day} for day, plan in customer.plans]
    if customer.external_ids:
        body["external_ids"] = dict(customer.external_ids)
    if customer.addons:
        body["addons"] = [dict(one) for one in customer.addons]
    return body


def _merged(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    body = dict(before) | {key: said[key] for key in _KEPT if key in said}
    if "external_ids" in said:
        body["external_ids"] = {**before.get("external_ids", {}), **said["external_ids"]}
    if said.get("addons"):
        told = {(one["addon"], one.get("from")) for one in said["addons"]}
        others = [one for one in before.get("addons", []) if (one["addon"], one.get("from")) not in told]
        found = [*others, *said["addons"]]
        body["addons"] = sorted(found, key=lambda one: (one["addon"], one.get("from", "")))
    if body.get("anchor") == "":
        del body["anchor"]
    if "plan" in said:
        since = {"from": said["from"]} if "from" in said else {}
        others = [plan for plan in before.get("plans", []) if plan.get("from") != said.get("from")]
        body["plans"] = sorted([*others, {"plan": said["plan"], **since}], key=lambda plan: plan.get("from", ""))
    return body


def _pricing_apply(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    """Apply a folder, unless it says what holds from that day on already."""
    book = load(price_files(body["files"]))
    cost_book_of(cost_files(body["files"]))
    day = body.get("valid_from")
    since = 0 if day is None else _midnight(date.fromisoformat(day), rater.config.zone)
    said = {"version": book.version, "plans": sorted(book.plans), "cards": sorted(book.cards)}
    holding = version_at(state.price_versions(rater.database.reader(), tenant), since)
    if holding and holding.version == book.version and cost_files(holding.files) == cost_files(body["files"]):
        return Receipt(holding.position, {**said, "unchanged": True})
    applied = {
        "version": book.version,
        "valid_from_ns": since,
        "note": body.get("note", ""),
        "files": body["files"],
    }
    command = NewCommand(rater.clock.now_ns(), tenant, actor, "pricing.apply", applied)
    return Receipt(rater.append([command]), said)


def _meters_apply(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    rules = rule_file.load(body["name"], body["file"])
    applied = {
        "version": rules.version,
        "rules": rules.body(),
        "file": body["file"],
        "note": body.get("note", ""),
    }
    position = rater.append([NewCommand(rater.clock.now_ns(), tenant, actor, NEW_RULES, applied)])
    meters = sorted({rule.meter for rule in rules.rules})
    return Receipt(position, {"version": rules.version, "rules": len(rules.rules), "meters": meters})


def _midnight(day: date, zone: str) -> int:
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))


def _key_create(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    position = rater.append([NewCommand(rater.clock.now_ns(), tenant, actor, "key.create", body)])
    return Receipt(position, {"key_id": body["key_id"]})


def _key_revoke(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    known = {key.key_id: key for key in state.keys(rater.database.reader(), tenant)}
    key = known.get(body["key_id"])
    if key is None:
        raise NotFoundError("key", body["key_id"], "tollspan keys list shows them.")
    revoked = {
        "key_id": key.key_id,
        "hash": key.hash,
        "scopes": list(key.scopes),
        "label": key.label,
        "customer": key.customer,
        "revoked": True,
    }
    position = rater.append([NewCommand(rater.clock.now_ns(), tenant, actor, "key.revoke", revoked)])
    return Receipt(position, {"key_id": key.key_id})


def _replay(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    connection = rater.database.reader()
    pieces = quarantined_pieces(connection, tenant, name=body.get("id"), reason=body.get("reason"))
    if not pieces:
        raise NotFoundError("piece in quarantine", body.get("id") or body.get("reason") or "at all", "Nothing to do.")
    command = NewCommand(rater.clock.now_ns(), tenant, actor, "quarantine.replay", {"pieces": pieces})
    position = rater.append([command])
    still = set(quarantined_pieces(connection, tenant, name=None, reason=None))
    return Receipt(position, {"replayed": len(pieces), "still_quarantined": len(still.intersection(pieces))})


_EXECUTE: Final[Mapping[str, Callable[[Rater, dict[str, Any], str, str], Receipt]]] = {
    "customer.set": _customer_set,
    "customer.import": _customer_import,
    "pricing.apply": _pricing_apply,
    "revenue.import": import_revenue,
    "meters.apply": _meters_apply,
    "key.create": _key_create,
    "key.revoke": _key_revoke,
    "quarantine.replay": _replay,
    "reextract": reextract,
    "period.close": close_period,
    **{kind: correct(kind) for kind in CORRECTIONS},
    "export.plan": exporting.plan,
    "export.run": exporting.run,
    "export.retry": exporting.retry,
    "export.pause": exporting.switch(paused=True),
    "export.resume": exporting.switch(paused=False),
    "forget": forget,
    "rebuild": rebuild,
    "snapshot": take_snapshot,
    "backup": backup,
}
