"""What a Collector's configuration must say so that no billed span is lost and no prompt leaves it.

Each rule stands for a way of losing data that was seen on a real Collector; collector-config/README.md names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tollspan_rater.doctor.finding import Finding, ok, problem, warning
from tollspan_rater.extract.attributes import CONTENT_KEYS, CONTENT_PREFIXES, KEPT_KEYS, REDUCED_KEYS, is_content

OTLP: Final = frozenset({"otlp", "otlp_grpc", "otlp_http", "otlphttp"})
SAMPLERS: Final = frozenset({"probabilistic_sampler", "tail_sampling", "tailsampling"})
UNTYPED: Final = frozenset({"resource", "scope", "span", "spanevent"})
SMALL_QUEUE_BYTES: Final = 64 * 2**20
SHOWN: Final = 5
_KEYS: Final = re.compile(r'^(delete|keep)_matching_keys\((?:(\w+)\.)?attributes, *"(.*)"\)$', re.DOTALL)
_README: Final = "collector-config/README.md says why."
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A way of traces to the rater: its processors in order, and the exporter at its end."""

    name: str
    processors: Sequence[tuple[str, Tree]]
    exporter: str
    settings: Tree
    config: Tree
    message_bytes: int


def findings(config: Tree, addresses: Sequence[str], message_bytes: int) -> Iterator[Finding]:
    """Yield what a merged configuration says of each pipeline that leads to the rater.

    Args:
        config: the configuration.
        addresses: HOST:PORT of the rater's OTLP doors.
        message_bytes: the rater's limit of a request.
    """
    found = list(_to_rater(config, addresses, message_bytes))
    if not found:
        yield problem(
            "no pipeline of traces leads to the rater",
            f"Add an otlp_grpc exporter to {addresses[0]} to a pipeline of traces, and name it otlp_grpc/rater.",
        )
    for pipeline in found:
        for rule in RULES:
            yield from rule(pipeline)


def _to_rater(config: Tree, addresses: Sequence[str], message_bytes: int) -> Iterator[Pipeline]:
    pipelines, exporters = _tree(_tree(config, "service"), "pipelines"), _tree(config, "exporters")
    for name, said in pipelines.items():
        for exporter in said.get("exporters") or () if _kind(name) == "traces" else ():
            settings = exporters.get(exporter) or {}
            leads = "rater" in exporter or _address(str(settings.get("endpoint", ""))) in addresses
            if _kind(exporter) in OTLP and leads:
                known = _tree(config, "processors")
                processors = [(one, known.get(one) or {}) for one in said.get("processors") or ()]
                yield Pipeline(name, processors, exporter, settings, config, message_bytes)


def _queue(pipeline: Pipeline) -> Iterator[Finding]:
    queue = _tree(pipeline.settings, "sending_queue")
    storage = str(queue.get("storage") or "")
    if queue.get("enabled") is False or not storage:
        yield problem(
            f"{pipeline.exporter} keeps its queue in memory: a crash loses what was acknowledged to applications",
            "Set sending_queue.storage to a file_storage extension.",
        )
        return
    disk = _tree(_tree(pipeline.config, "extensions"), storage)
    if _kind(storage) != "file_storage" or storage not in (_tree(pipeline.config, "service").get("extensions") or ()):
        yield problem(
            f"{pipeline.exporter} names storage {storage}, which is no running file_storage extension",
            "Define it under extensions, and list it under service.extensions.",
        )
    elif disk.get("fsync") is not True:
        yield warning(
            f"{storage} does not sync: a power failure loses what was acknowledged",
            "Set fsync: true in the extension.",
        )
    else:
        yield ok(f"{pipeline.exporter} keeps its queue on disk, synced")
    yield _size(pipeline, queue)
    if queue.get("block_on_overflow") is not True:
        yield warning(
            f"{pipeline.exporter} refuses when its queue is full; most SDKs drop after seconds of that",
            "Set sending_queue.block_on_overflow: true.",
        )


def _size(pipeline: Pipeline, queue: Tree) -> Finding:
    sizer, size = queue.get("sizer", "requests"), _whole(queue.get("queue_size", 1000))
    said = f"{pipeline.exporter}: the queue holds {size} {sizer}"
    if sizer != "bytes" or size is None:
        return warning(f"{said}, of any size", "Size it in bytes: sizer: bytes, queue_size: 1073741824.")
    if size < SMALL_QUEUE_BYTES:
        return warning(said, "Give it room for the longest outage: spans a second x seconds x 440 bytes.")
    return ok(said)


def _retry(pipeline: Pipeline) -> Iterator[Finding]:
    retry = _tree(pipeline.settings, "retry_on_failure")
    limit = str(retry.get("max_elapsed_time", "300s"))
    if retry.get("enabled") is False or float(re.sub(r"[^0-9.]", "", limit) or 0) != 0:
        yield problem(
            f"{pipeline.exporter} gives up after {limit}: a longer outage of the rater loses what is in the queue",
            "Set retry_on_failure.enabled: true and max_elapsed_time: 0s.",
        )
    else:
        yield ok(f"{pipeline.exporter} tries again without end")


