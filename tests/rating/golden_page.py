"""Makes ``docs/reference/golden-bills.md`` of the golden bills: ``python -m tests.rating --page``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.rating.golden import Golden, chapters

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "golden-bills.md"
HEAD: Final = """# Golden bills

{count} bills worked out by hand. A test reads the same rows: it evaluates the work as fractions, rates the usage with
the prices that are shown, and wants both to agree to the last digit. Where another engine is known to answer
otherwise, the row says what it answers and where that can be read.

A bill stands for one customer on plan `paid` in November 2026, in US dollars and UTC, if it does not say otherwise;
`prices` are the entries of its rate card, quoted per unit. Each line shows its exact amount; the total is what is asked
for, each line rounded to the currency's smallest unit.

This page is made from `tests/rating/golden/*.yaml` by `python -m tests.rating --page`.
"""
BLOCKS: Final = ("prices", "plan", "terms", "others")
SAID: Final = ("period", "zone", "currency", "meters", "customer", "options", "provider_cost")


def page() -> str:
    """Return the page."""
    parts = list(chapters())
    text = [HEAD.format(count=sum(len(bills) for _, _, bills in parts))]
    for title, intro, bills in parts:
        text.append(f"\n## {title}\n\n{intro}\n")
        text.extend(section(bill) for bill in bills)
    return "".join(text)


def section(bill: Golden) -> str:
    """Return one bill: what holds, what was used, the lines."""
    row = bill.row
    notes = [row[key] for key in ("note", "elsewhere") if key in row]
    source = [f"Source: {row['source']}."] if "source" in row else []
    paragraphs = [" ".join([*source, *notes])] if source or notes else []
    return "\n".join([f"\n### {row['title']}\n", *paragraphs, "" * bool(paragraphs), *settings(row), *answers(row), ""])


def settings(row: Mapping[str, object]) -> Iterator[str]:
    """Yield the settings and the usage, as the YAML that they are written in."""
    yield "```yaml"
    for key in SAID:
        if key in row:
            yield f"{key}: {flow(row[key])}"
    for key in BLOCKS:
        if key in row:
            yield f"{key}:"
            yield from (f"  {line}" for line in str(row[key]).rstrip().splitlines())
    later = row.get("later")
    if isinstance(later, Mapping):
        yield f"prices from {later['from']} on:"
        yield from (f"  {line}" for line in str(later["prices"]).rstrip().splitlines())
    for call in row.get("usage", []):  # type: ignore[attr-defined]
        yield f"used: {flow(call)}"
    yield "```\n"


def flow(value: object) -> str:
    """Return a value in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(entry) for entry in value) + "]"
    return str(value)


def answers(row: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines of the bill, what is not on it, and the total."""
    if "refused" in row:
        yield f"Refused: *{row['refused']}*."
        return
    lines = row.get("lines", {})
    works = list(lines.items()) if isinstance(lines, Mapping) else []
    works += [("", work) for work in row.get("amounts", [])]  # type: ignore[attr-defined]
    if works:
        yield "| line | worked out | amount |\n|---|---|---:|"
        for name, work in works:
            left, _, amount = str(work).rpartition(" = ")
            yield f"| {name.replace('*', chr(92) + '*')} | {left} | {amount} |"
        yield ""
    yield " ".join(remarks(row))


def remarks(row: Mapping[str, object]) -> Iterator[str]:
    """Yield in a sentence each what else the row wants."""
    words = {
        "exact": "Exactly {}.",
        "total": "Total **{}**.",
        "charges": "Charges of the calls, in order: {}.",
        "part_bills": "A bill after each entry of usage books: {}.",
        "aside": "Not on the invoice: `{}`.",
        "unpriced": "Unpriced: `{}`.",
        "allowances": "Used of allowances: `{}`.",
        "margin": "Margin over the provider's prices: {}.",
        "warns": "`pricing check` warns: {}.",
    }
    for key, sentence in words.items():
        if key in row:
            value = row[key]
            shown = "; ".join(value) if isinstance(value, list) else flow(value)
            yield sentence.format(shown.rpartition(" = ")[2] if key == "total" else shown)
