"""docker-compose.yml and the Dockerfile as data: services in the order of their start, variables filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from tests.collector.process import REPOSITORY

COMPOSE: Final = REPOSITORY / "docker-compose.yml"
DOCKERFILE: Final = REPOSITORY / "Dockerfile"
EXAMPLE: Final = REPOSITORY / ".env.example"
HEALTHY, ENDED = "service_healthy", "service_completed_successfully"
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class Mount:
    """What a service sees at a path: a named volume, or a file or folder of the repository."""

    source: str
    target: str
    read_only: bool

    @property
    def is_volume(self) -> bool:
        return not self.source.startswith(".")


@dataclass(frozen=True)
class Service:
    """One service; ``after`` names what must be there before it, with the condition."""

    name: str
    image: str
    stage: str | None
    command: Sequence[str]
    environment: Mapping[str, str]
    mounts: Sequence[Mount]
    ports: Sequence[str]
    after: Mapping[str, str]
    health: Sequence[str]
    network_of: str
    raw: Mapping[str, Any]


def text() -> str:
    return COMPOSE.read_text(encoding="utf-8")


def variables() -> dict[str, str | None]:
    """Every variable of the file with its default; None without one."""
    return {name: default or None for name, default in _VARIABLE.findall(text())}


def document(env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with its variables filled in, from ``env`` or their defaults."""
    filled = _VARIABLE.sub(lambda found: (env or {}).get(found[1], found[2] or ""), text())
    read: dict[str, Any] = yaml.safe_load(filled)
    return read


def services(env: Mapping[str, str] | None = None) -> list[Service]:
    """The services, each behind all that it waits for."""
    named = {name: _service(name, said) for name, said in document(env)["services"].items()}
    ordered: list[Service] = []
    while len(ordered) < len(named):
        known = {service.name for service in ordered}
        ready = [each for name, each in named.items() if name not in known and set(each.after) <= known]
        assert ready, f"services wait for each other: {set(named) - known}"
        ordered.append(ready[0])
    return ordered


def _service(name: str, said: Mapping[str, Any]) -> Service:
    stage = said.get("build", {}).get("target")
    waits = said.get("depends_on", {})
    test = said.get("healthcheck", {}).get("test") or (image_health(stage) if stage else [])
    return Service(
        name=name,
        image=said["image"],
        stage=stage,
        command=[str(word) for word in said.get("command", [])],
        environment={key: str(value) for key, value in said.get("environment", {}).items()},
        mounts=[_mount(entry) for entry in said.get("volumes", [])],
        ports=said.get("ports", []),
        after={other: how["condition"] for other, how in waits.items()},
        health=test,
        network_of=said.get("network_mode", f"service:{name}").removeprefix("service:"),
        raw=said,
    )


def _mount(entry: str) -> Mount:
    source, target, *options = entry.split(":")
    return Mount(source, target, options == ["ro"])


@dataclass(frozen=True)
class Stage:
    """A stage of the Dockerfile: its base and its instructions."""

    name: str
    base: str
    steps: Sequence[tuple[str, str]]


@cache
def stages() -> dict[str, Stage]:
    """The stages of the Dockerfile by name, in order."""
    found: dict[str, Stage] = {}
    name, base, steps = "", "", list[tuple[str, str]]()
    for word, rest in [*_instructions(), ("FROM", " AS ")]:
        if word == "FROM":
            if name:
                found[name] = Stage(name, base, steps)
            base, _, name = (part.strip() for part in rest.partition(" AS "))
            steps = []
        else:
            steps.append((word, rest))
    return found


def lineage(name: str) -> Iterator[Stage]:
    """A stage and the stages that it is built on."""
    while name in stages():
        yield stages()[name]
        name = stages()[name].base


def arguments() -> dict[str, str]:
    """The Dockerfile's ARGs with their defaults."""
    return dict(rest.split("=", 1) for word, rest in _instructions() if word == "ARG")


def image_health(name: str) -> list[str]:
    """What asks an image for its health, as compose writes it; nothing where it has none."""
    for stage in lineage(name):
        for word, rest in stage.steps:
            if word == "HEALTHCHECK":
                return ["CMD", *json.loads(rest.partition(" CMD ")[2])]
    return []


def _instructions() -> Iterator[tuple[str, str]]:
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, " ".join(rest.split())
