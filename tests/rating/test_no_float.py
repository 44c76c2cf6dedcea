"""No binary fraction touches money: the syntax trees of all code that counts it hold none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tollspan_rater

ROOT = Path(tollspan_rater.__file__).parent
ROOMS = ("pricing", "rating", "credit", "cost", "ledger")
MONEY = re.compile(
    r"^(from|import) (decimal|tollspan_rater\.(rating|pricing|cost|credit|ledger|domain\.money))\b", re.MULTILINE
)
FILES = sorted(
    {path for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    | {path for room in ("query", "domain", "export", "pipeline") for path in (ROOT / room).rglob("*.py")
       if MONEY.search(path.read_text(encoding="utf-8"))}
    | {ROOT / "domain" / "money.py"},
)  # fmt: skip
WHOLE_MATH = {"ceil", "floor", "gcd", "lcm", "comb", "isqrt", "prod"}  # of the module math: whole numbers stay whole
SQL = re.compile(r"\b(select|cast|from|where|sum|group by)\b", re.IGNORECASE)
IN_SQL = re.compile(r"\b(double|float[48]?|real|avg)\b|[\w)] / [\w(]", re.IGNORECASE)  # a DuckDB division is a DOUBLE
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
# What divides exactly or only to show it: fractions; decimals at 80 digits; a price per hour as one per second.
DIVIDED_EXACTLY = {
    "domain/money.py": {"allocate"},
    "cost/catalog.py": {"_per_unit"},
    "cost/margin.py": {"percentage"},
}


def floats(tree: ast.AST, allowed: frozenset[str] | set[str] = frozenset()) -> list[str]:
    """List what is, makes or takes binary fractions, outside of the allowed functions, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in allowed:
            node.body = []
    return [f"line {line}: {what}" for node in ast.walk(tree) for line, what in suspicious(node)]


def suspicious(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Constant(value=float() | complex()):
            yield node.lineno, "a float literal"
        case ast.Name(id="float" | "fsum" | "complex"):
            yield node.lineno, f"the name {node.id}"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            yield node.lineno, "a true division"
        case ast.Attribute(value=ast.Name(id="math" | "cmath" | "statistics" | "numpy")) if node.attr not in WHOLE_MATH:
            yield node.lineno, f"math's {node.attr}"
        case ast.Attribute(attr="from_float"):
            yield node.lineno, "from_float"
        case ast.ImportFrom(module="math", names=names) if {name.name for name in names} - WHOLE_MATH:
            yield node.lineno, "functions of math on floats"
        case ast.Import(names=names) if {name.name for name in names} & {"cmath", "statistics", "numpy", "random"}:
            yield node.lineno, "a module of floats"


def in_sql(tree: ast.AST) -> list[str]:
    """List what makes binary fractions in texts that are SQL; docstrings are none."""
    told = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, DOCUMENTED)}
    return [
        f"line {node.lineno}: {match.group()}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in told
        if SQL.search(node.value) and (match := IN_SQL.search(node.value))
    ]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_float(path: Path) -> None:
    assert floats(ast.parse(path.read_text(encoding="utf-8")), DIVIDED_EXACTLY.get(name(path), set())) == []
    assert in_sql(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "x = 0.1", "x = 1e3", "x = 2j", "x = float(y)", "x = list(map(float, y))", "x = a / b", "x /= 2",
        "x = Decimal.from_float(y)", "x = math.sqrt(y)", "from math import fsum", "import statistics",
        "def f():\n    return lambda y: [y / 2]",
    ],
)  # fmt: skip
def test_the_test_sees_floats(code: str) -> None:
    assert floats(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["SELECT sum(a) / count(*) FROM t", "SELECT a::DOUBLE FROM t", "SELECT avg(a) FROM t", "CAST(a AS FLOAT)"]
)
def test_the_test_sees_floats_in_sql(code: str) -> None:
    assert in_sql(ast.parse(f"x = {code!r}"))


@pytest.mark.parametrize("code", ["x = a // b", "x = math.floor(y)", "from math import ceil", "x = Decimal('0.1')"])
def test_whole_numbers_and_decimals_are_fine(code: str) -> None:
    assert floats(ast.parse(code)) == []


def test_functions_that_divide_exactly_exist() -> None:
    """A name that is allowed to divide and no longer there would let another one in."""
    for file, functions in DIVIDED_EXACTLY.items():
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert functions <= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, file
