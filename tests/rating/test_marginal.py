"""What each call added: the charges add up to the lines, exactly, whatever the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.bills import NOVEMBER, group, tariff
from tollspan_rater.pricing.policy import BILLABLE, Policy
from tollspan_rater.pricing.timeline import segments
from tollspan_rater.rating.decision import CallFacts, decide
from tollspan_rater.rating.marginal import ChargedCall, Marginal
from tollspan_rater.rating.rate import rate

CARD = """
  - {model: a, input: 3, output: {graduated: [{up_to: 50, price: 7}, {price: 5}]}}
  - {model: b, input: {volume: [{up_to: 40, price: 2}, {price: 1}]}, output: 4}
  - {web_search: {package: {size: 3, price: 1}}}
"""
steps = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["input", "output", "web_search"]), st.integers(-20, 60)),
    max_size=25,
)


def charge(marginal: Marginal, model: str | None = "a", **quantities: Any) -> ChargedCall:
    exact = {meter: Decimal(quantity) for meter, quantity in quantities.items()}
    return marginal.charge(NOVEMBER.start_ns, "any", model, exact, BILLABLE)


@settings(max_examples=400, deadline=None)
@given(steps, st.sampled_from([0, 30, 100, 150, 1000]))
def test_marginal_amounts_add_up_to_each_line(calls: list[tuple[str, str, int]], included: int) -> None:
    """Also with corrections, which take allowance back, and with an allowance that moves between components."""
    segments_ = tariff(CARD, f"included: {{tokens: {included}}}")
    marginal = Marginal(segments_)
    sums: dict[str, Decimal] = {}
    for model, meter, quantity in calls:
        for component, amount in charge(marginal, model, **{meter: quantity}).components:
            sums[component] = sums.get(component, Decimal(0)) + amount
    groups = [group({meter: quantity}, model=model, provider="any") for model, meter, quantity in calls]
    lines = {line.component: line.amount_exact for line in rate(NOVEMBER, segments_, groups).lines}
    assert {name: amount for name, amount in sums.items() if amount} == {n: a for n, a in lines.items() if a}


def test_reasons() -> None:
    marginal = Marginal(tariff(CARD, "included: {tokens: 100}"))
    assert (charge(marginal, input=60).amount, charge(marginal, input=40).reason) == (0, "included")
    beyond = charge(marginal, input=1, request=1)
    assert (beyond.amount, beyond.reason, beyond.currency) == (3, "billable", "USD")
    unknown = charge(marginal, "llama", input=5)
    assert (unknown.amount, unknown.reason, unknown.unpriced) == (None, "no price", ("input",))
    partly = charge(marginal, "llama", input=5, web_search=1)
    assert (partly.amount, partly.unpriced) == (1, ("input",))
    assert (charge(marginal).amount, charge(marginal).reason) == (None, "no usage")
    assert (charge(marginal, input=0).amount, charge(marginal, input=0).reason) == (0, "billable")


def test_a_call_that_takes_allowance_from_another_component_pays_for_it() -> None:
    marginal = Marginal(tariff(CARD, "included: {tokens: 100}"))
    assert charge(marginal, output=100).amount == 0
    taken = charge(marginal, input=10)
    assert [(name.split("~")[0], amount) for name, amount in taken.components] == [("paid/list/output:*/a", 70)]


@pytest.mark.parametrize(
    "facts", [CallFacts(environment="test"), CallFacts(phase="trial"), CallFacts(outcome="failed")]
)
def test_what_is_not_on_the_invoice_changes_nothing(facts: CallFacts) -> None:
    marginal = Marginal(tariff(CARD))
    decision = decide(facts, Policy())
    aside = marginal.charge(NOVEMBER.start_ns, "any", "b", {"input": Decimal(1000)}, decision)
    assert (aside.amount, aside.reason) == (0, decision.reason)
    assert charge(marginal, "b", input=10).amount == 20


def test_without_a_plan_there_is_no_charge() -> None:
    found = charge(Marginal(segments(NOVEMBER, [], [], 1)), input=1)
    assert (found.amount, found.reason, found.version) == (None, "no plan", None)
