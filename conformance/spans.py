"""The spans of a run as plain JSON objects: read from OTLP, told apart by case, freed of what must not be kept."""

from __future__ import annotations

import ast
import base64
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan_rater.extract.attributes import is_content, is_kept
from tollspan_rater.ingest.content import strip

ROOT_SCOPE, ROOT_NAME = "conformance", "CASE "
_FIELDS = (
    "traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
    "droppedAttributesCount", "status",
)  # fmt: skip
_RESOURCE = {"service.name", "telemetry.sdk.language"}
_LONGEST = 20_000
_NUMBERS = {"intValue", "doubleValue", "boolValue"}
_IDENTITY = re.compile(r"(?!/)[\w.:@+-][\w.:/@+-]{0,127}")
_SAID = re.compile("How many|Weather|rain in|Oslo|Every token|counted once")  # by the cases, or by the provider
_SCRIPTS = re.compile(r"\b(with_|conformance/)")


@dataclass(frozen=True, slots=True)
class Received:
    """A span in OTLP/JSON form with where it stood."""

    span: Mapping[str, Any]
    scope: Mapping[str, Any]
    resource: Mapping[str, Any]

    @property
    def trace_id(self) -> str:
        """The trace."""
        return str(self.span["traceId"])

    @property
    def start_ns(self) -> int:
        """When it began."""
        return int(self.span["startTimeUnixNano"])

    @property
    def end_ns(self) -> int:
        """When it ended."""
        return int(self.span["endTimeUnixNano"])

    @property
    def case(self) -> str | None:
        """The case whose root it is."""
        name = str(self.span["name"])
        if self.scope.get("name") == ROOT_SCOPE and name.startswith(ROOT_NAME):
            return name.removeprefix(ROOT_NAME)
        return None


def read(body: bytes, headers: Mapping[str, str]) -> list[Received]:
    """Read a request as an exporter sent it; ``headers`` are lower-cased."""
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if "json" in headers.get("content-type", ""):
        request = json.loads(body)
    else:
        request = MessageToDict(ExportTraceServiceRequest.FromString(body))
        _hexadecimal(request)
    return received_in(request)


def received_in(request: Mapping[str, Any]) -> list[Received]:
    """Return the spans of an OTLP/JSON request."""
    return list(_flat(request))


def _flat(request: Mapping[str, Any]) -> Iterator[Received]:
    for resource in request.get("resourceSpans", ()):
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                yield Received(span, scope.get("scope") or {}, resource.get("resource") or {})


def _hexadecimal(request: Mapping[str, Any]) -> None:
    """Write ids as OTLP/JSON wants them, and kinds as numbers."""
    for received in _flat(request):
        span: Any = received.span
        for key in ("traceId", "spanId", "parentSpanId"):
            if key in span:
                span[key] = base64.b64decode(span[key]).hex()
        span["kind"] = _KINDS.index(span.get("kind", _KINDS[0]))
        code = (span.get("status") or {}).get("code", _CODES[0])
        span["status"] = {"code": _CODES.index(code)}


_KINDS = [f"SPAN_KIND_{name}" for name in ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")]
_CODES = [f"STATUS_CODE_{name}" for name in ("UNSET", "OK", "ERROR")]


def by_case(received: Iterable[Received]) -> dict[str, list[Received]]:
    """Tell the cases apart: the traces of their root spans, and other traces that began while one ran."""
    everything = list(received)
    roots = [one for one in everything if one.case]
    of_trace = {root.trace_id: str(root.case) for root in roots}
    first: dict[str, int] = {}
    for one in everything:
        first[one.trace_id] = min(one.start_ns, first.get(one.trace_id, one.start_ns))
    for trace_id, start in first.items():
        if trace_id not in of_trace:
            running = [root for root in roots if root.start_ns <= start]
            if running:
                of_trace[trace_id] = str(max(running, key=lambda root: root.start_ns).case)
    found: dict[str, list[Received]] = {str(root.case): [] for root in sorted(roots, key=lambda root: root.start_ns)}
    for one in everything:
        if one.trace_id in of_trace:
            found[of_trace[one.trace_id]].append(one)
    return found


def stripped(received: Iterable[Received]) -> dict[str, Any]:
    """Return one OTLP/JSON request with these spans as the rater would journal it."""
    groups = [
        {
            "resource": {"attributes": [a for a in one.resource.get("attributes", ()) if a["key"] in _RESOURCE]},
            "scopeSpans": [
                {"scope": _scope(one), "spans": [{key: one.span[key] for key in _FIELDS if key in one.span}]}
            ],
        }
        for one in received
    ]
    request: dict[str, Any] = json.loads(strip(json.dumps({"resourceSpans": groups}).encode(), "otlp-json").body)
    return request


def reduced(received: Iterable[Received]) -> dict[str, Any]:
    """Return one OTLP/JSON request with these spans, reduced to what reading them needs.

    By the rater's own rule they lose content. Of the rest remains what the rater reads, numbers, short texts without
    spaces that are no path, and objects of these: nothing of the machine, nothing that a later table could not want.
    """
    request = stripped(received)
    for one in _flat(request):
        span: Any = one.span
        span["attributes"] = [attribute for attribute in span.get("attributes", ()) if _stays(attribute)]
        span["status"] = {"code": (span.get("status") or {}).get("code", 0)}
    return request


def leaks(received: Iterable[Received]) -> set[str]:
    """Return scopes and attributes in which a text of the cases would reach the rater's disk."""
    found = set()
    for one in _flat(stripped(received)):
        for attribute in one.span.get("attributes", ()):
            if _SAID.search(json.dumps(attribute["value"])):
                found.add(f"{one.scope.get('name')}: {attribute['key']}")
    return found


def _stays(attribute: Mapping[str, Any]) -> bool:
    key, (kind, value) = str(attribute["key"]), next(iter(attribute["value"].items()), ("", ""))
    if is_kept(key) or is_content(key) or kind in _NUMBERS:
        return True
    return kind == "stringValue" and (_is_word(value) or _counts(value))


def _scope(one: Received) -> dict[str, Any]:
    return {key: one.scope[key] for key in ("name", "version") if one.scope.get(key)}


def _is_word(value: str) -> bool:
    return bool(_IDENTITY.fullmatch(value)) and not _SCRIPTS.search(value)


def _counts(value: str) -> bool:
    """Whether a text is an object, as JSON or as Python writes it, of numbers and short words alone."""
    if not value.startswith("{") or len(value) > _LONGEST:
        return False
    try:
        waiting = [ast.literal_eval(value) if "'" in value else json.loads(value)]
    except (ValueError, SyntaxError):
        return False
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list) or (isinstance(one, str) and not _is_word(one)):
            return False
    return True


def attributes(span: Mapping[str, Any]) -> dict[str, Any]:
    """Return a span's scalar attributes by name; lists and objects as their JSON text."""
    found = {}
    for attribute in span.get("attributes", ()):
        kind, value = next(iter(attribute.get("value", {}).items()), ("stringValue", ""))
        found[attribute["key"]] = int(value) if kind == "intValue" else value
        if isinstance(value, dict | list):
            found[attribute["key"]] = json.dumps(value)
    return found
