"""Counts the house: sizes, undocumented names, leftovers, options and keys that no page tells of."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tollspan_rater.cli.reference import commands, pages
from tollspan_rater.config.keys import KEYS

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("instrumentation/src/**/*.py"), *ROOT.glob("rater/src/**/*.py")])
TREES = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

MAX_FILE, MEDIAN_FILE = 600, 150
MAX_FUNCTION, LONG_FUNCTION, LONG_SHARE = 70, 28, 0.10
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError|breakpoint|pdb)\b|^\s*print\(", re.MULTILINE)
VAGUE = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def functions() -> Iterator[tuple[str, int]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def public(path: Path, tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Named]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Named) and not node.name.startswith("_"):
            yield f"{path}:{node.lineno} {prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(path, node, f"{node.name}.")


def test_no_file_is_long_and_most_are_short() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {path: size for path, size in sizes.items() if size > MAX_FILE} == {}
    assert statistics.median(sizes.values()) <= MEDIAN_FILE


def test_no_function_is_long_and_nine_of_ten_are_short() -> None:
    sizes = dict(functions())
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION} == {}
    long = {name: size for name, size in sizes.items() if size > LONG_FUNCTION}
    assert len(long) <= LONG_SHARE * len(sizes), long


def test_every_public_name_makes_a_promise() -> None:
    silent = [str(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]
    silent += [name for path, tree in TREES.items() for name, node in public(path, tree) if not ast.get_docstring(node)]
    assert silent == []


def test_every_function_has_types() -> None:
    untyped = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is None
    ]
    assert untyped == []


def test_nothing_is_left_over() -> None:
    found = [
        f"{path}: {match.group().strip()}"
        for path in SOURCES
        for match in LEFTOVER.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_file_is_named_after_what_it_holds() -> None:
    assert [str(path) for path in SOURCES if path.stem.strip("_") in VAGUE] == []


def options() -> Iterator[tuple[str, str]]:
    for path, command, _text in commands():
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                yield path, max(param.opts, key=len)


@pytest.mark.parametrize("name", ["cli.md", "configuration.md", "api.md"])
def test_reference_pages_are_those_of_the_code(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == pages()[name], "stale: run python -m tollspan_rater.cli.reference"


def test_every_option_has_a_help_text_and_stands_in_the_reference() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    for path, option in options():
        assert option in page.partition(f"## {path}\n")[2].partition("\n## ")[0], (path, option)
    for path, command, _text in commands():
        for param in command.params:
            assert not isinstance(param, click.Option) or param.help, (path, param.name)


def test_every_configuration_key_is_explained() -> None:
    page = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
    for key in KEYS.values():
        assert key.help, key.name
        assert f"`{key.name}`" in page
        assert f"`{key.variable}`" in page


def test_comments_stay_few() -> None:
    lines = [line.strip() for path in SOURCES for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum(line.startswith("#") for line in lines) <= 0.04 * len(lines)