def _batches(pipeline: Pipeline) -> Iterator[Finding]:
    batch = _tree(_tree(pipeline.settings, "sending_queue"), "batch")
    most = _whole(batch.get("max_size", 0))
    if batch and batch.get("sizer") == "bytes" and most and most > pipeline.message_bytes:
        yield problem(
            f"{pipeline.exporter} sends batches of up to {most} bytes; the rater takes {pipeline.message_bytes} "
            "and refuses larger ones for good",
            "Lower sending_queue.batch.max_size, or raise limits.message_bytes.",
        )


def _steps(pipeline: Pipeline) -> Iterator[Finding]:
    kinds = [_kind(name) for name, _said in pipeline.processors]
    for (name, _said), kind in zip(pipeline.processors, kinds, strict=True):
        if kind == "batch":
            yield problem(
                f"{name} answers applications before anything is stored, and drops what fails later",
                f"Take it out of {pipeline.name}; sending_queue.batch does its work.",
            )
        elif kind in SAMPLERS:
            yield problem(
                f"{name} samples in front of the rater: calls go unbilled", f"Take it out of {pipeline.name}."
            )
        elif kind == "filter":
            yield warning(
                f"{name} filters in front of the rater: a root span without gen_ai.* holds the customer",
                f"Take it out of {pipeline.name}, or make sure that it drops no span of a trace with calls.",
            )
    if kinds[:1] != ["memory_limiter"]:
        yield warning(
            f"{pipeline.name} has no memory_limiter in its first place: much traffic may kill the Collector",
            "Put memory_limiter first.",
        )
    elif not SAMPLERS & set(kinds) and "batch" not in kinds:
        yield ok(f"{pipeline.name} samples nothing, and answers when its queue has the data")


def _content(pipeline: Pipeline) -> Iterator[Finding]:
    passing = list(_removals(pipeline))
    loose = [name for name, groups in passing if any(context not in UNTYPED for context, _rules in groups)]
    if loose:
        yield problem(
            f"{loose[0]} has statements without a context: spans without events keep their content",
            "Write one group for each context: resource, scope, span, spanevent.",
        )
    rules = [rule for _name, groups in passing for context, some in groups if context == "span" for rule in some]
    left = sorted(key for key in _CONTENT if not _removed(key, rules))
    if left:
        yield problem(
            f"{pipeline.name} lets {len(left)} of {len(_CONTENT)} known attributes of prompts and answers pass: "
            + ", ".join(left[:SHOWN]),
            f"Take the transform processor of collector-config/collector.yaml. {_README}",
        )
    else:
        yield ok(f"{pipeline.name} removes all {len(_CONTENT)} known attributes of prompts and answers")
    lost = sorted(key for key in KEPT_KEYS if _removed(key, rules))
    if lost:
        yield problem(
            f"{pipeline.name} removes {len(lost)} attributes that the rater reads: {', '.join(lost[:SHOWN])}",
            f"Let them pass; collector-config/generate.py writes the list of this release. {_README}",
        )


RULES: Final[tuple[Callable[[Pipeline], Iterator[Finding]], ...]] = (_queue, _retry, _batches, _steps, _content)
_CONTENT: Final = frozenset(
    key
    for key in (CONTENT_KEYS - REDUCED_KEYS) | {f"{prefix}0" for prefix in CONTENT_PREFIXES}
    if is_content(key) and key not in KEPT_KEYS
)
Rule = tuple[str, re.Pattern[str]]


def _removals(pipeline: Pipeline) -> Iterator[tuple[str, list[tuple[str, list[Rule]]]]]:
    """Yield each transform processor with its groups: (context, rules); a flat statement has the context ``""``."""
    for name, said in pipeline.processors:
        if _kind(name) == "transform":
            groups = []
            for group in said.get("trace_statements") or ():
                context, statements = ("", [group]) if isinstance(group, str) else _group(group)
                groups.append((context, [rule for text in statements if (rule := _rule(text)) is not None]))
            yield name, [group for group in groups if group[1]]


def _group(group: Tree) -> tuple[str, list[str]]:
    return str(group.get("context", "")), [str(one) for one in group.get("statements") or ()]


def _rule(statement: str) -> Rule | None:
    found = _KEYS.match(statement)
    try:
        return None if found is None else (found[1], re.compile(found[3].replace("\\\\", "\\")))
    except re.error:  # RE2 knows forms that Python does not: such a rule removes nothing that is sure
        return None


def _removed(key: str, rules: Sequence[Rule]) -> bool:
    return any((pattern.search(key) is not None) is (kind == "delete") for kind, pattern in rules)


def _kind(name: str) -> str:
    return name.partition("/")[0]


def _address(endpoint: str) -> str:
    return re.sub(r"^\w+://", "", endpoint).partition("/")[0].replace("localhost", "127.0.0.1")


def _tree(within: Tree, name: str) -> Tree:
    inner = within.get(name)
    return inner if isinstance(inner, dict) else {}


def _whole(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None
