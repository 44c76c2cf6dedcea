"""What a command says of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.domain.correction import Correction, CorrectionKind
from tollspan_rater.domain.entries import Command

CORRECTIONS: Final[Mapping[str, CorrectionKind]] = {
    "call.void": "void",
    "call.amend": "amend",
    "call.reattribute": "reattribute",
    "call.restore": "restore",
}


def corrections_in(command: Command) -> list[Correction]:
    """Return the corrections that a command brings; none for a command of another kind.

    The body names each call with the spans that it had, so that it can be applied wherever these spans are.
    """
    kind = CORRECTIONS.get(command.kind)
    if kind is None:
        return []
    body = command.body
    return [
        Correction(
            tenant=command.tenant,
            correction=body["correction"],
            call_id=said["call"],
            position=command.position,
            at_ns=command.at_ns,
            actor=command.actor,
            kind=kind,
            note=body["note"],
            as_of=body["as_of"],
            meter=said.get("meter"),
            members=tuple(said["members"]),
            changes=said.get("changes", {}),
            undoes=said.get("undoes"),
            wish=body["wish"],
            calls=body["calls_in_all"],
        )
        for said in body["calls"]
    ]
