"""Evaluates amounts worked out by hand, like ``2 x (3,200 - 200) = 6,000`` with printed signs, in fractions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

OPERATORS: Final[Mapping[type[ast.AST], Callable[..., Fraction]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}
WRITTEN: Final = str.maketrans(
    {"\N{MULTIPLICATION SIGN}": "*", "\N{DIVISION SIGN}": "/", "\N{MINUS SIGN}": "-", ",": None, "_": None}
)


class WronglyWorkedError(AssertionError):
    """The two sides of an equation differ: the work is wrong, whatever the engine says."""

    def __init__(self, text: str, sides: list[Fraction]) -> None:
        super().__init__(f"{text}: {' is not '.join(str(side) for side in sides)}")


def worked(text: str) -> Fraction:
    """Return the value of an expression or of an equation.

    Raises:
        WronglyWorkedError: when the sides of the equation are not equal.
    """
    sides = [_value(ast.parse(side.translate(WRITTEN).strip(), mode="eval").body, side) for side in text.split("=")]
    if len(set(sides)) > 1:
        raise WronglyWorkedError(text, sides)
    return sides[0]


def _value(node: ast.expr, text: str) -> Fraction:
    """Numbers are read from their text, for the tree holds binary fractions."""
    if isinstance(node, ast.Constant):
        written = ast.get_source_segment(text.translate(WRITTEN).strip(), node)
        return Fraction(str(written))
    if isinstance(node, ast.UnaryOp):
        return OPERATORS[type(node.op)](_value(node.operand, text))
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_value(node.left, text), _value(node.right, text))
    msg = f"{text}: {ast.dump(node)}"
    raise TypeError(msg)
