"""The two decisions on every unit of usage: is it on the invoice, does it count toward quotas."""

from __future__ import annotations

from dataclasses import dataclass

from tollspan_rater.pricing.policy import BILLABLE, FAILED, OPERATOR, RETRIED, Policy, Reason, Treatment

DONE = ("complete", "cache_hit")  # outcomes of an attempt that gave what was asked for

Decision = Treatment

__all__ = ["CallFacts", "Decision", "Reason", "decide"]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the decisions depend on.

    ``environment`` and ``phase`` are ``None`` when nobody said: production, an ordinary account.
    ``billable`` is what the application stated. ``attempt`` counts from 1; ``retried`` says that another
    attempt of the same logical call came later.
    """

    environment: str | None = None
    phase: str | None = None
    outcome: str = "complete"
    billable: bool | None = None
    attempt: int | None = None
    retried: bool = False
    quality: str = "exact"


def decide(facts: CallFacts, policy: Policy) -> Decision:
    """Return the two decisions and their reason.

    The first that applies decides: the application's ``billable: false``, the environment, the account's
    phase, the outcome, the attempts, the quality of the usage. A rule that says "billable" lets the next ones decide.
    """
    rules = (
        OPERATOR if facts.billable is False else None,
        policy.environment.get((facts.environment or "").lower()),
        policy.phase.get((facts.phase or "").lower()),
    )
    for rule in rules:
        if rule is not None and rule.reason is not Reason.BILLABLE:
            return rule
    decided = policy.outcome.get(facts.outcome) or _by_attempts(facts, policy.attempts)
    if decided.reason is not Reason.BILLABLE:
        return decided
    return policy.quality.get(facts.quality, decided)


def _by_attempts(facts: CallFacts, attempts: str) -> Decision:
    if attempts == "all":
        return BILLABLE
    if facts.retried:
        return RETRIED
    if facts.outcome not in DONE:
        return FAILED
    if attempts == "none" and (facts.attempt or 1) > 1:
        return RETRIED
    return BILLABLE
