"""Reads typed values out of document trees, and notes everything that cannot be read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.document import Many, Node, Table, Text
from tollspan_rater.pricing.finding import Findings

# No leading zero, which some readers of YAML take for octal; ASCII digits only; groups of three.
NUMBER: Final = re.compile(r"[+-]?(0|[1-9][0-9]{0,2}(_[0-9]{3})+|[1-9][0-9]*)(\.[0-9]+)?")
MAX_DIGITS: Final = 30  # quantities, prices and their products stay exact in 80 digits
COUNTS: Final = range(1, 1001)  # of days and periods
CURRENCY: Final = re.compile(r"[A-Z]{3}")
YES_NO: Final = {"yes": True, "true": True, "no": False, "false": False}


class Reading:
    """Typed access to nodes. A value that cannot be read is noted and comes back as ``None``."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def wrong(self, node: Node, problem: str, remedy: str) -> None:
        """Note an error at a node."""
        self.findings.error(node.path, node.line, problem, remedy)

    def table(self, node: Node, what: str) -> Table | None:
        """Return the node as a mapping."""
        if isinstance(node, Table):
            return node
        self.wrong(node, f"{what} is not a mapping", "Write `key: value` lines below it")
        return None

    def items(self, node: Node | None, what: str) -> list[Node]:
        """Return the nodes of a list; a single text counts as a list of one."""
        if node is None:
            return []
        if isinstance(node, Many):
            return node.items
        if isinstance(node, Text):
            return [node]
        self.wrong(node, f"{what} is not a list", "Begin each entry with `- `")
        return []

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """Return the text of a scalar."""
        if node is None:
            return default
        if isinstance(node, Text) and node.value.strip():
            return node.value
        self.wrong(node, f"{what} is not a text", "Write one value behind the colon")
        return default

    def number(self, node: Node, what: str) -> Decimal | None:
        """Return an exact decimal; digits may be grouped in threes by underscores, as in 1_000_000."""
        if not isinstance(node, Text) or not NUMBER.fullmatch(node.value.strip()):
            shown = node.value if isinstance(node, Text) else "a list or mapping"
            self.wrong(node, f"{what} is {shown!r}, which is no number", "Write digits, like 1_000_000 or 0.025")
            return None
        value = Decimal(node.value.strip().replace("_", ""))
        if len(value.as_tuple().digits) > MAX_DIGITS:
            self.wrong(node, f"{what} has more than {MAX_DIGITS} digits", "Write a shorter number")
            return None
        if value < 0:
            self.wrong(node, f"{what} is negative", "Write 0 or more; discounts are lower prices")
            return None
        return value

    def whole(self, node: Node, what: str, *, least: int = COUNTS[0], most: int = COUNTS[-1]) -> int | None:
        """Return a whole number from ``least`` to ``most``."""
        value = self.number(node, what)
        if value is None:
            return None
        if value != value.to_integral_value() or not least <= value <= most:
            self.wrong(node, f"{what} is {value:f}", f"Write a whole number from {least} to {most}")
            return None
        return int(value)

    def yes_no(self, node: Node, what: str) -> bool | None:
        """Return a switch."""
        value = YES_NO.get(node.value.lower()) if isinstance(node, Text) else None
        if value is None:
            self.wrong(node, f"{what} is neither yes nor no", "Write yes or no")
        return value

    def switch(self, table: Table, key: str, *, default: bool) -> bool:
        """Return a switch of a mapping, or its default."""
        said = self.yes_no(table.entries[key], key) if key in table.entries else None
        return default if said is None else said

    def needed(self, table: Table, key: str, what: str, example: str) -> Decimal | None:
        """Return a number that a mapping cannot do without."""
        if key in table.entries:
            return self.number(table.entries[key], what)
        self.wrong(table, f"{what} has no {key}", f"Add `{example}`")
        return None

    def choice(self, node: Node | None, what: str, choices: Iterable[str], default: str) -> str:
        """Return one of a closed list of words."""
        if node is None:
            return default
        known = list(choices)
        if isinstance(node, Text) and node.value in known:
            return node.value
        shown = node.value if isinstance(node, Text) else "a list or mapping"
        self.wrong(node, f"{what} is {shown!r}", f"Write one of: {', '.join(known)}")
        return default

    def currency(self, table: Table) -> str:
        """Return the currency of a card or plan, an ISO 4217 code."""
        node = table.entries.get("currency")
        if node is None:
            self.wrong(table, "the currency is missing", "Add a line like `currency: USD`")
            return ""
        if isinstance(node, Text) and CURRENCY.fullmatch(node.value):
            return node.value
        self.wrong(node, "the currency is no ISO 4217 code", "Write three capitals, like USD or EUR")
        return ""

    def only(self, table: Table, keys: Iterable[str], what: str) -> None:
        """Note every key that ``what`` does not have."""
        known = list(keys)
        for key in table.entries:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                remedy = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(known)}"
                self.findings.error(table.path, table.lines[key], f"{what} has no key {key!r}", remedy)
