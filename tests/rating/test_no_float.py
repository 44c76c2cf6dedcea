"""No binary fraction touches money: the syntax trees of the rooms that count it hold none."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tollspan_rater

ROOT = Path(tollspan_rater.__file__).parent
FILES = sorted(
    [path for room in ("pricing", "rating", "credit", "cost") for path in (ROOT / room).rglob("*.py")]
    + [ROOT / "domain" / "money.py"],
)
# Fractions; decimals at 80 digits; a price per hour as one per second; a percentage that is only shown.
DIVIDED_EXACTLY = {
    "rounding.py": {"part_of"},
    "money.py": {"allocate"},
    "catalog.py": {"_per_unit"},
    "margin.py": {"percentage"},
}


def floats(tree: ast.AST, allowed: set[str]) -> list[str]:
    """List float literals, the names float and math.f..., and true divisions outside the allowed functions."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in allowed:
            node.body = []
    for node in ast.walk(tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
        name = isinstance(node, ast.Name) and node.id in ("float", "fsum")
        division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        if literal or name or division:
            found.append(f"{type(node).__name__} in line {node.lineno}")  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_no_float(path: Path) -> None:
    assert floats(ast.parse(path.read_text()), DIVIDED_EXACTLY.get(path.name, set())) == []


@pytest.mark.parametrize("code", ["x = 0.1", "x = float(y)", "x = a / b", "x /= 2"])
def test_the_test_sees_floats(code: str) -> None:
    assert floats(ast.parse(code), set())
