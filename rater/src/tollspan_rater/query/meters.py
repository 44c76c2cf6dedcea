"""The span rules that were applied, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tollspan_rater.errors import NotFoundError
from tollspan_rater.extract.built_in_rules import BUILT_IN
from tollspan_rater.extract.condition import Condition
from tollspan_rater.extract.rule_file import check
from tollspan_rater.extract.span_rule import SpanRule, SpanRules
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant
from tollspan_rater.store import state
from tollspan_rater.store.state import RulesVersion

RULE_COLUMNS = ("rule", "meter", "form", "quantity", "billed_elsewhere", "when")
_VERSIONS = ("version", "since_position", "recorded_at", "author", "note", "rules")
_NONE = "no span rules are in force: tollspan meters apply FILE"


def meters_show(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: the rules in force, those of one version, or all versions that were applied."""
    applied = state.span_rules(scope.connection, scope.accounts.tenant)
    if "versions" in params:
        rows = [_version(one) for one in applied]
        return Answer("Versions of span rules", _VERSIONS, rows, scope.as_of, notes=() if rows else (_NONE,))
    chosen = _chosen(applied, params.get("version"))
    if chosen is None:
        return Answer("Span rules", RULE_COLUMNS, [], scope.as_of, notes=(_NONE,))
    rules = SpanRules.from_body(chosen.body["rules"]).rules
    note = f"version {chosen.version}, applied at position {chosen.position} by {chosen.author}"
    return Answer("Span rules", RULE_COLUMNS, rule_rows(rules), scope.as_of, notes=(note,))


def checked_rules(path: str, text: str) -> Answer:
    """Validate a file of rules without a store; ``ok`` is False when there is an error."""
    findings = check(path, text)
    return Answer(
        "Findings",
        ("severity", "file", "line", "problem", "remedy"),
        [
            {"severity": one.severity, "file": one.path, "line": one.line, "problem": one.problem, "remedy": one.remedy}
            for one in findings
        ],
        0,
        notes=() if findings else ("nothing to complain about",),
        ok=not findings,
    )


def built_in_rules() -> Answer:
    """Return the built-in rules of this release, which need no store."""
    return Answer("Built-in span rules", RULE_COLUMNS, rule_rows(BUILT_IN), 0)


def rule_rows(rules: Sequence[SpanRule]) -> list[dict[str, Cell]]:
    """Return rules as rows, each condition in words."""
    return [{"rule": rule.name, **_effect(rule), "when": ", ".join(map(_condition_words, rule.when))} for rule in rules]


def _effect(rule: SpanRule) -> dict[str, Cell]:
    """Return what a rule makes of a span: a unit of a meter, or a view of a call that is billed elsewhere."""
    if rule.billed_elsewhere:
        return {"meter": None, "form": None, "quantity": None, "billed_elsewhere": rule.billed_elsewhere}
    quantity = {"one": "1", "attribute": rule.key}.get(rule.measure, f"duration in {rule.measure}")
    return {"meter": rule.meter, "form": rule.form, "quantity": quantity, "billed_elsewhere": None}


def _condition_words(condition: Condition) -> str:
    place = {"span": condition.key, "resource": f"resource {condition.key}"}.get(condition.where, condition.where)
    return f"{place} {condition.test.replace('_', ' ')} {' or '.join(condition.values)}".rstrip()


def _chosen(applied: Sequence[RulesVersion], version: str | None) -> RulesVersion | None:
    if version is None:
        return applied[-1] if applied else None
    found = [one for one in applied if one.version == version]
    if not found:
        raise NotFoundError("version of span rules", version, "tollspan meters show --versions lists them.")
    return found[-1]


def _version(one: RulesVersion) -> dict[str, Cell]:
    return {
        "version": one.version,
        "since_position": one.position,
        "recorded_at": instant(one.at_ns),
        "author": one.author,
        "note": one.note,
        "rules": len(one.body["rules"]),
    }
