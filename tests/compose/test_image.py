"""The Dockerfile: what its images are made of, who runs them, and that its build works, done here as it does it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.collector.process import REPOSITORY
from tests.compose.stack import Stage, arguments, document, image_health, lineage, services, stages

IMAGES = ("rater", "example")
every_image = pytest.mark.parametrize("image", IMAGES)


def copies(stage: Stage) -> Iterator[tuple[str | None, list[str], str]]:
    """The COPY steps of a stage: from which stage, what, where to."""
    for word, rest in stage.steps:
        if word == "COPY":
            origin = re.match(r"--from=(\S+) ", rest)
            *sources, target = rest.removeprefix(origin[0] if origin else "").split()
            yield origin[1] if origin else None, sources, target


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets a path through; its last fitting line decides."""
    sent = True
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if (
            line
            and not line.startswith("#")
            and any(fnmatch(part, pattern) for part in (path, path.split("/", maxsplit=1)[0]))
        ):
            sent = line.startswith("!")
    return sent


def test_the_last_image_is_the_rater() -> None:
    assert list(stages())[-1] == "rater"
    assert {service.stage for service in services() if service.stage} == set(IMAGES)


def test_bases_are_pinned() -> None:
    bases = {stage.base for stage in stages().values()} - set(stages())
    assert bases == {"${PYTHON_IMAGE}"}
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", arguments()["PYTHON_IMAGE"])
    lock = (REPOSITORY / "uv.lock").read_text()
    assert f'name = "uv"\nversion = "{arguments()["UV_VERSION"]}"' in lock


@every_image
def test_nobody_runs_it_as_root(image: str) -> None:
    users = [rest for stage in lineage(image) for word, rest in stage.steps if word == "USER"]
    assert users == ["10001:10001"]


@every_image
def test_nothing_that_builds_stays_in_it(image: str) -> None:
    steps = [rest for stage in lineage(image) for word, rest in stage.steps if word == "RUN"]
    assert any("pip uninstall" in step for step in steps)
    assert not any(re.search(r"pip install|\buv\b|apt-get|curl|wget", step) for step in steps)
    origins = [(origin, sources) for stage in lineage(image) for origin, sources, _to in copies(stage)]
    assert all(origin is None or sources == ["/opt/tollspan"] for origin, sources in origins)


def test_what_is_copied_exists_and_is_sent_to_the_builder() -> None:
    for stage in stages().values():
        for origin, sources, _target in copies(stage):
            if origin is not None:
                assert origin in stages()
            else:
                assert all((REPOSITORY / source).exists() for source in sources), sources
                assert all(is_sent(source) for source in sources), sources
    assert not any(is_sent(name) for name in (".git", ".env", ".venv", ".tollspan", "tests", "docs"))


def test_the_rater_tells_its_health() -> None:
    how, program, *words = image_health("rater")
    assert (how, program) == ("CMD", "python")
    assert "127.0.0.1:4319/healthz" in words[-1]
    assert image_health("example") == []


def test_folders_of_new_volumes_belong_to_the_user() -> None:
    [made] = [rest for word, rest in stages()["base"].steps if word == "RUN"]
    assert "chown 10001:10001" in made
    for service in services():
        if service.stage:
            for mount in service.mounts:
                assert not mount.is_volume or mount.target in made, mount.target


def test_the_version_is_that_of_the_distribution() -> None:
    version = re.search(r'^version = "(.+)"', (REPOSITORY / "rater/pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    images = {service.image for service in services() if service.stage}
    assert images == {f"tollspan-rater:{version[1]}", f"tollspan-example:{version[1]}"}


def test_the_build_works_with_nothing_but_what_is_copied(tmp_path: Path) -> None:
    context = tmp_path / "src"
    for _origin, sources, _target in copies(stages()["source"]):
        for source in sources:
            take(REPOSITORY / source, context / source)
    steps = [rest for word, rest in stages()["build-rater"].steps if word == "RUN"]
    assert steps == ["sh compose/install.sh /opt/tollspan"]
    script, target = steps[0].split()[1], tmp_path / "opt"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    built = subprocess.run(
        ["sh", script, target],
        cwd=context,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    said = subprocess.run([target / "bin/tollspan", "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("tollspan, version ")
    installed = {path.name.partition("-")[0].lower() for path in target.glob("lib/python*/site-packages/*.dist-info")}
    assert {"tollspan", "tollspan_rater", "duckdb"} <= installed
    assert not {"openai", "anthropic", "pytest", "pip", "uv"} & installed


def take(source: Path, target: Path) -> None:
    """Copy as the builder gets it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".venv"))
    else:
        shutil.copy(source, target)


def test_the_example_is_the_file_that_runs() -> None:
    [example] = [service for service in services() if service.name == "app"]
    [(_origin, [source], target)] = [copy for copy in copies(stages()["example"]) if copy[0] is None]
    assert (REPOSITORY / example.command[-1].replace(target, source)).exists()
    assert yaml.safe_load((REPOSITORY / "compose/tempo.yaml").read_text())["server"]["http_listen_port"] == 3200
    assert document()["name"] == "tollspan"
