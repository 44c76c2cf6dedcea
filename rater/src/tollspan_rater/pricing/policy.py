"""Which usage is charged and which counts toward quotas: a table that every plan has and may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tollspan import semconv
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.reading import Reading


class Reason(StrEnum):
    """Why usage is, or is not, on the invoice and counted toward quotas. The list is closed."""

    BILLABLE = "billable"
    INCLUDED = "included"
    TRIAL = "trial"
    PROMOTIONAL = "promotional"
    INTERNAL = "internal"
    TEST = "test"
    DEMO = "demo"
    QA = "qa"
    DEVELOPMENT = "development"
    ADMIN = "admin"
    FAILED = "failed"
    RETRIED = "retried"
    OPERATOR = "operator"
    ESTIMATED = "estimated"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a rule of the policy says about the usage that it catches."""

    on_invoice: bool
    counts_toward_quota: bool
    reason: Reason


BILLABLE: Final = Treatment(on_invoice=True, counts_toward_quota=True, reason=Reason.BILLABLE)


def _aside(reason: Reason, *, quota: bool = False) -> Treatment:
    return Treatment(on_invoice=False, counts_toward_quota=quota, reason=reason)


ENVIRONMENTS: Final[dict[str, Treatment]] = {
    "test": _aside(Reason.TEST),
    "testing": _aside(Reason.TEST),
    "demo": _aside(Reason.DEMO),
    "qa": _aside(Reason.QA),
    "staging": _aside(Reason.QA),
    "development": _aside(Reason.DEVELOPMENT),
    "dev": _aside(Reason.DEVELOPMENT),
    "internal": _aside(Reason.INTERNAL),
    "admin": _aside(Reason.ADMIN),
}
PHASES: Final[dict[str, Treatment]] = {
    "trial": _aside(Reason.TRIAL, quota=True),
    "promotional": _aside(Reason.PROMOTIONAL),
    "internal": _aside(Reason.INTERNAL),
    "demo": _aside(Reason.DEMO),
    "admin": _aside(Reason.ADMIN),
}
QUALITY: Final[dict[str, Treatment]] = {"estimated": _aside(Reason.ESTIMATED, quota=True)}
FAILED: Final = _aside(Reason.FAILED)
RETRIED: Final = _aside(Reason.RETRIED)
OPERATOR: Final = _aside(Reason.OPERATOR)

ATTEMPTS: Final = ("success_only", "all", "none")
POLICY_KEYS: Final = ("attempts", "environment", "phase", "outcome", "quality")
TREATMENT_KEYS: Final = ("on_invoice", "counts_toward_quota", "reason")


@dataclass(frozen=True, slots=True)
class Policy:
    """A plan's table of treatments, by lower-case environment, account phase, outcome and quality of the usage.

    ``attempts`` decides on attempts that no rule for their outcome catches: ``success_only`` charges those
    that completed, ``all`` charges failed, aborted and retried ones as well, ``none`` charges no attempt of
    a logical call that needed more than one.
    """

    attempts: str = "success_only"
    environment: Mapping[str, Treatment] = field(default_factory=lambda: dict(ENVIRONMENTS))
    phase: Mapping[str, Treatment] = field(default_factory=lambda: dict(PHASES))
    outcome: Mapping[str, Treatment] = field(default_factory=dict)
    quality: Mapping[str, Treatment] = field(default_factory=lambda: dict(QUALITY))


def read_policy(node: Node | None, reading: Reading) -> Policy:
    """Read a plan's policy over the defaults; a rule replaces the default of the same name."""
    table = reading.table(node, "policy") if node is not None else None
    if table is None:
        return Policy()
    reading.only(table, POLICY_KEYS, "a policy")
    return Policy(
        attempts=reading.choice(table.entries.get("attempts"), "attempts", ATTEMPTS, "success_only"),
        environment={**ENVIRONMENTS, **_read_rules(table.entries.get("environment"), "environment", reading)},
        phase={**PHASES, **_read_rules(table.entries.get("phase"), "phase", reading)},
        outcome=_read_known(table, "outcome", semconv.OUTCOMES, reading),
        quality={**QUALITY, **_read_known(table, "quality", semconv.QUALITIES, reading)},
    )


def _read_known(table: Table, what: str, known: Sequence[str], reading: Reading) -> dict[str, Treatment]:
    """Read rules whose names are a closed list."""
    node = table.entries.get(what)
    rules = _read_rules(node, what, reading)
    for name in sorted(set(rules) - set(known)):
        reading.wrong(node or table, f"there is no {what} {name!r}", f"Write one of: {', '.join(known)}")
    return rules


def _read_rules(node: Node | None, what: str, reading: Reading) -> dict[str, Treatment]:
    table = reading.table(node, what) if node is not None else None
    if table is None:
        return {}
    rules = {name.lower(): _read_treatment(rule, name, reading) for name, rule in table.entries.items()}
    return {name: rule for name, rule in rules.items() if rule is not None}


def _read_treatment(node: Node, name: str, reading: Reading) -> Treatment | None:
    table = reading.table(node, f"the rule for {name}")
    if table is None:
        return None
    reading.only(table, TREATMENT_KEYS, f"the rule for {name}")
    missing = [key for key in TREATMENT_KEYS if key not in table.entries]
    if missing:
        remedy = "Write {on_invoice: no, counts_toward_quota: no, reason: internal}"
        reading.wrong(table, f"the rule for {name} lacks {', '.join(missing)}", remedy)
        return None
    on_invoice = reading.yes_no(table.entries["on_invoice"], "on_invoice")
    quota = reading.yes_no(table.entries["counts_toward_quota"], "counts_toward_quota")
    reason = reading.choice(table.entries["reason"], "reason", list(Reason), Reason.INTERNAL)
    if on_invoice is None or quota is None:
        return None
    return Treatment(on_invoice, quota, Reason(reason))
