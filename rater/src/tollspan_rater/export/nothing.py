"""Why a plan has nothing to tell: its time is not closed, all of it was planned before, or there is nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tollspan_rater.errors import CloseRefusedError
from tollspan_rater.export.planning import Export, Span
from tollspan_rater.export.statement_lines import statement_lines
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.closing import Closing, Verdict
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant
from tollspan_rater.store import exports


def why_nothing(scope: Scope, export: Export, span: Span) -> list[str]:
    """Return in sentences why a plan of a span of time came to no items; what it kept back says so itself."""
    start_ns = span.start_ns if span.period or span.start_ns is not None else export.since_ns
    if export.target.contract.takes == "usage":
        return list(_usage(scope, export, start_ns, span.end_ns))
    return [*_lines(scope, export, start_ns, span), *(_open(scope, export, span.period) if span.period else ())]


def _usage(scope: Scope, export: Export, start_ns: int | None, end_ns: int | None) -> Iterator[str]:
    rows = exports.components(scope.connection, export.tenant, export.name, (start_ns, end_ns))
    yield _before(scope, export, [row.component for row in rows if row.standing]) or _unused(export)


def _unused(export: Export) -> str:
    hour = ", or its hour has not ended" if export.target.contract.once else ""
    return f"nothing that is on an invoice was used in that time{hour}"


def _lines(scope: Scope, export: Export, start_ns: int | None, span: Span) -> Iterator[str]:
    found = statement_lines(scope, export.target.contract, (start_ns, span.end_ns), span.period)
    lines = [line.draft.component for line in found if export.wants(line.draft.customer)]
    before = _before(scope, export, lines)
    if before:
        yield before
    elif not lines and not span.period:
        yield "no statement of that time is closed: tollspan close makes one of a period that has ended"


def _before(scope: Scope, export: Export, components: Collection[str]) -> str | None:
    """Say that these were planned before; None when none was."""
    count, last_ns = exports.planned(scope.connection, export.tenant, export.name, components)
    return f"all of it was planned before, the last at {instant(last_ns)}; items: {count:,}" if count else None


def _open(scope: Scope, export: Export, label: str) -> Iterator[str]:
    """Say what of a period is not closed, and what closes it."""
    verdicts = [one for (name, _), one in Closing(scope).of_all(label).items() if export.wants(name)]
    if not verdicts:
        yield f"nobody has anything on a bill of {label}"
    ready = sum(isinstance(one, Period) for one in verdicts)
    if ready:
        yield f"{label} is not closed (customers: {ready:,}): tollspan close --period {label} --all closes it"
    yield from _refused(verdicts)


def _refused(verdicts: Collection[Verdict]) -> Iterator[str]:
    refused = [one for one in verdicts if isinstance(one, CloseRefusedError)]
    if refused:
        more = f" So it is for {len(refused) - 1:,} more." if len(refused) > 1 else ""
        yield f"{refused[0]}{more}"
