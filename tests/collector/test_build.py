"""The build script: what it does with and without Go, with and without a cached Collector, when a build fails."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.collector.process import CONFIG_FOLDER

TOOLS = ("bash", "env", "python3", "sed", "sort", "head", "mktemp", "mkdir", "mv", "rm", "dirname", "cat", "chmod")
FAKE_GO = """#!/usr/bin/env bash
if [[ $1 == env ]]; then echo "{version}"; exit 0; fi
mkdir -p "$GOBIN"
cat > "$GOBIN/builder" <<'BUILDER'
{builder}
BUILDER
chmod +x "$GOBIN/builder"
"""
WORKING_BUILDER = """#!/usr/bin/env bash
mkdir -p _build && echo built > _build/tollspan-collector && chmod +x _build/tollspan-collector"""
FAILING_BUILDER = """#!/usr/bin/env bash
mkdir -p _build && echo half > _build/tollspan-collector && exit 1"""


@dataclass
class Machine:
    """A machine with a few tools, an empty cache, and Go only when one is put there."""

    tools: Path
    cache: Path

    @property
    def binary(self) -> Path:
        digest = hashlib.sha256((CONFIG_FOLDER / "builder.yaml").read_bytes()).hexdigest()
        return self.cache / "collector" / digest / "tollspan-collector"

    def with_go(self, version: str, builder: str = WORKING_BUILDER) -> Machine:
        go = self.tools / "go"
        go.write_text(FAKE_GO.format(version=version, builder=builder))
        go.chmod(0o755)
        return self

    def build(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.tools), "TOLLSPAN_CACHE": str(self.cache), "HOME": str(self.cache)}
        command = [str(CONFIG_FOLDER / "build"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def left_aside(self) -> list[Path]:
        return list(self.cache.glob("build.*"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = sys.executable if name == "python3" else shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    return Machine(tools, tmp_path / "cache")


def test_builds_and_prints_the_path_last(machine: Machine) -> None:
    done = machine.with_go("go1.26.8").build()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(machine.binary)
    assert machine.binary.read_text() == "built\n"
    assert not machine.left_aside()


def test_does_nothing_when_it_is_built(machine: Machine) -> None:
    machine.binary.parent.mkdir(parents=True)
    machine.binary.write_text("there")
    machine.binary.chmod(0o755)
    done = machine.build()  # no Go here: an attempt to build would fail
    assert (done.returncode, done.stdout) == (0, f"{machine.binary}\n")
    assert machine.binary.read_text() == "there"


@pytest.mark.parametrize(("built", "code"), [(True, 0), (False, 1)])
def test_prints_the_path_on_request(machine: Machine, built: bool, code: int) -> None:
    if built:
        machine.with_go("go1.26.8").build()
    done = machine.build("--print-path")
    assert (done.returncode, done.stdout) == (code, f"{machine.binary}\n")


def test_says_that_go_is_missing(machine: Machine) -> None:
    done = machine.build()
    assert done.returncode == 3
    assert "Go is not installed" in done.stderr


@pytest.mark.parametrize("version", ["go1.19.8", "go1.9", "go1.25.12"])
def test_says_that_go_is_too_old(machine: Machine, version: str) -> None:
    done = machine.with_go(version).build()
    assert done.returncode == 3
    assert f"Go {version.removeprefix('go')} is too old" in done.stderr


@pytest.mark.parametrize("version", ["go1.26", "go1.26.0", "go1.30.1", "go2.0"])
def test_takes_newer_go(machine: Machine, version: str) -> None:
    assert machine.with_go(version).build().returncode == 0


def test_a_failed_build_leaves_nothing_that_looks_finished(machine: Machine) -> None:
    done = machine.with_go("go1.26.8", FAILING_BUILDER).build()
    assert done.returncode == 1
    assert "the build failed" in done.stderr
    assert not machine.binary.exists()
    assert not machine.left_aside()


def test_refuses_an_unknown_argument(machine: Machine) -> None:
    done = machine.build("--force")
    assert done.returncode == 2
    assert "--force" in done.stderr
