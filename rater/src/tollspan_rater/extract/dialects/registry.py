"""Which dialect a span speaks: by its scope's name, else by an attribute that only one dialect writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from tollspan_rater.domain.span import AttributeValue, Span
from tollspan_rater.extract.dialects import (
    agents,
    gateways,
    native,
    openinference,
    openlit,
    otel,
    own,
    platforms,
    pydantic,
    traceloop,
    vercel,
)
from tollspan_rater.extract.dialects.semconv import PLAIN
from tollspan_rater.extract.dialects.table import Dialect

_SCOPES_REMEMBERED: Final = 4096
_NUMBERS: Final = re.compile(r"[0-9]+")


class Registry:
    """Tables to choose from. A scope decides, then a marker, then a family of keys; else the plain conventions."""

    def __init__(self, dialects: Iterable[Dialect], plain: Dialect = PLAIN) -> None:
        self.all = (*dialects, plain)
        self._plain = plain
        self._by_scope: dict[str, list[Dialect]] = {}
        for dialect in self.all:
            for scope in dialect.scopes:
                self._by_scope.setdefault(scope, []).append(dialect)
        prefixes = [(prefix, dialect) for dialect in self.all for prefix in dialect.scope_prefixes]
        self._by_prefix = sorted(prefixes, key=lambda pair: -len(pair[0]))
        self._by_key = (
            *((key, dialect) for dialect in self.all for key in dialect.markers),
            *((key, dialect) for dialect in self.all for key in dialect.families),
        )
        self._of_scope = lru_cache(_SCOPES_REMEMBERED)(self._found)

    def dialect_of(self, span: Span) -> Dialect:
        """Return the dialect of a span."""
        return self._of_scope(span.scope, span.scope_version) or self._of_keys(span.attributes)

    def of_scope(self, scope: str, version: str = "") -> Dialect | None:
        """Return the dialect of an instrumentation scope; None for a scope that nobody has described."""
        return self._of_scope(scope, version)

    def _found(self, scope: str, version: str) -> Dialect | None:
        releases = self._by_scope.get(scope)
        if releases is not None:
            return _of_release(releases, version)
        return next((dialect for prefix, dialect in self._by_prefix if scope.startswith(prefix)), None)

    def _of_keys(self, attributes: Mapping[str, AttributeValue]) -> Dialect:
        for key, dialect in self._by_key:
            if key in attributes:
                return dialect
        return self._plain


def _of_release(releases: Sequence[Dialect], version: str) -> Dialect:
    """Return the table with the lowest limit above a version; without a version the newest one."""
    limited = sorted((_numbers(one.before), at) for at, one in enumerate(releases) if one.before is not None)
    own = _numbers(version)
    for limit, at in limited if own else ():
        if own < limit:
            return releases[at]
    return next((one for one in releases if one.before is None), releases[-1])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBERS.findall(version)[:3])


REGISTRY: Final = Registry(
    (
        own.OWN_SPANS,
        own.EVENTS,
        *native.DIALECTS,
        *gateways.DIALECTS,
        *platforms.DIALECTS,
        *pydantic.DIALECTS,
        *agents.DIALECTS,
        *vercel.DIALECTS,
        *openinference.DIALECTS,
        *openlit.DIALECTS,
        *traceloop.DIALECTS,
        *otel.DIALECTS,
    )
)
ALL: Final[tuple[Dialect, ...]] = REGISTRY.all


def evidence_beside_call(scope: str) -> bool:
    """Tell whether a scope writes evidence beside its call."""
    dialect = REGISTRY.of_scope(scope)
    return dialect is not None and dialect.evidence_of_sibling
