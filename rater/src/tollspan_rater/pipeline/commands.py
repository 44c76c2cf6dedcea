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


def _export_plan(command: Command, changes: Changes) -> None:
    """Add the items as they were frozen, and what says that other items are given up for them."""
    body = command.body
    for number, item in enumerate(body["items"]):
        draft = item["draft"]
        told = (draft.get(name) for name in ("quantity", "amount", "currency"))
        changes.add(
            "export_items",
            (command.tenant, body["export"], item["item_id"], command.position, _place(command, number),
             command.at_ns, body["target"], draft["source"], draft["customer"], draft["component"], draft["ordinal"],
             draft["meter"], draft["period"], draft["service"]["start_ns"], draft["service"]["end_ns"],
             item["stamp_ns"], *told, _json(draft), _json(item["element"])),
        )  # fmt: skip
    _export_facts(command, changes)


def _export_facts(command: Command, changes: Changes) -> None:
    body = command.body
    for number, fact in enumerate(body["facts"]):
        said = {name: value for name, value in fact.items() if name not in {"item_id", "kind", "at_ns"}}
        changes.add(
            "export_facts",
            (command.tenant, body["export"], fact["item_id"], command.position, _place(command, number),
             fact["at_ns"], command.actor, fact["kind"], _json(said)),
        )  # fmt: skip


def _export_switch(command: Command, changes: Changes) -> None:
    body = command.body
    place = (command.tenant, body["export"], command.position, command.at_ns, command.actor)
    changes.add("export_switches", (*place, body["paused"], body.get("note", "")))


def _place(command: Command, number: int) -> int:
    """Return where the rows of a command stand among those of all commands."""
    return command.position * ROWS_OF_A_COMMAND + number


def _noted(_command: Command, _changes: Changes) -> None:
    """Nothing but its place in the journal."""


ROWS_OF_A_COMMAND: Final = 100_000
CLOSE: Final = "period.close"
EXPORT_PLAN: Final = "export.plan"
EXPORT_FACTS: Final = "export.facts"
EXPORT_SWITCH: Final = "export.switch"
APPLY: Final[Mapping[str, Callable[[Command, Changes], None]]] = {
    "customer.set": _customer_set,
    "pricing.apply": _pricing_apply,
    "revenue.import": _revenue_import,
    "key.create": _key_set,
    "key.revoke": _key_set,
    "forget": _forget,
    CLOSE: _period_close,
    EXPORT_PLAN: _export_plan,
    EXPORT_FACTS: _export_facts,
    EXPORT_SWITCH: _export_switch,
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
