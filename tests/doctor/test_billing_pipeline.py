"""The shipped configurations are safe; each change that loses spans or lets prompts out is found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.collector.process import CONFIG_FOLDER
from tests.doctor.setups import assert_found
from tollspan_rater.doctor import billing_pipeline
from tollspan_rater.doctor.billing_pipeline import findings
from tollspan_rater.doctor.collector_file import read
from tollspan_rater.doctor.finding import State
from tollspan_rater.errors import UsageError

WARNING, PROBLEM = State.WARNING, State.PROBLEM
RATER = ("127.0.0.1:4317", "127.0.0.1:4318")
MESSAGE = 16 * 2**20
SHIPPED = CONFIG_FOLDER / "collector.yaml"
EXPORTER, QUEUE = "exporters.otlp_grpc/rater", "exporters.otlp_grpc/rater.sending_queue"
PIPELINE, DISK = "service.pipelines.traces/billing", "extensions.file_storage/billing"
STATEMENTS = "processors.transform/reduce.trace_statements"
DROP = 'delete_matching_keys(attributes, "^gen_ai[.]input[.]messages$")'


@pytest.mark.parametrize("more", [[], ["collector-token.yaml"], ["collector-token-file.yaml", "collector-tempo.yaml"]])
def test_what_is_shipped_is_safe(more: list[str]) -> None:
    config = read([SHIPPED, *(CONFIG_FOLDER / name for name in more)], {})
    found = list(findings(config, RATER, MESSAGE))
    assert_found(found, {})
    assert [rule.__name__ for rule in billing_pipeline.RULES] == ["_queue", "_retry", "_batches", "_steps", "_content"]
    assert len(found) == 5


CHANGES: list[tuple[dict[str, Any], dict[str, State]]] = [
    ({f"{QUEUE}.storage": None}, {"keeps its queue in memory": PROBLEM}),
    ({f"{QUEUE}.enabled": False}, {"keeps its queue in memory": PROBLEM}),
    ({QUEUE: None}, {"keeps its queue in memory": PROBLEM}),
    ({"service.extensions": ["health_check"]}, {"no running file_storage": PROBLEM}),
    ({f"{DISK}.fsync": False}, {"does not sync": WARNING}),
    ({f"{QUEUE}.block_on_overflow": False}, {"refuses when its queue is full": WARNING}),
    ({f"{QUEUE}.queue_size": 2**20}, {"holds 1048576 bytes": WARNING}),
    ({f"{QUEUE}.sizer": None, f"{QUEUE}.queue_size": None}, {"holds 1000 requests, of any size": WARNING}),
    ({f"{EXPORTER}.retry_on_failure.max_elapsed_time": "300s"}, {"gives up after 300s": PROBLEM}),
    ({f"{EXPORTER}.retry_on_failure": None}, {"gives up after 300s": PROBLEM}),
    ({f"{EXPORTER}.retry_on_failure.enabled": False}, {"gives up": PROBLEM}),
    ({f"{QUEUE}.batch.max_size": 2**26}, {"refuses larger ones for good": PROBLEM}),
    ({f"{PIPELINE}.processors": ["memory_limiter", "batch", "transform/reduce"]}, {"batch answers": PROBLEM}),
    (
        {f"{PIPELINE}.processors": ["memory_limiter", "probabilistic_sampler/x", "transform/reduce"]},
        {"samples in front": PROBLEM},
    ),
    ({f"{PIPELINE}.processors": ["memory_limiter", "filter/llm", "transform/reduce"]}, {"filters in front": WARNING}),
    ({f"{PIPELINE}.processors": ["transform/reduce"]}, {"no memory_limiter in its first place": WARNING}),
    ({f"{PIPELINE}.processors": ["memory_limiter"]}, {"known attributes of prompts and answers pass": PROBLEM}),
    (
        {STATEMENTS: [DROP.replace("(attributes", "(span.attributes"), DROP]},
        {"without a context": PROBLEM, "known attributes of prompts": PROBLEM},
    ),
    (
        {STATEMENTS: [{"context": "span", "statements": ['keep_matching_keys(attributes, "^gen_ai[.]usage")']}]},
        {"attributes that the rater reads": PROBLEM},
    ),
    ({f"{PIPELINE}.exporters": ["debug"]}, {"no pipeline of traces leads to the rater": PROBLEM}),
    ({"service": None}, {"no pipeline": PROBLEM}),
]


@pytest.mark.parametrize(("changes", "wanted"), CHANGES, ids=[" ".join(change) for change, _wanted in CHANGES])
def test_a_change_that_loses_something_is_found(changes: Mapping[str, Any], wanted: Mapping[str, State]) -> None:
    config = read([SHIPPED], {})
    for path, value in changes.items():
        *above, last = path.split(".")
        inner = config
        for name in above:
            inner = inner[name]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    assert_found(findings(config, RATER, MESSAGE), wanted)


def test_the_rater_is_known_by_its_address_too(tmp_path: Path) -> None:
    text = SHIPPED.read_text().replace("otlp_grpc/rater", "otlp/billing")
    (tmp_path / "c.yaml").write_text(text.replace("127.0.0.1:4317", "http://localhost:4317"))
    assert_found(findings(read([tmp_path / "c.yaml"], {}), RATER, MESSAGE), {})


def test_files_are_merged_and_variables_filled_as_the_collector_does(tmp_path: Path) -> None:
    below, above = tmp_path / "a.yaml", tmp_path / "b.yaml"
    below.write_text("a: {b: '${env:SIZE:-1024}', c: 'x${env:NAME}y'}\nl: [1, 2]\nf: ${file:/key}\n")
    above.write_text("a:\n  d: ${env:ON:-true}\nl: [3]\n")
    assert read([below, above], {"NAME": "n"}) == {
        "a": {"b": 1024, "c": "xny", "d": True},
        "l": [3],
        "f": "${file:/key}",
    }
    assert read([below], {"SIZE": "7"})["a"]["b"] == 7


@pytest.mark.parametrize("text", ["- a", "a: [", "\x00"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match="cannot be read as a Collector's configuration"):
        read([path], {})
