"""Whatever is wrong in a file of span rules is found with file, line and what to do."""

from __future__ import annotations

import pytest

from tollspan_rater.errors import PricingError
from tollspan_rater.extract.built_in_rules import BUILT_IN, BUILT_IN_METERS
from tollspan_rater.extract.rule_file import check, load

GOOD = "rules:\n  - rule: searches\n    meter: retrieval\n    when: {name: search}\n"
ELSEWHERE = "rules:\n  - rule: shop-views\n    billed_elsewhere: by the gateway\n    when: {service: shop}\n"


def a_rule(meter: str = "retrieval", when: str = "{name: search}", more: str = "") -> str:
    return f"rules:\n  - rule: searches\n    meter: {meter}\n    when: {when}\n{more}"


@pytest.mark.parametrize(
    ("text", "line", "problem", "remedy"),
    [
        ("rules: [a\n", 1, "not YAML", "Correct the syntax"),
        ("rules: &x []\n", 1, "anchors", "Write the value out"),
        ("", 1, "says nothing", "built_in: all"),
        ("- 1\n", 1, "not a mapping", "key: value"),
        (GOOD + "---\n" + GOOD, 6, "second document", "one list"),
        ("rule: []\n", 1, "no key 'rule'", "Did you mean rules?"),
        ("rules: {a: 1}\n", 1, "rules is not a list", "Begin each entry"),
        ("rules:\n  - tool\n", 2, "a rule is not a mapping", "key: value"),
        ("rules:\n  - {rule: a}\n", 2, "lacks meter, when", "{rule: searches"),
        ("rules:\n  - {rule: 'a b', meter: m, when: {name: x}}\n", 2, "'a b' cannot be used", "Use letters"),
        (GOOD + GOOD.removeprefix("rules:\n"), 5, "two rules 'searches'; the first is at line 2", "Rename one"),
        (a_rule(more="    mater: x\n"), 5, "no key 'mater'", "Did you mean meter?"),
        (a_rule("a/b"), 3, "meter 'a/b' cannot be used", "Use letters"),
        (a_rule("output"), 3, "output is counted from the usage of calls", "Name a unit"),
        (a_rule("request"), 3, "request is counted from the usage of calls", "Name a unit"),
        (a_rule(when="search"), 4, "when is not a mapping", "key: value"),
        (a_rule(when="{}"), 4, "fits every span", "Name what a span must have"),
        (a_rule(when="{attributes: {}}"), 4, "fits every span", "Name what a span must have"),
        (a_rule(when="{nam: x}"), 4, "no key 'nam'", "Did you mean name?"),
        (a_rule(when="{kind: agent}"), 4, "no span kind 'agent'", "internal, server, client, producer, consumer"),
        (a_rule(when="{attributes: x}"), 4, "attributes is not a mapping", "key: value"),
        (a_rule(when="{name: []}"), 4, "the list of name is empty", "at least one"),
        (a_rule(when="{attributes: {a: {over: 1}}}"), 4, "no key 'over'", "Did you mean above?"),
        (a_rule(when="{attributes: {a: {above: much}}}"), 4, "compared with what is no number", "Write digits"),
        (a_rule(when="{attributes: {a: {below: .nan}}}"), 4, "compared with what is no number", "Write digits"),
        (a_rule(when="{attributes: {a: {present: maybe}}}"), 4, "neither yes nor no", "Write yes or no"),
        (a_rule(when="{attributes: {gen_ai.prompt: x}}"), 4, "may hold prompts or answers", "Name another"),
        (a_rule(more="    quantity: 2\n"), 5, "neither 1, an attribute nor the duration", "{duration: seconds}"),
        (a_rule(more="    quantity: {pages: 1}\n"), 5, "no key 'pages'", "It has: attribute, duration"),
        (a_rule(more="    quantity: {duration: hours}\n"), 5, "duration is 'hours'", "seconds, milliseconds"),
        (a_rule(more="    quantity: {attribute: input}\n"), 5, "may hold prompts or answers", "Name another"),
        (a_rule(more="    form: both\n"), 5, "form is 'both'", "beside, instead, skip"),
        (ELSEWHERE + "    meter: retrieval\n", 5, "counts nothing, so it has no meter", "Delete meter"),
        (ELSEWHERE + "    quantity: 1\n", 5, "counts nothing, so it has no quantity", "Delete quantity"),
        (ELSEWHERE + "    form: instead\n", 5, "counts nothing, so it has no form", "Delete form"),
        (ELSEWHERE.replace("by the gateway", "''"), 3, "billed_elsewhere is not a text", "Write one value"),
        (ELSEWHERE.replace("by the gateway", "yes " * 31), 3, "has 123 characters", "at most 120"),
        (ELSEWHERE.replace("{service: shop}", "{}"), 4, "fits every span", "Name what a span must have"),
        ("rules:\n  - {rule: a, billed_elsewhere: x}\n", 2, "lacks when", "{rule: shop-views, billed_elsewhere"),
        ("built_in: [chat]\n", 1, "no built-in rules for 'chat'", "tool_call, agent_run"),
    ],
)
def test_malformed(text: str, line: int, problem: str, remedy: str) -> None:
    found = [one for one in check("meters.yaml", text) if problem in one.problem and remedy in one.remedy]
    assert [one.line for one in found] == [line], check("meters.yaml", text)
    assert str(found[0]).startswith(f"meters.yaml:{line}: error: ")
    with pytest.raises(PricingError, match=r"meters\.yaml:\d+: "):
        load("meters.yaml", text)


def test_everything_is_reported_at_once() -> None:
    text = a_rule("output", "{kind: agent}", "    form: both\n")
    assert [one.line for one in check("meters.yaml", text)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("built_in", "meters"),
    [("all", BUILT_IN_METERS), ("none", ()), ("[tool_call]", ("tool_call",)), ("rerank", ("rerank",))],
)
def test_built_in_rules_are_taken_in_by_meter(built_in: str, meters: tuple[str, ...]) -> None:
    found = load("meters.yaml", f"built_in: {built_in}\n")
    assert found.rules == tuple(rule for rule in BUILT_IN if rule.meter in meters)


def test_a_file_that_does_not_ask_gets_no_built_in_rules() -> None:
    assert [rule.name for rule in load("meters.yaml", GOOD).rules] == ["searches"]


def test_an_own_rule_takes_the_place_of_the_built_in_one_of_its_name() -> None:
    text = "built_in: [tool_call]\nrules:\n  - {rule: tool_call.otel, meter: tool_call, when: {name: 'mcp *'}}\n"
    names = [rule.name for rule in load("meters.yaml", text).rules]
    assert names[0] == "tool_call.otel"
    assert len(names) == len(set(names)) == sum(rule.meter == "tool_call" for rule in BUILT_IN)


def test_the_version_is_that_of_the_content() -> None:
    other = "# a comment\nrules: [{rule: searches, when: {name: search}, meter: retrieval, quantity: 1}]\n"
    assert load("a.yaml", GOOD).version == load("b.yaml", other).version
    assert load("a.yaml", GOOD).version != load("a.yaml", a_rule(when="{name: find}")).version


def test_a_rule_for_calls_that_are_billed_elsewhere() -> None:
    [rule] = load("meters.yaml", ELSEWHERE).rules
    assert (rule.name, rule.meter, rule.billed_elsewhere) == ("shop-views", "", "by the gateway")


def test_a_rule_that_counts_has_the_version_that_it_always_had() -> None:
    assert load("meters.yaml", GOOD).version == "mr_4e689d511a544658"
