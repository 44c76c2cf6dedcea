"""A set of spans becomes calls: a pure function of the set, whatever the order, the batches, the copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, TypeVar

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.domain.usage import ATTRIBUTION_FIELDS, Usage
from tollspan_rater.extract.aliases import TAGS
from tollspan_rater.extract.attribution import Ancestry, resolved, said_alone
from tollspan_rater.extract.cluster import Clusters, cluster, link_id
from tollspan_rater.extract.tree import Forest, distinct
from tollspan_rater.extract.views import by_rank, evidence_of, seen_together, worth_of

T = TypeVar("T")

_NOTHING: Final = Usage()
_TEXTS: Final = tuple(key for key in ATTRIBUTION_FIELDS if key != "billable")
_SHOWN: Final = (
    "provider", "response_model", "request_model", "operation", "response_id", "record_id", "attempt", "retry_of",
    "outcome", "service_tier", "stream", "ttft_ms", "reported_cost",
)  # fmt: skip

link_ids = link_id


def settle(spans: Iterable[Extracted]) -> list[Call]:
    """Return the calls and unit measures that a connected set of spans shows.

    The set is all stored spans of the traces that hang together, those with role NONE included: they carry the
    ancestry. Equal sets give equal calls, in the order of service time and id. Tenants never meet, should
    several be there.
    """
    found = list(spans)
    if len(found) == 1:
        call = alone(found[0])
        return [] if call is None else [call]
    return connected(found)


def alone(span: Extracted) -> Call | None:
    """Return what a span shows that nothing else touches: what ``connected`` says of a set of one, sooner."""
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


def connected(spans: Iterable[Extracted]) -> list[Call]:
    """Return the calls and unit measures of a set of any size; as ``settle``."""
    forest = Forest(distinct(spans))
    ancestry = Ancestry(forest)
    groups = _groups(forest)
    calls = [_call(forest.spans, ancestry, group, flags) for group, flags in groups]
    calls += [_unit(forest.spans, ancestry, at) for at, span in enumerate(forest.spans) if span.role is Role.UNIT]
    return sorted(calls, key=lambda call: (call.tenant, call.started_ns, call.call_id))


def _groups(forest: Forest) -> list[tuple[list[int], frozenset[str]]]:
    """Return the members of each call with the flags that grouping gave, aggregates that must stand in included."""
    clusters = cluster(forest)
    containers = {at for at, flags in clusters.flags.items() if "container" in flags}
    groups: list[list[int]] = []
    hollow: set[int] = set()
    for group in clusters.groups():
        if containers.issuperset(group):
            hollow.update(group)
        else:
            groups.append(group)
    stand_in = _aggregates_without_calls(forest, groups, hollow)
    alone = _only_call_below(forest, groups, stand_in)
    for at, group in alone.items():
        group.append(at)
    groups += [[at] for at in stand_in if at not in alone]
    standing = dict.fromkeys(stand_in, frozenset({"aggregate"}))
    return [(group, _flags(clusters, standing, group)) for group in groups]


def _flags(clusters: Clusters, standing: Mapping[int, frozenset[str]], group: Sequence[int]) -> frozenset[str]:
    grouped = {flag for at in group for flag in clusters.flags.get(at, ())} - {"container"}
    return frozenset(grouped.union(*(standing.get(at, frozenset()) for at in group)))


def _only_call_below(forest: Forest, groups: Sequence[list[int]], stand_in: Sequence[int]) -> dict[int, list[int]]:
    """Return for each standing aggregate the one unmeasured call below it, when there is exactly one."""
    standing = set(stand_in)
    over = forest.inherited(-1, lambda at, above: at if at in standing else above)
    below: dict[int, list[list[int]]] = {}
    for group in groups:
        for at in {over[one] for one in group} - {-1}:
            below.setdefault(at, []).append(group)
    return {at: found[0] for at, found in below.items() if len(found) == 1}


def _aggregates_without_calls(forest: Forest, groups: Sequence[Sequence[int]], hollow: set[int]) -> list[int]:
    """R4: the outermost containers with usage below and above which no call has any."""
    spans = forest.spans
    measured = {at for group in groups if any(spans[one].usage.measured for one in group) for at in group}
    busy_below = bytearray(len(spans))
    for at in measured:
        above = forest.parent[at]
        while above >= 0 and not busy_below[above]:
            busy_below[above] = 1
            above = forest.parent[above]
    candidate = [
        (span.role is Role.AGGREGATE or at in hollow) and bool(span.usage.total) and not busy_below[at]
        for at, span in enumerate(spans)
    ]
    covered = forest.inherited(False, lambda at, above: above or candidate[at] or at in measured)  # noqa: FBT003
    return [
        at for at in range(len(spans)) if candidate[at] and not (forest.parent[at] >= 0 and covered[forest.parent[at]])
    ]


def _call(spans: Sequence[Extracted], ancestry: Ancestry, group: Sequence[int], flags: frozenset[str]) -> Call:
    index = {spans[at].key: at for at in group}
    views = by_rank([spans[at] for at in group])
    chosen = evidence_of(views)
    usage, quality, seen = seen_together(views, chosen)
    attribution, disagreements = resolved(ancestry, spans, [index[view.key] for view in views])
    return _built(
        views,
        kind="call",
        evidence=chosen,
        usage=usage,
        quality=quality,
        attribution=attribution,
        flags={*flags, *seen, *disagreements, *(flag for view in views for flag in view.flags)},
    )


def _unit(spans: Sequence[Extracted], ancestry: Ancestry, at: int) -> Call:
    span = spans[at]
    attribution, disagreements = resolved(ancestry, spans, [at])
    return _built(
        [span],
        kind="unit",
        evidence=span,
        usage=_NOTHING,
        quality=span.quality or "exact",
        attribution=attribution,
        flags={*disagreements, *span.flags},
    )


def _built(
    views: Sequence[Extracted],
    *,
    kind: str,
    evidence: Extracted,
    usage: Usage,
    quality: str,
    attribution: Mapping[str, str],
    flags: Iterable[str],
) -> Call:
    first = views[0]
    shown = first if len(views) == 1 else _shown_by(views)
    billable = attribution.get("billable")
    return Call(
        tenant=first.tenant,
        call_id=_identity(first, "c_" if kind == "call" else "m_"),
        kind=kind,
        started_ns=first.start_ns,
        ended_ns=max(first.end_ns, first.start_ns),
        members=tuple([_member(view) for view in views]),
        trace_ids=tuple(sorted({view.trace_id for view in views})),
        evidence=_member(evidence),
        dialect=evidence.dialect,
        provider=shown.provider,
        model=shown.response_model or shown.request_model,
        request_model=shown.request_model,
        operation=shown.operation,
        response_id=shown.response_id,
        record_id=shown.record_id,
        attempt=shown.attempt,
        retry_of=shown.retry_of,
        outcome=shown.outcome or "complete",
        quality=quality,
        service_tier=shown.service_tier,
        stream=shown.stream,
        ttft_ms=shown.ttft_ms,
        usage=usage,
        meter=first.unit_meter,
        quantity=first.unit_quantity,
        reported_cost=shown.reported_cost,
        billable=None if billable is None else billable == "true",
        tags=tuple(
            sorted([(key.removeprefix(TAGS), text) for key, text in attribution.items() if key.startswith(TAGS)])
        ),
        flags=tuple(sorted(set(flags))),
        terms=tuple(sorted(shown.terms.items())),
        details=tuple(sorted(shown.details.items())),
        conflicts=(),
        **{key: attribution.get(key) for key in _TEXTS},
    )


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


def _member(span: Extracted) -> str:
    return f"{span.trace_id}:{span.span_id}"


def _identity(span: Extracted, prefix: str) -> str:
    key = f"{span.tenant}\x00{span.trace_id}\x00{span.span_id}"
    return prefix + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
