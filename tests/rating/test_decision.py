"""The two decisions on every unit of usage."""

from __future__ import annotations

import pytest

from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.policy import Policy
from tollspan_rater.rating.decision import CallFacts, Decision, Reason, decide

ON, ASIDE, QUOTA_ONLY = (True, True), (False, False), (False, True)


@pytest.mark.parametrize(
    ("facts", "decisions", "reason"),
    [
        (CallFacts(), ON, "billable"),
        (CallFacts(environment="production", phase="paid", billable=True), ON, "billable"),
        (CallFacts(outcome="cache_hit"), ON, "billable"),
        (CallFacts(environment="test"), ASIDE, "test"),
        (CallFacts(environment="TEST"), ASIDE, "test"),
        (CallFacts(environment="staging"), ASIDE, "qa"),
        (CallFacts(environment="dev"), ASIDE, "development"),
        (CallFacts(environment="demo"), ASIDE, "demo"),
        (CallFacts(environment="internal"), ASIDE, "internal"),
        (CallFacts(environment="admin"), ASIDE, "admin"),
        (CallFacts(phase="trial"), QUOTA_ONLY, "trial"),
        (CallFacts(phase="promotional"), ASIDE, "promotional"),
        (CallFacts(billable=False), ASIDE, "operator"),
        (CallFacts(billable=False, environment="test"), ASIDE, "operator"),
        (CallFacts(environment="test", phase="trial", outcome="failed"), ASIDE, "test"),
        (CallFacts(phase="trial", outcome="failed"), QUOTA_ONLY, "trial"),
        (CallFacts(outcome="failed"), ASIDE, "failed"),
        (CallFacts(outcome="timeout"), ASIDE, "failed"),
        (CallFacts(outcome="aborted"), ASIDE, "failed"),
        (CallFacts(outcome="failed", retried=True), ASIDE, "retried"),
        (CallFacts(attempt=3), ON, "billable"),
        (CallFacts(quality="derived"), ON, "billable"),
        (CallFacts(quality="lower_bound"), ON, "billable"),
        (CallFacts(quality="unmeasured"), ON, "billable"),
        (CallFacts(quality="estimated"), QUOTA_ONLY, "estimated"),
        (CallFacts(quality="estimated", outcome="aborted"), ASIDE, "failed"),
        (CallFacts(quality="estimated", environment="test"), ASIDE, "test"),
    ],
)
def test_defaults(facts: CallFacts, decisions: tuple[bool, bool], reason: str) -> None:
    decision = decide(facts, Policy())
    assert (decision.on_invoice, decision.counts_toward_quota) == decisions
    assert decision.reason == reason


FIRST, LAST = CallFacts(outcome="failed", attempt=1, retried=True), CallFacts(attempt=2)


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [("success_only", ["retried", "billable"]), ("all", ["billable"] * 2), ("none", ["retried"] * 2)],
)
def test_attempts(attempts: str, expected: list[str]) -> None:
    assert [decide(facts, Policy(attempts=attempts)).reason for facts in (FIRST, LAST)] == expected


def test_a_plan_changes_the_table() -> None:
    text = """
card: c
currency: USD
prices: [{tokens: 1}]
---
plan: p
currency: USD
cards: [c]
policy:
  environment:
    test: {on_invoice: yes, counts_toward_quota: yes, reason: billable}
    canary: {on_invoice: no, counts_toward_quota: yes, reason: qa}
  outcome:
    aborted: {on_invoice: yes, counts_toward_quota: yes, reason: billable}
  quality:
    lower_bound: {on_invoice: no, counts_toward_quota: yes, reason: estimated}
    estimated: {on_invoice: yes, counts_toward_quota: yes, reason: billable}
    unmeasured: {on_invoice: no, counts_toward_quota: no, reason: unmeasured}
"""
    policy = load({"p.yaml": text}).plans["p"].policy
    assert decide(CallFacts(environment="test"), policy).reason is Reason.BILLABLE
    assert decide(CallFacts(environment="test", outcome="failed"), policy).reason is Reason.FAILED
    assert decide(CallFacts(outcome="aborted"), policy).on_invoice
    assert decide(CallFacts(environment="Canary"), policy) == Decision(
        on_invoice=False, counts_toward_quota=True, reason=Reason.QA
    )
    assert decide(CallFacts(environment="demo"), policy).reason is Reason.DEMO
    assert decide(CallFacts(quality="estimated"), policy).on_invoice
    assert decide(CallFacts(quality="lower_bound", outcome="aborted"), policy).reason is Reason.ESTIMATED
    assert decide(CallFacts(quality="unmeasured"), policy).reason is Reason.UNMEASURED
