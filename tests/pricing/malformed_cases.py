"""Reads the cases of malformed pricing files, and YAML as editors do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tollspan_rater.pricing.document import Many, Node, Table, Text, documents

FOLDER = Path(__file__).parent / "malformed"
NAME = "prices.yaml"
STANDING = "card: standing\ncurrency: USD\nprices:\n  - {tokens: 1}\n---\nplan: user\ncurrency: USD\ncards: standing\n"
UNSEEN = "(beyond the schema)"
_MARK = re.compile(r"#(?P<sign>[!~]) (?P<problem>.+?) -> (?P<remedy>.+)$")
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|0x[0-9a-fA-F]+"
)


@dataclass(frozen=True)
class Expected:
    """What a marked line must be told: words of the problem and of the remedy."""

    line: int
    severity: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Case:
    title: str
    text: str
    expected: tuple[Expected, ...]

    @property
    def files(self) -> dict[str, str]:
        """The case beside a sound card and plan."""
        return {NAME: self.text, "standing.yaml": STANDING}

    @property
    def seen_by_the_schema(self) -> bool:
        return UNSEEN not in self.title and any(one.severity == "error" for one in self.expected)


def cases() -> Iterator[tuple[str, Case]]:
    """Yield all cases with a name that says where they stand."""
    for path in sorted(FOLDER.glob("*.txt")):
        for part in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, text = part.partition("\n")
            yield f"{path.stem}: {title}", Case(title, text.rstrip() + "\n", tuple(_expected(text)))


def _expected(text: str) -> Iterator[Expected]:
    for number, line in enumerate(text.splitlines(), 1):
        mark = _MARK.search(line)
        if mark is not None:
            severity = "error" if mark["sign"] == "!" else "warning"
            yield Expected(number, severity, mark["problem"], mark["remedy"])


def as_editors_read(text: str) -> list[Any]:
    """The documents of a file as an editor hands them to a JSON Schema: YAML 1.2, core schema."""
    return [_value(node) for node in documents(NAME, text)]


def _value(node: Node) -> Any:
    if isinstance(node, Table):
        return {key: _value(value) for key, value in node.entries.items()}
    if isinstance(node, Many):
        return [_value(item) for item in node.items]
    return node.value if node.quoted else _scalar(node)


def _scalar(node: Text) -> Any:
    text = node.value
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if _NUMBER.fullmatch(text):
        return (
            float(int(text, 16)) if text.startswith("0x") else float(text.replace(".inf", "inf").replace(".nan", "nan"))
        )
    return text
