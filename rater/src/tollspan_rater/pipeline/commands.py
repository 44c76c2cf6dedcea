"""Applying commands: each kind's row in the state tables. Their bodies are complete when they are journaled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from tollspan_rater.domain.entries import Command
from tollspan_rater.pipeline.ahead import NEW_RULES
from tollspan_rater.pipeline.changes import Changes
from tollspan_rater.pipeline.correcting import CORRECTIONS
from tollspan_rater.pipeline.rereading import REEXTRACT


def _customer_set(command: Command, changes: Changes) -> None:
    body = {key: value for key, value in command.body.items() if key not in {"customer", "name"}}
    changes.add(
        "customers",
        (command.tenant, command.body["customer"], command.position, command.at_ns, _json(body)),
    )


def _pricing_apply(command: Command, changes: Changes) -> None:
    body = command.body
    changes.add(
        "price_versions",
        (command.tenant, body["version"], command.position, command.at_ns, body["valid_from_ns"],
         command.actor, body.get("note", ""), _json(body["files"])),
    )  # fmt: skip


def _meters_apply(command: Command, changes: Changes) -> None:
    body = command.body
    changes.add(
        "span_rules",
        (command.tenant, body["version"], command.position, command.at_ns, command.actor, body.get("note", ""),
         _json({"file": body["file"], "rules": body["rules"]})),
    )  # fmt: skip


def _revenue_import(command: Command, changes: Changes) -> None:
    for entry in command.body["entries"]:
        known = (entry[name] for name in ("customer", "day", "amount", "currency"))
        changes.add(
            "imported_revenue",
            (command.tenant, entry["id"], command.position, command.at_ns, *known, entry.get("note", "")),
        )


def _key_set(command: Command, changes: Changes) -> None:
    body = {key: value for key, value in command.body.items() if key != "key_id"}
    changes.add("keys", (command.tenant, command.body["key_id"], command.position, command.at_ns, _json(body)))


def _forget(command: Command, changes: Changes) -> None:
    changes.add("forgotten", (command.tenant, command.body["subject"], command.position))


def _period_close(command: Command, changes: Changes) -> None:
    """Add the statement and its postings as they were journaled: nothing is computed again."""
    statement, tenant, position = command.body["statement"], command.tenant, command.position
    customer, period = statement["customer"], statement["bill"]["period"]
    changes.add(
        "statements",
        (tenant, customer, period["label"], period["zone"], period["start_ns"], period["end_ns"],
         period["cycle_ns"], position, command.at_ns, command.actor, statement["cutoff"], statement["release"],
         command.body["digest"], _json(statement)),
    )  # fmt: skip
    for leg in statement["postings"]:
        changes.add(
            "postings",
            (tenant, customer, period["label"], position, leg["line_id"], leg["account"], leg["currency"],
             leg["amount"]),
        )  # fmt: skip


def _noted(_command: Command, _changes: Changes) -> None:
    """Nothing but its place in the journal."""


CLOSE: Final = "period.close"
APPLY: Final[Mapping[str, Callable[[Command, Changes], None]]] = {
    "customer.set": _customer_set,
    "pricing.apply": _pricing_apply,
    "revenue.import": _revenue_import,
    "key.create": _key_set,
    "key.revoke": _key_set,
    "forget": _forget,
    CLOSE: _period_close,
    "config.set": _noted,
    NEW_RULES: _meters_apply,
}
REPLAY: Final = "quarantine.replay"
KINDS: Final = frozenset(APPLY) | CORRECTIONS.keys() | {REPLAY, REEXTRACT}


def apply_command(command: Command, changes: Changes) -> None:
    """Add the rows that a command causes; a kind of a newer release only keeps its place.

    Raises:
        KeyError: for a body that lacks what its kind needs; refused before it is journaled.
    """
    APPLY.get(command.kind, _noted)(command, changes)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
