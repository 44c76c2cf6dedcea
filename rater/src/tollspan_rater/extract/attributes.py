"""Which attributes matter and which hold content: read by decode, by the strip and by the Collector's list.

The lists are made from the dialect tables, so that a new dialect brings its content keys with it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import orjson

from tollspan_rater.extract.aliases import PLACES
from tollspan_rater.extract.built_in_rules import BUILT_IN_KEYS
from tollspan_rater.extract.dialects.registry import ALL

MAX_DEPTH: Final = 12
MAX_NODES: Final = 2_000
MAX_CONTENT_BYTES: Final = 1 << 20

# Keys that no dialect here reads, but that hold text of prompts and answers wherever they stand.
_OTHER_CONTENT: Final = frozenset(
    {
        "input",
        "output",
        "prompt",
        "completion",
        "messages",
        "ai.prompt.messages",
        "body",
        "event.content",
        "exception.message",
        "exception.stacktrace",
        "db.statement",
        "db.query.text",
        "http.request.body",
        "http.response.body",
        "langsmith.metadata.prompt",
        "lk.chat_ctx",
        "lk.response.text",
        "smolagents.task",
    },
)
_OTHER_PREFIXES: Final = ("gen_ai.event.content.", "http.request.header.", "http.response.header.")

# Text of prompts and answers. A request that has any of these is decoded and stripped before the journal.
CONTENT_KEYS: frozenset[str] = _OTHER_CONTENT.union(*(dialect.content for dialect in ALL))
CONTENT_PREFIXES: tuple[str, ...] = tuple(
    sorted({*_OTHER_PREFIXES, *(prefix for dialect in ALL for prefix in dialect.content_prefixes)}),
)

REDUCED_KEYS: Final[frozenset[str]] = frozenset().union(*(dialect.reduced for dialect in ALL))
"""Content attributes whose inside holds ids or usage: the Collector passes them, the rater reduces them."""

# Keys that extraction reads; everything else is dropped when a span is decoded.
KEPT_KEYS: frozenset[str] = (
    frozenset({"server.address", "server.port", "error.type", "service.name", "http.response.status_code"})
    .union(PLACES, BUILT_IN_KEYS)
    .union(*(dialect.attribute_names() for dialect in ALL))
    - CONTENT_KEYS
)
KEPT_PREFIXES: tuple[str, ...] = tuple(sorted({prefix for dialect in ALL for prefix in dialect.kept_prefixes}))

# Inside of content only these may stay: identities, models, why it ended, and numbers below a usage object.
_IDENTITIES: Final = frozenset(
    {"id", "responseId", "response_id", "model", "model_name", "modelVersion", "object", "stop_reason"}
)
_USAGE: Final = frozenset(
    {
        "usage",
        "usage_metadata",
        "usageMetadata",
        "token_usage",
        "tokenUsage",
        "usage_details",
        "usage_object",
    },
)
_PATHS: Final = frozenset({"llm_output", "response", "anthropic", "openai", "google", "bedrock"})
_SAFE_TEXT: Final = re.compile(r"[A-Za-z0-9_.:/@+-]{1,256}")
_SAFE_MEMBER: Final = re.compile(r"[A-Za-z0-9_]{1,64}")


@lru_cache(maxsize=65_536)
def is_content(key: str) -> bool:
    """Tell whether an attribute holds text of prompts or answers; a name that is read in full is none."""
    return key in CONTENT_KEYS or (key.startswith(CONTENT_PREFIXES) and key not in KEPT_KEYS)


@lru_cache(maxsize=65_536)
def is_kept(key: str) -> bool:
    """Tell whether extraction may read an attribute."""
    return not is_content(key) and (key in KEPT_KEYS or key.startswith(KEPT_PREFIXES))


def reduced(key: str, value: object) -> object | None:
    """Keep of a content attribute only ids, model and usage numbers, in the same shape; None when nothing may stay.

    Text in, text out: JSON is parsed, cut and written again. Bounded in size, depth and members; what goes
    beyond is dropped. An identity stays only when it reads like one (no spaces, at most 256 characters).
    """
    if key not in REDUCED_KEYS or not isinstance(value, str) or len(value) > MAX_CONTENT_BYTES:
        return None
    try:
        tree = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    left = _identities(tree, 0) if isinstance(tree, dict) else {}
    return orjson.dumps(left).decode() if left else None


def _identities(tree: dict[str, Any], depth: int) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in tree.items():
        if name in _IDENTITIES and isinstance(value, str) and _SAFE_TEXT.fullmatch(value):
            kept[name] = value
        elif name in _USAGE and isinstance(value, dict):
            kept[name] = _numbers(value, [MAX_NODES], 0)
        elif name in _PATHS and isinstance(value, dict) and depth < MAX_DEPTH:
            kept[name] = _identities(value, depth + 1)
    return {name: value for name, value in kept.items() if value != {}}


def _numbers(tree: dict[str, Any], left: list[int], depth: int) -> dict[str, Any]:
    """Keep numbers and objects of numbers; ``left`` counts down the members that may still be looked at."""
    kept: dict[str, Any] = {}
    for name, value in tree.items():
        left[0] -= 1
        if left[0] < 0:
            break
        if not _SAFE_MEMBER.fullmatch(name):
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            kept[name] = value
        elif isinstance(value, dict) and depth < MAX_DEPTH:
            inner = _numbers(value, left, depth + 1)
            if inner:
                kept[name] = inner
    return kept
