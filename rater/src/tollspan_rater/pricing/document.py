"""Pricing files as trees of text with line numbers: YAML without types, tags, anchors or surprises.

Scalars keep their text, so that a price is never read through a binary fraction. The tree is built from
the parser's events: nothing is constructed, and depth and size are bounded before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from tollspan_rater.errors import PricingError

MAX_CHARACTERS: Final = 1_000_000
MAX_DEPTH: Final = 12
REPLACED: Final = "\ufffd"  # stands for bytes that could not be decoded


@dataclass(slots=True)
class Text:
    """A scalar: its text as written. ``quoted`` tells ``"1"`` from ``1``."""

    value: str
    path: str
    line: int
    quoted: bool = False


@dataclass(slots=True)
class Many:
    """A list of nodes."""

    path: str
    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """A mapping from keys to nodes; ``lines`` says where each key stands."""

    path: str
    line: int
    entries: dict[str, Node] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


Node = Text | Many | Table


def documents(path: str, text: str) -> list[Node]:
    """Read all documents of one file; a document without content is left out.

    Raises:
        PricingError: for text that is no YAML, has anchors, aliases or tags, repeats a key, is not UTF-8 or too
            big.
    """
    if len(text) > MAX_CHARACTERS:
        raise PricingError(path, 1, f"the file has more than {MAX_CHARACTERS:,} characters", "Split it into several")
    if REPLACED in text:
        line = text.count("\n", 0, text.index(REPLACED)) + 1
        raise PricingError(path, line, "the file is not UTF-8", "Save it as UTF-8")
    try:
        return list(_Builder(path).build(text))
    except yaml.MarkedYAMLError as error:
        raise _syntax(path, text, error) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PricingError(path, line, "a control character stands in the file", "Delete it") from error


def _syntax(path: str, text: str, error: yaml.MarkedYAMLError) -> PricingError:
    """Name the line where reading stopped, within the file, and where what is broken began."""
    stopped, began = error.problem_mark or error.context_mark, error.context_mark
    line = min(stopped.line, len(text.splitlines()) - 1) + 1 if stopped else 1
    hint = "" if began is None or began.line + 1 >= line else f"; it began in line {began.line + 1}"
    return PricingError(path, line, f"this is not YAML: {error.problem}", f"Correct the syntax{hint}")


class _Builder:
    """Builds trees from parser events with an explicit stack."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stack: list[Many | Table] = []
        self._keys: list[str | None] = []

    def build(self, text: str) -> Iterator[Node]:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            node = self._node(event)
            if isinstance(event, yaml.CollectionEndEvent):
                node = self._stack.pop()
                self._keys.pop()
                if not self._stack:
                    yield node
            elif node is not None:
                if self._stack:
                    self._attach(node)
                elif isinstance(node, Text) and (node.value or node.quoted):
                    yield node
                if not isinstance(node, Text):
                    self._open(node)

    def _node(self, event: yaml.Event) -> Node | None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or (isinstance(event, yaml.NodeEvent) and event.anchor):
            raise PricingError(self._path, line, "anchors (&) and aliases (*) are not read", "Write the value out")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise PricingError(self._path, line, f"the tag {event.tag} is not read", "Delete it")
        if isinstance(event, yaml.ScalarEvent):
            return Text(event.value, self._path, line, quoted=event.style is not None)
        if isinstance(event, yaml.SequenceStartEvent):
            return Many(self._path, line)
        if isinstance(event, yaml.MappingStartEvent):
            return Table(self._path, line)
        return None

    def _open(self, node: Many | Table) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise PricingError(self._path, node.line, f"nested deeper than {MAX_DEPTH} levels", "Flatten it")
        self._stack.append(node)
        self._keys.append(None)

    def _attach(self, node: Node) -> None:
        parent, key = self._stack[-1], self._keys[-1]
        if isinstance(parent, Many):
            parent.items.append(node)
        elif key is not None:
            parent.entries[key] = node
            self._keys[-1] = None
        elif not isinstance(node, Text):
            raise PricingError(self._path, node.line, "a list or mapping stands where a key is needed", "Name the key")
        elif node.value in parent.entries:
            raise PricingError(self._path, node.line, f"{node.value} stands twice", "Keep one of the two")
        else:
            parent.lines[node.value] = node.line
            self._keys[-1] = node.value
