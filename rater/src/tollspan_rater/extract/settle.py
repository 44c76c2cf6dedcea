"""A set of spans becomes calls: a pure function of the set, whatever the order, the batches, the copies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, TypeVar

from tollspan_rater.domain.call import Call, Conflict, Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS, Usage
from tollspan_rater.extract.aliases import TAGS
from tollspan_rater.extract.attribution import Ancestry, resolved, said_alone
from tollspan_rater.extract.cluster import NOTHING_AROUND, Around, cluster
from tollspan_rater.extract.draft import new_call
from tollspan_rater.extract.group import Group, grouped
from tollspan_rater.extract.response_id import link_id
from tollspan_rater.extract.tree import Forest, distinct
from tollspan_rater.extract.views import by_rank, evidence_of, model_conflicts, seen_together, worth_of

T = TypeVar("T")

_NOTHING: Final = Usage()
_TEXTS: Final = tuple(key for key in ATTRIBUTION_FIELDS if key != "billable")
_SHOWN: Final = (
    "provider", "response_model", "request_model", "operation", "response_id", "record_id", "attempt", "retry_of",
    "outcome", "service_tier", "stream", "ttft_ms", "reported_cost",
)  # fmt: skip

link_ids = link_id


def settle(spans: Iterable[Extracted], around: Around = NOTHING_AROUND) -> list[Call]:
    """Return the calls and unit measures that a connected set of spans shows.

    The set is all stored spans of the traces that hang together, those with role NONE included: they carry the
    ancestry; or a part of them with what is known ``around`` it. Equal sets give equal calls, in the order of service
    time and id. Tenants never meet, should several be there.
    """
    found = list(spans)
    if len(found) == 1 and found[0].ruled is None and around is NOTHING_AROUND:
        call = alone(found[0])
        return [] if call is None else [call]
    return connected(found, around)


def alone(span: Extracted) -> Call | None:
    """Return what a span shows that nothing else touches: what ``connected`` says of a set of one, sooner.

    Not for a span on which span rules count something.
    """
    match span.role:
        case Role.CALL | Role.EVIDENCE:
            kind, flags = "call", span.flags
        case Role.AGGREGATE if span.usage.total:
            kind, flags = "call", (*span.flags, "aggregate")
        case Role.UNIT:
            kind, flags = "unit", span.flags
        case _:
            return None
    usage, quality = (_NOTHING, span.quality or "exact") if kind == "unit" else worth_of(span)
    attribution = said_alone(span)
    return _built([span], kind=kind, evidence=span, usage=usage, quality=quality, attribution=attribution, flags=flags)


def connected(spans: Iterable[Extracted], around: Around = NOTHING_AROUND) -> list[Call]:
    """Return the calls and unit measures of a set of any size; as ``settle``."""
    forest = Forest(distinct(spans))
    ancestry = Ancestry(forest)
    groups = grouped(forest, cluster(forest, around), around)
    calls = [call_of(forest.spans, ancestry, group) for group in groups]
    stated = [at for at, span in enumerate(forest.spans) if span.role is Role.UNIT and span.ruled is None]
    calls += [_unit(forest.spans, ancestry, at) for at in stated]
    calls += _counted(forest.spans, ancestry, [group.members for group in groups])
    return sorted(calls, key=lambda call: (call.tenant, call.started_ns, call.call_id))


def call_of(spans: Sequence[Extracted], ancestry: Ancestry, group: Group) -> Call:
    """Return the call that a group of views shows."""
    index = {spans[at].key: at for at in group.members}
    views = by_rank([spans[at] for at in group.members])
    usage = seen_together(views, evidence_of(views))
    attribution = resolved(ancestry, spans, [index[view.key] for view in views])
    conflicts = (*usage.conflicts, *model_conflicts(views), *attribution.conflicts(spans))
    return _built(
        views,
        kind="call",
        evidence=usage.chosen,
        usage=usage.usage,
        quality=usage.quality,
        attribution=attribution.values,
        flags={*group.flags, *usage.flags, *attribution.flags, *(flag for view in views for flag in view.flags)},
        conflicts=conflicts,
    )


def _unit(spans: Sequence[Extracted], ancestry: Ancestry, at: int) -> Call:
    span = spans[at]
    attribution = resolved(ancestry, spans, [at])
    return _built(
        [span],
        kind="unit",
        evidence=span,
        usage=_NOTHING,
        quality=span.quality or "exact",
        attribution=attribution.values,
        flags={*attribution.flags, *span.flags},
        conflicts=attribution.conflicts(spans),
    )


def _counted(spans: Sequence[Extracted], ancestry: Ancestry, calls: Iterable[Sequence[int]]) -> list[Call]:
    """Return the units that span rules count: each meter once a call, however many views show it, else once a span."""
    shown = [group for group in calls if any(spans[at].ruled is not None for at in group)]
    members = {at for group in shown for at in group}
    alone = [[at] for at, span in enumerate(spans) if span.ruled is not None and at not in members]
    return [unit for group in [*shown, *alone] for unit in _units_beside(spans, ancestry, group)]


def _units_beside(spans: Sequence[Extracted], ancestry: Ancestry, group: Sequence[int]) -> Iterator[Call]:
    index = {spans[at].key: at for at in group}
    views = by_rank([spans[at] for at in group])
    attribution = resolved(ancestry, spans, [index[view.key] for view in views])
    best = {one.meter: (view, one) for view in reversed(views) if view.ruled for one in view.ruled.counts}
    for meter, (view, one) in sorted(best.items()):
        unit = _built(
            views,
            kind="unit",
            evidence=view,
            usage=_NOTHING,
            quality="exact",
            attribution=attribution.values,
            flags=attribution.flags,
            conflicts=attribution.conflicts(spans),
        )
        yield replace(
            unit,
            call_id=_identity(view, "m_", meter),
            members=(unit.evidence,),
            trace_ids=(view.trace_id,),
            dialect=one.rule,
            reported_cost=None,
            meter=meter,
            quantity=one.quantity,
        )


def _built(
    views: Sequence[Extracted],
    *,
    kind: str,
    evidence: Extracted,
    usage: Usage,
    quality: str,
    attribution: Mapping[str, str],
    flags: Collection[str],
    conflicts: tuple[Conflict, ...] = (),
) -> Call:
    first = views[0]
    shown = first if len(views) == 1 else _shown_by(views)
    traces = (first.trace_id,) if shown is first else tuple(sorted({view.trace_id for view in views}))
    billable = attribution.get("billable")
    tags = [(key.removeprefix(TAGS), text) for key, text in attribution.items() if key.startswith(TAGS)]
    # In the order of the fields: naming fifty of them costs three times what the rest of a call does.
    return new_call(
        first.tenant, _identity(first, "c_" if kind == "call" else "m_"), kind, first.start_ns,
        max(first.end_ns, first.start_ns), tuple([view.member for view in views]), traces, evidence.member,
        evidence.dialect, shown.provider, shown.response_model or shown.request_model, shown.request_model,
        shown.operation, shown.response_id, shown.record_id, shown.attempt, shown.retry_of,
        shown.outcome or "complete", quality, shown.service_tier, shown.stream, shown.ttft_ms, usage, first.unit_meter,
        first.unit_quantity, shown.reported_cost, *map(attribution.get, _TEXTS),
        None if billable is None else billable == "true",
        tuple(sorted(tags)), tuple(sorted(set(flags))) if flags else (),
        tuple(sorted(shown.terms.items())) if shown.terms else (),
        tuple(sorted(shown.details.items())) if shown.details else (), conflicts,
    )  # fmt: skip


def _shown_by(views: Sequence[Extracted]) -> Extracted:
    """Return the first view with what it leaves unknown filled from the next best that knows."""
    best: dict[str, Any] = {name: _first(getattr(view, name) for view in views) for name in _SHOWN}
    best["response_id"] = _first(link_id(view) for view in views) or best["response_id"]
    best["terms"] = _joined(view.terms for view in views)
    best["details"] = _joined(view.details for view in views)
    return replace(views[0], **best)


def _joined(stated: Iterable[Mapping[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for names in stated:
        joined = {**names, **joined}
    return joined


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _identity(span: Extracted, prefix: str, meter: str = "") -> str:
    key = "\x00".join([span.tenant, span.trace_id, span.span_id, *([meter] if meter else ())])
    return prefix + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
