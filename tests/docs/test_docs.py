"""The words are true: commands exist, links lead somewhere, every word of a closed list has its sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
from tests.docs.pages import ROOT, Typed, blocks, commands, links, page, pages, tracked

from tollspan import semconv
from tollspan_rater.cli.main import main
from tollspan_rater.cli.reference import pages as generated
from tollspan_rater.cli.wire_contract import ATTRIBUTION
from tollspan_rater.cost.rates import NOT_CHARGED, UnknownReason
from tollspan_rater.domain.entries import Encoding
from tollspan_rater.domain.fates import Fate, Role
from tollspan_rater.domain.meters import TOKEN_METERS, UNIT_METERS
from tollspan_rater.export.files import focus, lines
from tollspan_rater.export.files.netsuite import netsuite
from tollspan_rater.export.files.netsuite_invoices import netsuite_invoices
from tollspan_rater.export.files.words import DATE_FORMATS
from tollspan_rater.export.files.zuora import zuora
from tollspan_rater.export.manifest import batch_manifest, manifest
from tollspan_rater.ingest.undecodable import Reason as PieceReason
from tollspan_rater.pipeline.commands import KINDS
from tollspan_rater.pricing import timeline
from tollspan_rater.pricing.match import FACTS
from tollspan_rater.pricing.meter import AGGREGATES
from tollspan_rater.pricing.plan import PLAN_KEYS
from tollspan_rater.pricing.policy import ATTEMPTS, Reason
from tollspan_rater.pricing.price_reading import MODEL_KEYS, OPTION_KEYS
from tollspan_rater.pricing.unit_rule import ROUNDS
from tollspan_rater.query import invoice
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.rater import SCOPES
from tollspan_rater.rating import tally

PAGES = pages()
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
LINES = [(name, typed) for name in NAMES for typed in commands(page(name))]


def parse(typed: Typed) -> None:
    """Parse a command line as the CLI would, without looking at the disk or running anything."""
    command: click.Command = main
    rest = list(typed.arguments)
    while isinstance(command, click.Group):
        context = click.Context(command)
        _given, rest, _order = command.make_parser(context).parse_args(rest)
        if not rest:
            assert typed.mention, f"{command.name} needs a command"
            return
        member = command.get_command(context, rest[0])
        assert member is not None, f"there is no command {rest[0]!r}"
        command, rest = member, rest[1:]
    if rest or not typed.mention:
        parse_leaf(command, rest)


def parse_leaf(command: click.Command, arguments: list[str]) -> None:
    context = click.Context(command)
    given, too_many, _order = command.make_parser(context).parse_args(arguments)
    assert too_many == [], f"{command.name} takes no {too_many}"
    for param in command.params:
        value = given.get(str(param.name))
        values = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
        assert values or not param.required, f"{command.name} needs {param.name}"
        if isinstance(param.type, click.Choice):
            for one in values:
                param.type.convert(one, param, context)


@pytest.mark.parametrize(
    ("name", "typed"), LINES, ids=[f"{name}: {' '.join(typed.arguments)}" for name, typed in LINES]
)
def test_every_command_of_the_pages_exists(name: str, typed: Typed) -> None:
    parse(typed)


def test_commands_are_found() -> None:
    found = {typed.arguments[0] for name, typed in LINES if name == "README.md" and not typed.mention}
    assert {"demo", "serve", "calls", "customers", "pricing", "invoice", "keys"} <= found


@pytest.mark.parametrize(
    "line", ["usages", "usage --bye day", "explain", "export pdf --out x", "audit x", "pricing", "--tenants a usage"]
)
def test_a_wrong_command_is_refused(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parse(Typed(tuple(line.split()), mention=False))


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(path: Path) -> None:
    lost = []
    for link in links(path.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        there = path.parent / target if target else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(link)
    assert lost == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs/README.md"
    reached = {(index.parent / link).resolve() for link in links(index.read_text(encoding="utf-8"))}
    below = [path for path in PAGES if path.is_relative_to(ROOT / "docs") and path != index]
    assert [str(path) for path in below if path not in reached] == []


def equations() -> Iterator[str]:
    """Yield the equations of the audit as far as they are the same for every meter and currency."""
    for path in sorted((ROOT / "rater/src/tollspan_rater/query").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Check":
                first = node.args[0]
                text = first.values[0] if isinstance(first, ast.JoinedStr) else first
                assert isinstance(text, ast.Constant), f"{path.name}: an equation is a text"
                yield re.sub(r" \(.*", "", str(text.value))


INVENTED = Answer("Lines", ("meter",), [], 0)
CLOSED_LISTS: dict[str, tuple[str, Iterable[str]]] = {
    "fates": ("docs/concepts/fates.md", Fate),
    "reasons of quarantine": (
        "docs/concepts/fates.md",
        [*get_args(PieceReason), "bad_usage", "bad_quantity", "future", "fault"],
    ),
    "roles": ("docs/concepts/spans-to-calls.md", Role),
    "reasons of decisions": ("docs/concepts/decisions.md", Reason),
    "attempts": ("docs/concepts/decisions.md", ATTEMPTS),
    "reasons without a price": (
        "docs/concepts/decisions.md",
        [
            timeline.NO_PLAN,
            timeline.NO_PRICES,
            timeline.UNKNOWN_PLAN,
            tally.NO_PRICE,
            tally.USAGE_UNKNOWN,
            tally.COST_UNKNOWN,
            tally.VALUE_UNKNOWN,
        ],
    ),
    "dimensions of prices": ("docs/concepts/pricing.md", FACTS),
    "aggregates": ("docs/concepts/pricing.md", AGGREGATES),
    "roundings of units": ("docs/concepts/pricing.md", ROUNDS),
    "options of prices": ("docs/concepts/pricing.md", OPTION_KEYS),
    "outcomes": ("docs/concepts/meters-and-unknown.md", semconv.OUTCOMES),
    "qualities": ("docs/concepts/meters-and-unknown.md", semconv.QUALITIES),
    "unit meters": ("docs/concepts/meters-and-unknown.md", UNIT_METERS),
    "reasons of unknown cost": ("docs/concepts/cost-and-margin.md", [*get_args(UnknownReason), NOT_CHARGED]),
    "keys of plans": ("docs/concepts/plans.md", set(PLAN_KEYS) - {"plan", "title", "currency"}),
    "equations": ("docs/concepts/audit.md", equations()),
    "scopes": ("docs/concepts/privacy.md", SCOPES),
    "encodings": ("docs/reference/journal.md", get_args(Encoding)),
    "kinds of commands": ("docs/reference/journal.md", KINDS),
    "columns of lines": ("docs/reference/exports.md", invoice.COLUMNS),
    "keys of the manifest": ("docs/reference/exports.md", manifest(INVENTED, "lines.csv", b"")),
    "keys of the manifest of a batch": (
        "docs/reference/exports.md",
        batch_manifest("run", "books", (), (), (), ("run.csv", b"")),
    ),
    "columns of items": ("docs/reference/exports.md", [field.column.name for field in lines.FIELDS]),
    "columns of FOCUS": ("docs/reference/exports.md", [field.column.name for field in focus.FIELDS]),
    "headings of Zuora": ("docs/reference/exports.md", zuora({"unique_key": "yes"}).names),
    "headings of NetSuite": ("docs/reference/exports.md", netsuite({}).names),
    "headings of NetSuite's invoices": ("docs/reference/exports.md", netsuite_invoices({}).names),
    "formats of dates": ("docs/reference/exports.md", DATE_FORMATS),
    "attribution": ("docs/reference/wire-contract.md", map(semconv.attribution_attribute, semconv.ATTRIBUTION_KEYS)),
}


@pytest.mark.parametrize("what", CLOSED_LISTS)
def test_every_word_of_a_closed_list_is_explained(what: str) -> None:
    name, words = CLOSED_LISTS[what]
    wanted = list(words)
    text = page(name)
    assert wanted
    assert [word for word in wanted if f"`{word}`" not in text] == []


def test_every_meter_of_the_tree_and_every_price_model_is_shown() -> None:
    tree = blocks(page("docs/concepts/meters-and-unknown.md"))[0].text
    assert [meter for meter in TOKEN_METERS if not re.search(rf"\b{meter}\b", tree)] == []
    models = page("docs/concepts/pricing.md")
    assert [key for key in MODEL_KEYS if f"{key}: " not in models] == []


def test_every_attribution_key_has_a_meaning() -> None:
    assert tuple(ATTRIBUTION) == semconv.ATTRIBUTION_KEYS


@pytest.mark.parametrize("name", generated())
def test_generated_pages_are_those_of_the_code(name: str) -> None:
    assert page(f"docs/reference/{name}") == generated()[name], "stale: run python -m tollspan_rater.cli.reference"


def test_decisions_are_numbered_without_a_gap_and_half_a_page() -> None:
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:5] for path in files] == [f"{number:04}-" for number in range(1, len(files) + 1)]
    assert [path.name for path in files if "**Decision.**" not in path.read_text(encoding="utf-8")] == []
    assert [path.name for path in files if len(path.read_text(encoding="utf-8").split()) > 450] == []


HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "proxy.golang" + ".org", "npmjs" + ".org", "artifactory")
MACHINE = re.compile(r"(?<![\w.~}])/(?:work|root|home|Users|mnt)/|" + "|".join(map(re.escape, HOSTS)), re.IGNORECASE)
LEFT_OVER = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|TBD|lorem ipsum|coming soon)\b", re.IGNORECASE)
HOLDS_THE_PATTERNS = {"test_docs.py", "test_tidy.py"}


@pytest.mark.parametrize("pattern", [MACHINE, LEFT_OVER], ids=["machine paths and registries", "leftovers"])
def test_no_file_speaks_of_one_machine_or_leaves_things_over(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        if path.name not in HOLDS_THE_PATTERNS
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
