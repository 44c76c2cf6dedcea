"""Isolated environments with the newest releases, made anew or brought up to date below a cache folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.stack import Stack, bare

REPOSITORY = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parent / "stacks"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tollspan" / "conformance"
OWN = {"tollspan": str(REPOSITORY / "instrumentation")}  # this repository's own, not a release
BASE = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
NODE_BASE = (
    "@opentelemetry/sdk-trace-node", "@opentelemetry/resources", "@opentelemetry/exporter-trace-otlp-proto",
)  # fmt: skip
INSTALL_S = 900
_ABOUT_LOGS = ("A complete log", "For a full report", "/")


class InstallError(Exception):
    """An environment could not be made; the message is the installer's last line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """How a stack's script is started, and the versions that it runs with."""

    command: tuple[str, ...]
    versions: Mapping[str, str]


def prepare(stack: Stack) -> Environment:
    """Make a stack's environment, or bring it up to date.

    Raises:
        InstallError: with what the installer said last.
    """
    folder = CACHE / (stack.home or stack.name)
    folder.mkdir(parents=True, exist_ok=True)
    return _node(stack, folder) if stack.script.endswith(".mjs") else _python(stack, folder)


def _python(stack: Stack, folder: Path) -> Environment:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") or "uv"
    python = folder / "bin" / "python"
    if not python.exists():
        _run([uv, "venv", "--quiet", "--python", sys.executable, "--clear", str(folder)], folder)
    packages = [OWN.get(name, name) for name in (*stack.packages, *BASE)]  # first named, newest chosen
    anew = [f"--reinstall-package={name}" for name in OWN]  # its version stays while its code changes
    _run([uv, "pip", "install", "--quiet", "--upgrade", *anew, "--python", str(python), *packages], folder)
    listed = _run([uv, "pip", "list", "--quiet", "--format", "json", "--python", str(python)], folder)
    versions = {one["name"]: one["version"] for one in json.loads(listed)}
    return Environment((str(python), str(SCRIPTS / stack.script)), versions)


def _node(stack: Stack, folder: Path) -> Environment:
    shutil.rmtree(folder)  # npm keeps what is there; its own cache makes a second time short
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    npm, node = shutil.which("npm") or "npm", shutil.which("node") or "node"
    packages = [*stack.packages, *NODE_BASE]
    _run([npm, "install", "--loglevel=error", "--no-audit", "--no-fund", *packages], folder)
    versions = {name: _node_version(folder, name) for name in map(bare, packages)}
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, folder / script.name)  # modules are looked up from where a script lies
    return Environment((node, str(folder / stack.script)), versions)


def _node_version(folder: Path, package: str) -> str:
    return str(json.loads((folder / "node_modules" / package / "package.json").read_text())["version"])


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(str(error)) from error
    if done.returncode:
        lines = [line.removeprefix("npm error").strip() for line in (done.stderr or done.stdout).splitlines()]
        said = [line for line in lines if line and not line.startswith(_ABOUT_LOGS)]
        raise InstallError((said or [f"exit code {done.returncode}"])[-1][:300])
    return done.stdout
