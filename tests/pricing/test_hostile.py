"""Whatever stands in a pricing file, the check answers with findings and never breaks."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.pricing.book import check

EXAMPLES = Path(__file__).parents[2] / "examples" / "pricing"
TEXTS = [path.read_text() for path in sorted(EXAMPLES.rglob("*.yaml"))]
pieces = st.sampled_from(
    ["{", "}", "[", "- ", ": ", "\n", "  ", "price", "input", "&a ", "*a", "!x ", "'", "|", "---\n", "\t"]
)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200) | st.lists(pieces, max_size=40).map("".join))
def test_any_text(text: str) -> None:
    check({"x.yaml": text})


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TEXTS), st.integers(0, 2000), st.integers(0, 40), pieces)
def test_damaged_files(text: str, at: int, cut: int, piece: str) -> None:
    check({"x.yaml": text[:at] + piece + text[at + cut :]})
