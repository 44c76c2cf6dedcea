"""Which spans show the same physical call: by response id, by ancestry, among siblings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.registry import evidence_beside_call
from tollspan_rater.extract.family import model_family
from tollspan_rater.extract.tree import Forest

SAME_OUTPUT: Final = 16  # tokens by which two views of one call may differ
ID_TOLERANCE_NS: Final = 1_000_000_000  # clocks of two hosts that saw the same response
SIBLING_TOLERANCE_NS: Final = 5_000_000
CANDIDATES: Final = 24  # partners looked at for one span, so that ten thousand siblings settle in linear time

# LiteLLM makes ids of its own for providers that are not OpenAI: chatcmpl-<uuid4>.
_SYNTHETIC_ID: Final = re.compile(r"chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# Ollama draws its ids from 999 values: too few to link traces with.
_WEAK_ID: Final = re.compile(r"chatcmpl-[0-9]{1,3}")


def real_id(span: Extracted) -> str | None:
    """Return the response id that the provider gave; None for ids that a gateway made up."""
    said = span.response_id
    if said is None or (said.startswith("chatcmpl-") and _SYNTHETIC_ID.fullmatch(said)):
        return None
    return said


def link_id(span: Extracted) -> str | None:
    """Return the text that ties a span to spans of other traces, the same for every view of a call; else None."""
    if span.role not in {Role.CALL, Role.EVIDENCE}:
        return None
    said = real_id(span)
    return None if said is None or _WEAK_ID.fullmatch(said) else said


class Clusters:
    """Groups of spans that show one call each; a group knows what decides whether another may join it."""

    def __init__(self, spans: Sequence[Extracted], members: Iterable[int]) -> None:
        self.spans = spans
        self.of = {at: [at] for at in members}
        self.flags: dict[int, set[str]] = defaultdict(set)

    def join(self, one: int, other: int) -> None:
        """Make one group of the groups of two spans."""
        kept, added = self.of[one], self.of[other]
        if kept is added:
            return
        if len(kept) < len(added):
            kept, added = added, kept
        kept.extend(added)
        for at in added:
            self.of[at] = kept

    def together(self, one: int, other: int) -> bool:
        """Tell whether two spans are in one group."""
        return self.of[one] is self.of[other]

    def groups(self) -> list[list[int]]:
        """Return all groups, each in canonical order, in the order of their first members."""
        distinct = {id(group): group for group in self.of.values()}
        return sorted(sorted(group) for group in distinct.values())


def cluster(forest: Forest) -> Clusters:
    """Group the spans with role CALL or EVIDENCE into physical calls."""
    spans = forest.spans
    calls = [at for at, span in enumerate(spans) if span.role in {Role.CALL, Role.EVIDENCE}]
    clusters = Clusters(spans, calls)
    _by_response_id(clusters, calls)
    _among_siblings(clusters, calls)
    _beside_their_call(clusters, calls)
    _by_ancestry(clusters, forest, calls)
    return clusters


def _by_response_id(clusters: Clusters, calls: Sequence[int]) -> None:
    """R1: the same response id, seen by different scopes or fetched again; else two calls and a flag."""
    spans = clusters.spans
    by_id: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for at in calls:
        span = spans[at]
        said = real_id(span)
        if said is not None:
            # An id that ties no traces counts within its trace only, whatever else is in the set.
            by_id[span.tenant, "" if link_id(span) else span.trace_id, said].append(at)
    for group in by_id.values():
        if len(group) > 1:
            _pair(clusters, group, _same_response, ID_TOLERANCE_NS)
            first = clusters.of[group[0]]
            if any(clusters.of[at] is not first for at in group):
                for at in group:
                    clusters.flags[at].add("id_reuse")


def _among_siblings(clusters: Clusters, calls: Sequence[int]) -> None:
    """R3: different scopes under one parent at one time with one outcome."""
    spans = clusters.spans
    by_parent: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for at in calls:
        if spans[at].parent_id:
            by_parent[spans[at].tenant, spans[at].trace_id, spans[at].parent_id].append(at)
    for group in by_parent.values():
        if len({spans[at].scope for at in group}) > 1:
            # Equal outputs first: a failed attempt must not take the view of its successor.
            _pair(clusters, group, _same_sibling, SIBLING_TOLERANCE_NS, by_output=True)
            _pair(clusters, group, _same_sibling, SIBLING_TOLERANCE_NS)


def _beside_their_call(clusters: Clusters, calls: Sequence[int]) -> None:
    """R3b: usage that a dialect writes on a span beside the streamed call belongs to the last one without any."""
    waiting: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for at in calls:
        span = clusters.spans[at]
        place = (span.tenant, span.trace_id, span.parent_id, span.scope)
        if span.role is Role.CALL and not span.usage.measured:
            waiting[place].append(at)
        elif span.role is Role.EVIDENCE and waiting[place] and evidence_beside_call(span.scope):
            clusters.join(waiting[place].pop(), at)


Same = Callable[[Extracted, Extracted], bool]


class _Open:
    """A cluster that later spans may still join: its first span, its last end, the scopes that are in it."""

    __slots__ = ("at", "fetched", "scopes", "until_ns")

    def __init__(self, clusters: Clusters, at: int) -> None:
        self.at = at
        self.look(clusters)

    def look(self, clusters: Clusters) -> None:
        """Take in what the cluster has become."""
        members = [clusters.spans[one] for one in clusters.of[self.at][:CANDIDATES]]
        self.until_ns = max(one.end_ns for one in members)
        self.fetched = any(one.retrieve for one in members)
        self.scopes = {one.scope for one in members}

    def closed_to(self, span: Extracted, tolerance_ns: int) -> bool:
        """Tell whether a span, and every later one of its scope, is too late or has its scope's place taken."""
        if self.fetched or span.retrieve:
            return False
        return span.scope in self.scopes or self.until_ns + tolerance_ns < span.start_ns


