"""docker-compose.yml, as far as it can be told without Docker: form, files, variables, ports, secrets, order."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.collector.process import CONFIG_FOLDER, REPOSITORY
from tests.compose.stack import ENDED, EXAMPLE, HEALTHY, Service, document, services, text, variables
from tests.dashboards.conftest import MISSING

SERVICES = services()
BY_NAME = {service.name: service for service in SERVICES}
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def schema(name: str) -> Any:
    return json.loads((resources.files("check_jsonschema") / "builtin_schemas/vendor" / name).read_text())


def test_it_is_a_compose_file() -> None:
    jsonschema.validate(document(), schema("compose-spec.json"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_it_is_a_workflow_with_pinned_actions(path: Path) -> None:
    said = yaml.safe_load(path.read_text().replace("\non:", '\n"on":'))  # a bare `on` is true in YAML 1.1
    jsonschema.validate(said, schema("github-workflows.json"))
    assert said["permissions"] == {"contents": "read"}
    steps = [step for job in said["jobs"].values() for step in job["steps"]]
    assert all(re.search(r"@v\d", step["uses"]) for step in steps if "uses" in step)


def test_every_variable_is_explained_with_its_default_and_no_other() -> None:
    lines = EXAMPLE.read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert said == variables()
    for name in said:
        above = lines[: next(place for place, line in enumerate(lines) if line.startswith(f"{name}="))]
        block = "\n".join(above).rpartition("\n\n")[2]
        assert block.startswith("# "), name


@every_service
def test_every_mounted_file_exists_and_is_mounted_read_only(service: Service) -> None:
    for mount in service.mounts:
        if mount.is_volume:
            assert mount.source in document()["volumes"]
        else:
            assert (REPOSITORY / mount.source).exists(), mount.source
            assert mount.read_only, mount.source


@every_service
def test_every_file_that_an_argument_names_is_mounted(service: Service) -> None:
    for word in service.command:
        path = word.rpartition("=")[2]
        if path.startswith("/etc/"):
            mount = max((one for one in service.mounts if path.startswith(one.target)), key=lambda one: len(one.target))
            assert (REPOSITORY / mount.source / Path(path).relative_to(mount.target)).exists(), path


@every_service
def test_every_image_is_pinned(service: Service) -> None:
    _, _, tag = service.image.rpartition(":")
    assert re.search(r"\d+\.\d+\.\d+", tag), service.image


def test_the_collector_is_of_the_version_that_ours_is_built_from() -> None:
    manifest = yaml.safe_load((CONFIG_FOLDER / "builder.yaml").read_text())
    assert BY_NAME["collector"].image.endswith(f"contrib:{manifest['dist']['version']}")


@every_service
def test_every_port_is_published_on_loopback(service: Service) -> None:
    for port in service.ports:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


@every_service
def test_no_service_may_more_than_it_must(service: Service) -> None:
    assert not {"privileged", "cap_add", "pid", "devices", "userns_mode"} & set(service.raw)
    assert service.raw["cap_drop"] == ["ALL"]
    assert service.raw["security_opt"] == ["no-new-privileges:true"]
    assert service.raw.get("read_only", False) or service.name == "grafana"
    assert "docker.sock" not in str(service.raw)
    assert service.raw.get("user") not in {"0", "root", "0:0"}


def test_there_is_no_secret_in_the_file() -> None:
    for name, value in re.findall(r"^ +(\w*(?:PASSWORD|TOKEN|KEY|SECRET)\w*): (.+)$", text(), re.MULTILINE):
        assert value.startswith("/run/") or value == "none", name
    assert "tsk_" not in text() + EXAMPLE.read_text()


def test_a_secret_reaches_only_those_that_need_it() -> None:
    users = {
        volume: {service.name for service in SERVICES for mount in service.mounts if mount.source == volume}
        for volume in ("ingest-key", "query-key", "grafana-password")
    }
    assert users == {
        "ingest-key": {"prepare", "collector"},
        "query-key": {"prepare", "prometheus", "grafana"},
        "grafana-password": {"prepare", "grafana"},
    }


@every_service
def test_who_is_waited_for_can_tell(service: Service) -> None:
    for other, condition in service.after.items():
        assert BY_NAME[other].health or condition != HEALTHY, other
        assert BY_NAME[other].raw["restart"] == "no" or condition != ENDED, other


def test_every_host_that_is_named_is_a_service() -> None:
    shipped = [*CONFIG_FOLDER.glob("*.yaml"), *(REPOSITORY / "dashboards").glob("*/provisioning/*/*.yaml")]
    said = text() + "".join(
        path.read_text() for path in [*shipped, REPOSITORY / "dashboards/prometheus/prometheus.yaml"]
    )
    hosts = set(re.findall(r"(?:http://|[\"\s])([a-z]+):\d{4,5}\b", said)) - {"localhost", "endpoint"}
    assert hosts <= set(BY_NAME), hosts - set(BY_NAME)
    assert {"rater", "collector", "tempo", "prometheus"} <= hosts


def test_grafana_reads_what_is_mounted() -> None:
    mounts = {mount.target: mount.source for mount in BY_NAME["grafana"].mounts}
    [provider] = yaml.safe_load(
        next((REPOSITORY / "dashboards/grafana/provisioning/dashboards").iterdir()).read_text()
    )["providers"]
    assert mounts[provider["options"]["path"]] == "./dashboards/grafana/json"
    home = Path(BY_NAME["grafana"].environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (REPOSITORY / mounts[str(home.parent)] / home.name).exists()


@pytest.mark.collector
def test_the_collector_accepts_its_files(collector_binary: Path, tmp_path: Path) -> None:
    collector = BY_NAME["collector"]
    key = tmp_path / "key"
    key.write_text("tsk_made-up")
    words = [word.replace("/etc/tollspan", str(CONFIG_FOLDER)) for word in collector.command]
    env = {**collector.environment, "TOLLSPAN_RATER_TOKEN_FILE": str(key)}
    said = subprocess.run([collector_binary, "validate", *words], env=env, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    key.unlink()
    assert subprocess.run([collector_binary, "validate", *words], env=env, capture_output=True, check=False).returncode


def test_prometheus_accepts_its_files(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip(MISSING)
    config = REPOSITORY / "dashboards/prometheus/prometheus.yaml"
    said = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", config], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr + said.stdout
