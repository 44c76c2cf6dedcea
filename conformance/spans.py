"""The spans of a run as plain JSON objects: read from OTLP, told apart by case, freed of what must not be kept."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan_rater.ingest.content import strip

ROOT_SCOPE, ROOT_NAME = "conformance", "CASE "
_FIELDS = (
    "traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
    "droppedAttributesCount", "status",
)  # fmt: skip
_OF_THE_MACHINE = re.compile(r"^(code|thread|process|host|os|exception|service\.instance|server|url|http\.url)(\.|$)|"
                             r"api_base|base_url|_hostname|user_agent|user-agent")  # fmt: skip
_RESOURCE = {"service.name", "telemetry.sdk.language"}
_LONGEST = 20_000


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
    first = {}
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


def reduced(received: Iterable[Received]) -> dict[str, Any]:
    """Return one OTLP/JSON request with these spans, by the rater's own rule free of content, and without machines."""
    groups = [
        {
            "resource": {"attributes": [a for a in one.resource.get("attributes", ()) if a["key"] in _RESOURCE]},
            "scopeSpans": [{"scope": _scope(one), "spans": [_span(one.span)]}],
        }
        for one in received
    ]
    body = json.dumps({"resourceSpans": groups}).encode()
    request: dict[str, Any] = json.loads(strip(body, "otlp-json").body)
    return request


def _scope(one: Received) -> dict[str, Any]:
    return {key: one.scope[key] for key in ("name", "version") if one.scope.get(key)}


def _span(span: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: span[key] for key in _FIELDS if key in span}
    kept["attributes"] = [
        attribute
        for attribute in span.get("attributes", ())
        if not _OF_THE_MACHINE.search(attribute["key"]) and len(json.dumps(attribute)) < _LONGEST
    ]
    kept["status"] = {"code": (span.get("status") or {}).get("code", 0)}
    return kept


def attributes(span: Mapping[str, Any]) -> dict[str, Any]:
    """Return a span's scalar attributes by name; lists and objects as their JSON text."""
    found = {}
    for attribute in span.get("attributes", ()):
        kind, value = next(iter(attribute.get("value", {}).items()), ("stringValue", ""))
        found[attribute["key"]] = int(value) if kind == "intValue" else value
        if isinstance(value, dict | list):
            found[attribute["key"]] = json.dumps(value)
    return found
