"""Which dialect a span speaks: by its scope's name, else by an attribute that only one dialect writes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from tollspan_rater.domain.span import AttributeValue, Span
from tollspan_rater.extract.dialects import frameworks, otel, own, wrappers
from tollspan_rater.extract.dialects.table import Dialect

ALL: Final[tuple[Dialect, ...]] = (
    own.OWN_SPANS,
    *otel.DIALECTS,
    *wrappers.DIALECTS,
    *frameworks.DIALECTS,
    otel.PLAIN,
)
_BY_SCOPE: Final[Mapping[str, Dialect]] = {scope: dialect for dialect in ALL for scope in dialect.scopes}
_BY_PREFIX: Final = tuple((prefix, dialect) for dialect in ALL for prefix in dialect.scope_prefixes)
_BY_MARKER: Final = tuple((marker, dialect) for dialect in ALL for marker in dialect.markers)


@lru_cache(maxsize=4096)
def of_scope(scope: str) -> Dialect | None:
    """Return the dialect of an instrumentation scope; None for a scope that nobody has described."""
    known = _BY_SCOPE.get(scope)
    if known is not None:
        return known
    return next((dialect for prefix, dialect in _BY_PREFIX if scope.startswith(prefix)), None)


def dialect_of(span: Span) -> Dialect:
    """Return the dialect of a span; the plain conventions when neither scope nor attributes tell."""
    return of_scope(span.scope) or _of_markers(span.attributes)


def _of_markers(attributes: Mapping[str, AttributeValue]) -> Dialect:
    for marker, dialect in _BY_MARKER:
        if marker in attributes:
            return dialect
    return otel.PLAIN


def evidence_beside_call(scope: str) -> bool:
    """Tell whether a scope writes evidence beside its call."""
    dialect = of_scope(scope)
    return dialect is not None and dialect.evidence_of_sibling
