"""What can be read off the attributes without understanding them: their sums, and which numbers are there at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.spans import Received, attributes

# Per span the first key that holds a number: what one gets by adding up usage over all spans.
INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt",
         "ai.usage.inputTokens", "ai.usage.promptTokens", "llm.usage.prompt_tokens")  # fmt: skip
OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
          "ai.usage.outputTokens", "ai.usage.completionTokens", "llm.usage.completion_tokens")  # fmt: skip
_NUMBER = re.compile(r"(?<![\w.-])\d{1,9}(?![\w.])")


def sums(received: Iterable[Received]) -> tuple[int, int]:
    """Return input and output added up over all spans, as most tools bill them."""
    read = [attributes(one.span) for one in received]
    return sum(_first(one, INPUT) for one in read), sum(_first(one, OUTPUT) for one in read)


def _first(read: Mapping[str, Any], keys: tuple[str, ...]) -> int:
    for key in keys:
        value = read.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value)
        if isinstance(value, str) and value.isdigit():
            return int(value)
    return 0


def numbers(received: Iterable[Received]) -> frozenset[int]:
    """Return every whole number that stands in an attribute or inside an attribute's text, names of ids apart."""
    found: set[int] = set()
    for one in received:
        for value in attributes(one.span).values():
            if isinstance(value, str):
                found.update(map(int, _NUMBER.findall(value)))
            elif isinstance(value, int | float) and math.isfinite(value):
                found.add(int(value))
    return frozenset(number for number in found if number > 0)
