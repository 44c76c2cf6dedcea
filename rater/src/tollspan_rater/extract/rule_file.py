"""Reads a file of span rules: YAML with a finding, file and line for everything that cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, get_args

from tollspan_rater.domain.meters import TOKEN_METERS
from tollspan_rater.errors import PricingError
from tollspan_rater.extract.attributes import is_content
from tollspan_rater.extract.built_in_rules import BUILT_IN, BUILT_IN_METERS
from tollspan_rater.extract.condition import KINDS, Condition, Place, Test, is_wild
from tollspan_rater.extract.span_rule import PLACES_OF, Form, Measure, SpanRule, SpanRules
from tollspan_rater.pricing.card import NAME
from tollspan_rater.pricing.document import Many, Node, Table, Text, documents
from tollspan_rater.pricing.finding import Finding, Findings
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tree import TOKENS

FILE_KEYS: Final = ("built_in", "rules")
RULE_KEYS: Final = ("rule", "meter", "when", "quantity", "form", "billed_elsewhere")
OF_UNITS: Final = (
    "meter",
    "quantity",
    "form",
)  # what a rule says that counts, and one for calls billed elsewhere cannot
TEXT_PLACES: Final[Mapping[str, Place]] = {"name": "name", "scope": "scope", "kind": "kind", "service": "service"}
ATTRIBUTE_PLACES: Final[Mapping[str, Place]] = {"attributes": "span", "resource": "resource"}
TEXT_TESTS: Final[Mapping[str, Test]] = {"is": "is", "like": "like"}
COMPARISONS: Final[Mapping[str, Test]] = {one: one for one in ("above", "at_least", "below", "at_most")}
TEST_KEYS: Final = (*TEXT_TESTS, "present", *COMPARISONS)
MOST_WORDS: Final = 120
COUNTED_BY_CALLS: Final = frozenset({TOKENS, *TOKEN_METERS, "request"})


def load(path: str, text: str) -> SpanRules:
    """Read the rules of one file, with the built-in ones that it takes in behind its own.

    Raises:
        PricingError: the first error of :func:`check`; nothing with an error is ever used.
    """
    rules, findings = _read(path, text)
    for finding in findings:
        if finding.severity == "error":
            raise finding.raised()
    return rules


def check(path: str, text: str) -> tuple[Finding, ...]:
    """Return everything that is wrong or surprising in a file, by line."""
    return tuple(_read(path, text)[1])


def _read(path: str, text: str) -> tuple[SpanRules, Findings]:
    findings = Findings()
    reading = Reading(findings)
    try:
        found = documents(path, text)
    except PricingError as error:
        findings.error(path, error.line, error.problem, error.remedy)
        return SpanRules(), findings
    table = reading.table(found[0], "the file") if found else None
    if not found:
        findings.error(path, 1, "the file says nothing", "Write `rules:` with a list, or `built_in: all`")
    for more in found[1:]:
        reading.wrong(more, "there is a second document", "Put all rules into one list")
    if table is None:
        return SpanRules(), findings
    reading.only(table, FILE_KEYS, "a file of rules")
    own = tuple(_rules(table, reading))
    return SpanRules((*own, *_built_in(table.entries.get("built_in"), own, reading))), findings


def _built_in(node: Node | None, own: tuple[SpanRule, ...], reading: Reading) -> Iterator[SpanRule]:
    """Yield the built-in rules of the named meters, without those that an own rule of the same name replaces."""
    wanted = [one.value for one in reading.items(node, "built_in") if isinstance(one, Text)]
    meters = BUILT_IN_METERS if wanted == ["all"] else () if wanted == ["none"] else tuple(wanted)
    for meter in meters:
        if node is not None and meter not in BUILT_IN_METERS:
            known = ", ".join(BUILT_IN_METERS)
            reading.wrong(node, f"there are no built-in rules for {meter!r}", f"Write all, none, or some of: {known}")
    names = {rule.name for rule in own}
    yield from (rule for rule in BUILT_IN if rule.meter in meters and rule.name not in names)


def _rules(table: Table, reading: Reading) -> Iterator[SpanRule]:
    lines: dict[str, int] = {}
    for node in reading.items(table.entries.get("rules"), "rules"):
        entry = reading.table(node, "a rule")
        rule = None if entry is None else _rule(entry, reading)
        if entry is None or rule is None:
            continue
        if rule.name in lines:
            problem = f"there are two rules {rule.name!r}; the first is at line {lines[rule.name]}"
            reading.wrong(entry, problem, "Rename one, or delete it")
        lines.setdefault(rule.name, entry.line)
        yield rule


def _rule(table: Table, reading: Reading) -> SpanRule | None:
    reading.only(table, RULE_KEYS, "a rule")
    entries = table.entries
    elsewhere = entries.get("billed_elsewhere")
    missing = [key for key in ("rule", *(() if elsewhere else ("meter",)), "when") if key not in entries]
    if missing:
        remedy = "Write {rule: searches, meter: retrieval, when: {name: search*}}"
        if elsewhere:
            remedy = "Write {rule: shop-views, billed_elsewhere: by the gateway, when: {service: shop}}"
        reading.wrong(table, f"the rule lacks {', '.join(missing)}", remedy)
        return None
    name = reading.text(entries["rule"], "the rule's name")
    if name and not NAME.fullmatch(name):
        reading.wrong(entries["rule"], f"the name {name!r} cannot be used", "Use letters, digits and _ . - only")
    when = _when(entries["when"], reading)
    if elsewhere:
        return SpanRule(name, "", when, billed_elsewhere=_elsewhere(elsewhere, table, reading))
    measure, key = _quantity(entries.get("quantity"), reading)
    return SpanRule(name, _meter(entries["meter"], reading), when, _form(entries.get("form"), reading), measure, key)


def _elsewhere(node: Node, table: Table, reading: Reading) -> str:
    """Read where calls are billed, in one line for people; such a rule counts nothing."""
    for key in OF_UNITS:
        if key in table.entries:
            problem = f"a rule for calls that are billed elsewhere counts nothing, so it has no {key}"
            reading.wrong(table.entries[key], problem, f"Delete {key}, or write a second rule that counts")
    words = " ".join(reading.text(node, "billed_elsewhere").split())
    if len(words) > MOST_WORDS:
        problem = f"billed_elsewhere has {len(words)} characters, and stands with each span"
        reading.wrong(node, problem, f"Say in at most {MOST_WORDS} who bills these calls")
    return words


def _meter(node: Node, reading: Reading) -> str:
    meter = reading.text(node, "the meter")
    if meter and not NAME.fullmatch(meter):
        reading.wrong(node, f"the meter {meter!r} cannot be used", "Use letters, digits and _ . - only")
    if meter in COUNTED_BY_CALLS:
        remedy = "Name a unit, like tool_call, or a meter of your own"
        reading.wrong(node, f"{meter} is counted from the usage of calls, never by a rule", remedy)
    return meter


def _form(node: Node | None, reading: Reading) -> Form:
    wanted = reading.choice(node, "form", get_args(Form), "beside")
    return next(form for form in get_args(Form) if form == wanted)


def _quantity(node: Node | None, reading: Reading) -> tuple[Measure, str]:
    """Read ``1``, ``{attribute: KEY}`` or ``{duration: seconds}``; what cannot be read counts 1 and is noted."""
    remedy = "Write 1, {attribute: KEY} or {duration: seconds}"
    if node is None or (isinstance(node, Text) and node.value == "1"):
        return "one", ""
    if not isinstance(node, Table) or len(node.entries) != 1:
        reading.wrong(node, "the quantity is neither 1, an attribute nor the duration", remedy)
        return "one", ""
    reading.only(node, ("attribute", "duration"), "a quantity")
    ((kind, value),) = node.entries.items()
    if kind == "attribute":
        key = reading.text(value, "the attribute")
        _refuse_content(value, key, reading)
        return "attribute", key
    unit = reading.choice(value, "the unit of the duration", PLACES_OF, "seconds")
    return ("milliseconds" if unit == "milliseconds" else "seconds"), ""


def _when(node: Node, reading: Reading) -> tuple[Condition, ...]:
    table = reading.table(node, "when")
    if table is None:
        return ()
    reading.only(table, (*TEXT_PLACES, *ATTRIBUTE_PLACES), "when")
    found: list[Condition] = []
    for word, value in table.entries.items():
        if word in TEXT_PLACES:
            found += _tests(TEXT_PLACES[word], "", value, reading)
            if word == "kind":
                _check_kinds(value, found, reading)
        elif word in ATTRIBUTE_PLACES:
            inner = reading.table(value, word)
            for key, wanted in inner.entries.items() if inner else ():
                _refuse_content(wanted, key, reading)
                found += _tests(ATTRIBUTE_PLACES[word], key, wanted, reading)
    if not found:
        reading.wrong(table, "the rule fits every span", "Name what a span must have, like `name: search*`")
    return tuple(found)


def _tests(where: Place, key: str, node: Node, reading: Reading) -> Iterator[Condition]:
    """Yield the conditions behind a key: a text or a list of them (one must fit), or a mapping of tests."""
    if not isinstance(node, Table):
        texts = _texts(node, key or where, reading)
        yield Condition(where, key, "like" if any(map(is_wild, texts)) else "is", texts)
        return
    reading.only(node, TEST_KEYS, f"the condition on {key or where}")
    what = key or where
    for word, value in node.entries.items():
        if word in TEXT_TESTS:
            yield Condition(where, key, TEXT_TESTS[word], _texts(value, what, reading))
        elif word in COMPARISONS:
            yield Condition(where, key, COMPARISONS[word], _bound(value, what, reading))
        elif word == "present":
            yield Condition(where, key, "absent" if reading.yes_no(value, what) is False else "present")


def _texts(node: Node, what: str, reading: Reading) -> tuple[str, ...]:
    if isinstance(node, Many) and not node.items:
        reading.wrong(node, f"the list of {what} is empty", "Name at least one value")
    return tuple(reading.text(one, f"a value of {what}") for one in reading.items(node, what))


def _bound(node: Node, what: str, reading: Reading) -> tuple[str, ...]:
    value = node.value.strip().replace("_", "") if isinstance(node, Text) else ""
    try:
        finite = Decimal(value).is_finite()
    except InvalidOperation:
        finite = False
    if not finite:
        reading.wrong(node, f"{what} is compared with what is no number", "Write digits, like 200 or 0.5")
    return (value,) if finite else ()


def _check_kinds(node: Node, found: list[Condition], reading: Reading) -> None:
    unknown = {value for one in found if one.where == "kind" for value in one.values} - set(KINDS.values())
    for kind in sorted(unknown):
        reading.wrong(node, f"there is no span kind {kind!r}", f"Write one of: {', '.join(KINDS.values())}")


def _refuse_content(node: Node, key: str, reading: Reading) -> None:
    if is_content(key):
        problem = f"the attribute {key} may hold prompts or answers, which are never kept"
        reading.wrong(node, problem, "Name another attribute, or write an own one beside it")
