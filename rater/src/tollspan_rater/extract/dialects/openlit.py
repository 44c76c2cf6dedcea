"""OpenLIT: as the conventions, with estimates for streams whose provider stated no usage."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.dialects.semconv import IGNORED, KEYS, ROLES
from tollspan_rater.extract.dialects.table import SDK_WRAPPER, Dialect

_OPENLIT: Final = "openlit.instrumentation."
_SOURCE: Final = "PyPI openlit 1.45 (run)"
_ESTIMATES: Final = (
    "a stream without usage gets counts of half the text's length, unmarked; only the missing cache keys tell",
)
_RANK: Final = SDK_WRAPPER + 1

OPENLIT: Final = Dialect(
    name="openlit",
    version=2,
    rank=_RANK,
    source=_SOURCE,
    traps=(*_ESTIMATES, "of an aborted stream there is no span", "the cost is 0 where no price is known"),
    scope_prefixes=(_OPENLIT,),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    uncached_stream_quality="estimated",
)
EXCLUSIVE: Final = Dialect(
    name="openlit.exclusive",
    version=2,
    rank=_RANK,
    source=_SOURCE,
    traps=("the input leaves cache reads and writes out, and a stream has zeros in their place",),
    scopes=(_OPENLIT + "anthropic", _OPENLIT + "bedrock"),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    input_excludes_cache="all",
    cache_untold="all",
    unsure_zeros_of_streams=frozenset({"cache_read", "cache_write"}),
)
GOOGLE: Final = Dialect(
    name="openlit.google",
    version=2,
    rank=_RANK,
    source=_SOURCE,
    traps=(*_ESTIMATES, "the output is the candidates alone; tokens of tool use are missing"),
    scopes=(_OPENLIT + "google_ai_studio", _OPENLIT + "vertexai"),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    output_excludes_reasoning="all",
    tool_use_untold=True,
    uncached_stream_quality="estimated",
)
LANGCHAIN: Final = Dialect(
    name="openlit.langchain",
    version=1,
    rank=_RANK,
    source=_SOURCE,
    traps=(
        *_ESTIMATES,
        "of Claude models the input leaves the cache out and the cache is written as 0: 100 where 1,000 were billed",
    ),
    scopes=(_OPENLIT + "langchain",),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    input_excludes_cache="claude",
    cache_untold="claude",
    unsure_zeros=frozenset({"cache_read", "cache_write"}),
    uncached_stream_quality="estimated",
)

DIALECTS: Final = (OPENLIT, EXCLUSIVE, GOOGLE, LANGCHAIN)
