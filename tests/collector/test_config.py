"""What the shipped configuration promises, read from the file: no Collector is needed."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.process import CONFIG_FOLDER

from tollspan_rater.extract.attributes import (
    CONTENT_KEYS,
    CONTENT_PREFIXES,
    KEPT_KEYS,
    KEPT_PREFIXES,
    REDUCED_KEYS,
    is_kept,
)

OVERLAYS = ("collector-token.yaml", "collector-tempo.yaml")
RATER_LIMIT_BYTES = 16 * 1024 * 1024


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONFIG_FOLDER / name).read_text())
    return loaded


def default(value: object) -> object:
    """Return the default of ``${env:NAME:-default}``, read as YAML; other values as they are."""
    found = re.fullmatch(r"\$\{env:\w+:-(.*)\}", value) if isinstance(value, str) else None
    return yaml.safe_load(found[1]) if found else value


CONFIG = load("collector.yaml")
RATER = CONFIG["exporters"]["otlp_grpc/rater"]
QUEUE = RATER["sending_queue"]
BILLING = CONFIG["service"]["pipelines"]["traces/billing"]
GROUPS = {
    group["context"]: group["statements"] for group in CONFIG["processors"]["transform/reduce"]["trace_statements"]
}


def test_billing_pipeline_neither_samples_nor_filters_nor_batches_in_memory() -> None:
    assert BILLING["processors"] == ["memory_limiter", "transform/reduce"]


def test_no_batch_processor_in_the_distribution() -> None:
    modules = [entry["gomod"] for kind in ("processors", "connectors") for entry in load("builder.yaml").get(kind, [])]
    assert not [module for module in modules if "batch" in module or "sampl" in module]


def test_every_part_of_the_distribution_has_the_version_of_the_builder() -> None:
    manifest = load("builder.yaml")
    kinds = ("receivers", "processors", "exporters", "extensions")
    versions = {entry["gomod"].split()[1] for kind in kinds for entry in manifest[kind]}
    assert versions == {f"v{manifest['dist']['version']}"}


def test_retry_never_ends() -> None:
    assert RATER["retry_on_failure"]["enabled"]
    assert RATER["retry_on_failure"]["max_elapsed_time"] == "0s"


def test_queue_is_on_disk_synced_and_pushes_back_when_full() -> None:
    assert QUEUE["enabled"]
    assert QUEUE["block_on_overflow"]
    storage = CONFIG["extensions"][QUEUE["storage"]]
    assert QUEUE["storage"] in CONFIG["service"]["extensions"]
    assert storage["fsync"]
    assert storage["create_directory"]
    assert not storage.get("recreate", False)


def test_sizes_fit_into_each_other_so_that_no_span_can_be_too_large_for_the_next_step() -> None:
    protocols = CONFIG["receivers"]["otlp"]["protocols"]
    received = protocols["grpc"]["max_recv_msg_size_mib"] * 1024 * 1024
    assert received == protocols["http"]["max_request_body_size"]
    assert QUEUE["sizer"] == QUEUE["batch"]["sizer"] == "bytes"
    assert QUEUE["batch"]["min_size"] < received < QUEUE["batch"]["max_size"] <= RATER_LIMIT_BYTES
    queue_size = default(QUEUE["queue_size"])
    assert isinstance(queue_size, int)
    assert queue_size >= 16 * received


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_listens_on_loopback_unless_told_otherwise(protocol: str) -> None:
    endpoint = default(CONFIG["receivers"]["otlp"]["protocols"][protocol]["endpoint"])
    assert str(endpoint).startswith("127.0.0.1:")


def test_each_context_has_its_own_group() -> None:
    assert list(GROUPS) == ["resource", "scope", "span", "spanevent"]
    assert GROUPS["span"][:2] == GROUPS["scope"] == GROUPS["resource"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_leave_the_billing_pipeline_alone(overlay: str) -> None:
    service = load(overlay).get("service", {})
    assert "traces/billing" not in service.get("pipelines", {})
    assert "extensions" not in service  # a list in a later file replaces the earlier one


def test_readme_lists_every_variable_with_its_default() -> None:
    texts = [(CONFIG_FOLDER / name).read_text() for name in ("collector.yaml", *OVERLAYS)]
    rows = (CONFIG_FOLDER / "README.md").read_text().splitlines()
    for name, has_default, value in re.findall(r"\$\{env:(\w+)(:-)?([^}]*)\}", "\n".join(texts)):
        row = next((row for row in rows if row.startswith("|") and f"`{name}`" in row), None)
        assert row, f"{name} is not in the table of README.md"
        assert not (has_default and value) or f"`{value}`" in row


def test_committed_attribute_list_is_what_the_generator_writes() -> None:
    script = CONFIG_FOLDER / "generate.py"
    checked = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_attributes_of_span_rules_pass_when_they_are_named(tmp_path: Path) -> None:
    script, meters = CONFIG_FOLDER / "generate.py", tmp_path / "meters.yaml"
    when = "when: {attributes: {shop.kind: x, gen_ai.operation.name: chat}}"
    meters.write_text(f"rules: [{{rule: pages, meter: page, quantity: {{attribute: shop.pages}}, {when}}}]")
    spec = importlib.util.spec_from_file_location("generate", script)
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    committed = (CONFIG_FOLDER / "collector.yaml").read_text()
    also = generate.load(meters.name, meters.read_text()).keys
    written = generate.regenerated(committed, also)
    assert written.count("shop[.]pages$") == written.count("shop[.]kind$") == 1
    assert "shop" not in committed
    checked = subprocess.run(
        [sys.executable, script, "--check", "--meters", meters], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 1


def passes(key: str) -> bool:
    """Tell whether the statements of the file let an attribute of a span through."""
    drop, keep = (re.search(r'"(.*)"', statement) for statement in GROUPS["span"][:2])
    assert drop
    assert keep
    return not re.search(drop[1], key) and bool(re.search(keep[1], key))


KNOWN = sorted(CONTENT_KEYS | KEPT_KEYS | {f"{prefix}x" for prefix in (*CONTENT_PREFIXES, *KEPT_PREFIXES)})
DERIVED = st.builds(
    lambda start, key, end: start + key + end,
    *[st.sampled_from(["", "x", ".", "x."])],
    st.sampled_from(KNOWN),
    st.text(max_size=3),
)


@given(key=st.one_of(st.sampled_from(KNOWN), DERIVED, st.text()))
def test_list_means_the_same_as_the_tables(key: str) -> None:
    if "\n" not in key:  # `$` also matches before a last newline in Python, never in the Collector's RE2
        assert passes(key) == (is_kept(key) or key in REDUCED_KEYS)