class _Row:
    """Open clusters in order of start. A cursor for each scope passes what is closed to it for good."""

    def __init__(self) -> None:
        self.heads: list[_Open] = []
        self._cursors: dict[str, int] = {}

    def near(self, span: Extracted, tolerance_ns: int) -> list[_Open]:
        """Return the first open clusters that a span may join, a bounded number."""
        first = 0 if span.retrieve else self._cursors.get(span.scope, 0)
        while first < len(self.heads) and self.heads[first].closed_to(span, tolerance_ns):
            first += 1
        if not span.retrieve:
            self._cursors[span.scope] = first
        window = self.heads[first : first + CANDIDATES]
        return [head for head in window if not head.closed_to(span, tolerance_ns)]


def _pair(clusters: Clusters, group: Sequence[int], same: Same, tolerance_ns: int, *, by_output: bool = False) -> None:
    """Join each span of a group to the open cluster that fits it best.

    The group is in order of start, so that the result depends on the set alone. ``by_output`` compares only
    spans with equal output, so that equal calls find each other among thousands.
    """
    spans = clusters.spans
    rows: dict[int | None, _Row] = defaultdict(_Row)
    for at in group:
        span = spans[at]
        row = rows[span.usage.output if by_output else None]
        fitting = [head for head in row.near(span, tolerance_ns) if _fits(clusters, head, at, same)]
        if fitting:
            best = min(fitting, key=lambda head: _distance(spans[head.at], span))
            clusters.join(best.at, at)
            best.look(clusters)
        else:
            row.heads.append(_Open(clusters, at))


def _fits(clusters: Clusters, head: _Open, at: int, same: Same) -> bool:
    if clusters.together(head.at, at):
        return True
    spans = clusters.spans
    mine = clusters.of[at][:CANDIDATES]
    return all(same(spans[one], spans[other]) for one in clusters.of[head.at][:CANDIDATES] for other in mine)


def _distance(head: Extracted, span: Extracted) -> tuple[bool, int, str]:
    return (head.usage.output != span.usage.output, abs(head.start_ns - span.start_ns), head.span_id)


def _same_response(one: Extracted, other: Extracted) -> bool:
    if one.scope == other.scope and not (one.retrieve or other.retrieve):
        return False
    return _compatible_output(one, other) and _same_family(one, other)


def _same_sibling(one: Extracted, other: Extracted) -> bool:
    return (
        one.scope != other.scope
        and _compatible_output(one, other)
        and _same_family(one, other)
        and _ids_agree(one, other)
    )


def _own_records_differ(one: Extracted, other: Extracted) -> bool:
    """Two records of tollspan's own are two calls, unless one only fetches what the other made."""
    if one.retrieve or other.retrieve:
        return False
    both_own = one.scope == semconv.SCOPE_NAME == other.scope
    return both_own and one.record_id is not None and other.record_id is not None and one.record_id != other.record_id


def _same_family(one: Extracted, other: Extracted) -> bool:
    families = (
        model_family(one.response_model or one.request_model),
        model_family(other.response_model or other.request_model),
    )
    return families[0] is None or families[1] is None or families[0] == families[1]


def _compatible_output(one: Extracted, other: Extracted) -> bool:
    outputs = one.usage.output, other.usage.output
    return outputs[0] is None or outputs[1] is None or abs(outputs[0] - outputs[1]) <= SAME_OUTPUT


def _by_ancestry(clusters: Clusters, forest: Forest, calls: Sequence[int]) -> None:
    """R2: a call with exactly one call below it is that call; one with several is a container of them."""
    spans = forest.spans
    member = set(calls)
    nearest = forest.inherited(-1, lambda at, above: _barrier(at, above, spans, member))
    below: dict[int, list[int]] = defaultdict(list)
    for at in calls:
        parent = forest.parent[at]
        outer = nearest[parent] if parent >= 0 else -1
        if outer >= 0:
            below[outer].append(at)
    for outer in reversed(forest.top_down):
        inner = below.get(outer)
        if inner is not None:
            _contain(clusters, outer, inner)


def _barrier(at: int, above: int, spans: Sequence[Extracted], calls: set[int]) -> int:
    """Return the call that a child of this span is in: itself, the one above, or none behind a container."""
    if at in calls:
        return at
    span = spans[at]
    role = span.role if span.ruled is None else span.ruled.role
    return -1 if role is Role.AGGREGATE else above


def _contain(clusters: Clusters, outer: int, inner: Sequence[int]) -> None:
    spans = clusters.spans
    groups = {id(clusters.of[at]): at for at in inner}
    if id(clusters.of[outer]) in groups:
        return
    if len(groups) > 1:
        clusters.flags[outer].add("container")
        return
    only = inner[0]
    if all(_same_nested(spans[outer], spans[at]) for at in clusters.of[only][:CANDIDATES]):
        clusters.join(outer, only)


def _same_nested(outer: Extracted, inner: Extracted) -> bool:
    if _own_records_differ(outer, inner):
        return False
    return _ids_agree(outer, inner) or _same_totals(outer, inner)


def _ids_agree(one: Extracted, other: Extracted) -> bool:
    ids = real_id(one), real_id(other)
    return ids[0] is None or ids[1] is None or ids[0] == ids[1]


def _same_totals(one: Extracted, other: Extracted) -> bool:
    return (
        one.usage.measured and one.usage.input == other.usage.input and one.usage.output == other.usage.output
    ) and _same_family(one, other)
