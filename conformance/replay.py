"""Recorded runs compared again, with the tables of today and without any environment."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.attribute_sums import sums
from conformance.bill import Seen
from conformance.compare import compare
from conformance.recording import Recorded, read
from conformance.run import CaseResult, StackResult
from conformance.spans import received_in
from conformance.stack import STACKS, Stack
from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.domain.span import Span
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle
from tollspan_rater.ingest.decode import json_pieces
from tollspan_rater.ingest.limits import DEFAULT_LIMITS

TENANT = "default"


class UnreadableError(Exception):
    """A recorded span that the rater refuses; the message says which and why."""


def replayed(recorded: Iterable[Recorded] | None = None) -> list[StackResult]:
    """Compare what is recorded, stack by stack in the order of the table."""
    results: dict[str, StackResult] = {}
    for one in read() if recorded is None else recorded:
        stack = next((stack for stack in STACKS if stack.name == one.stack), Stack(one.stack, ("",), ""))
        result = results.setdefault(one.stack, StackResult(stack, version=one.version))
        result.cases.append(_case(one))
    order = [stack.name for stack in STACKS]
    return sorted(results.values(), key=lambda result: order.index(result.stack.name))


def calls_of(recorded: Recorded) -> list[Call]:
    """Read and settle the spans of a case.

    Raises:
        UnreadableError: a span cannot be decoded or read.
    """
    found = []
    for piece in json_pieces(recorded.request, TENANT, DEFAULT_LIMITS):
        read_span = extract(piece) if isinstance(piece, Span) else piece
        if not isinstance(read_span, Extracted):
            raise UnreadableError(f"{recorded.stack} {recorded.case}: {read_span}")
        found.append(read_span)
    return [call for call in settle(found) if call.kind == "call"]


def _case(one: Recorded) -> CaseResult:
    calls = tuple(Seen.of_call(call) for call in calls_of(one))
    spans = received_in(one.request)
    comparison = compare(one.attempts, calls, lambda wanted: wanted not in one.absent)
    return CaseResult(one.stack, one.case, "done", one.attempts, tuple(spans), calls, sums(spans), comparison)
