"""The reference page of the providers' usage objects, made from the tables by which they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tollspan_rater.domain.meters import TOKEN_METERS
from tollspan_rater.extract.providers.registry import ALL
from tollspan_rater.extract.providers.table import UsageApi

_HEAD: Final = """# What each provider's numbers mean

A provider states its usage in an object of its own. Where that object reaches a span (tollspan's instrumentation keeps
it verbatim, others do so under other names), it goes before every number that an instrumentation made of it. One table
an API, in `tollspan_rater/extract/providers/`, reads it into [inclusive meters](../concepts/meters-and-unknown.md).

- **Beside its totals** are the parts that the API leaves out of its own input and output; they are added.
- **Proof:** where the provider's total contradicts that, the first of these sets that the total fits is taken instead,
  and the call's `details` say so (`proof`). A total that nothing explains is flagged `total_disagrees` and kept as
  `stated_total`; the call is `derived`, not `exact`.
- What the provider counts as input stays input: system prompts, tool schemas and whatever else it puts there. Nothing
  is taken off, nothing is estimated on top.
- Parts that are larger than their whole cannot split it. They are taken back, flagged `PART_exceeds_WHOLE` and kept as
  `unfit_parts`; the quantity stays with the whole.
- A count that is no whole number from 0 to 10^12 puts the span into quarantine as `bad_usage`. Digits in a text or in a
  double are numbers. Nothing, null and blank text are unknown, never 0.

An object without the name of an API is told by its members.
"""
_OTHER: Final = """
Two rules stand in no row. Where the total of an `openai.chat` object holds more than input and output and no reasoning
is stated (Gemini's OpenAI endpoint), the rest is output, flagged `output_from_total`. Anthropic's totals leave out its
iterations of the types `compaction`, which are added, and `advisor_message`, which are another model's.
"""


def page() -> str:
    """Return the page in Markdown."""
    return _HEAD + "".join(f"{line}\n" for line in _table()) + _OTHER


def _table() -> Iterator[str]:
    yield ""
    yield "| API | written by | meters | beside its totals | proof |"
    yield "|---|---|---|---|---|"
    for api in ALL:
        proofs = ", or ".join(_names(parts) or "nothing" for parts in api.proofs)
        yield f"| `{api.name}` | {api.title} | {_names(_meters(api))} | {_names(api.beside)} | {proofs} |"


def _meters(api: UsageApi) -> tuple[str, ...]:
    """Return the meters that an API can fill, tokens first in the order of the tree."""
    slots = {*api.keys, *(slot for listed in api.lists.values() for slot in listed.slots.values())}
    units = sorted(slot.removeprefix("unit.") for slot in slots if slot.startswith("unit."))
    return (*(meter for meter in TOKEN_METERS if meter in slots), *units)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
