"""The processes of docker-compose.yml without Docker: same order, same arguments, same files; other paths and ports.

``python -m tests.compose.processes`` starts them, looks for a call at both ends, and stops them. What cannot be had as
a program here (Grafana) is left out and said; Tempo's place has a receiver that counts spans.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.child import Child
from tests.collector.process import REPOSITORY, find_binary, free_ports
from tests.collector.sink import Sink, listening
from tests.compose.stack import ENDED, HEALTHY, Mount, Service, services
from tests.end_to_end.process import wait_until

TOOLS: Final = Path(sys.executable).parent
PROMETHEUS, COLLECTOR = "prometheus", "collector"
EVERY, LOOPBACK = "0.0.0.0", "127.0.0.1"  # noqa: S104 - what containers listen on, not what is opened here
START_SECONDS: Final = 60.0
CALLS: Final = 9


def program(service: Service) -> list[str] | None:
    """What stands for the service's image here; None where nothing does."""
    if service.stage is not None:
        return []
    found = {PROMETHEUS: shutil.which("prometheus"), COLLECTOR: find_binary()}.get(service.name)
    return None if found is None else [str(found)]


class Process(Child):
    """A service as a process of this machine."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        super().__init__(folder / f"{name}.log")
        self.name, self.command, self.environment = name, list(command), dict(environment)
        self._folder = folder

    def run(self) -> None:
        """Run it to its end, which must be a good one."""
        with self.log_file.open("ab") as log:
            done = subprocess.run(self.command, stdout=log, stderr=log, env=self.environment, cwd=self._folder)  # noqa: PLW1510 - the assertion shows the log
        assert done.returncode == 0, self.log()

    def start(self) -> None:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self.environment, cwd=self._folder
            )

    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


class Machine:
    """Stands for the containers' network and volumes: a folder for each volume, a port of this machine for each port.

    ``other`` are texts of the mounted files with what stands there instead.
    """

    def __init__(self, folder: Path, env: Mapping[str, str], other: Mapping[str, str]) -> None:
        self.folder, self.services, self._other = folder, services(env), other
        self._ports: dict[tuple[str, str], int] = {}
        self._names = "|".join(service.name for service in self.services)
        self.processes: dict[str, Process] = {}
        self.left_out: list[str] = []

    def address(self, service: str, port: int | str) -> str:
        """HOST:PORT of this machine for a port of a service."""
        place = (service, str(port))
        if place not in self._ports:
            self._ports[place] = free_ports(1)[0]
        return f"127.0.0.1:{self._ports[place]}"

    def put(self, service: str, port: int, address: str) -> None:
        """Say where a port of a service is, for what is started beside."""
        self._ports[service, str(port)] = int(address.rpartition(":")[2])

    def here(self, service: Service, said: str) -> str:
        """Return a text of a service, an argument or a file's content, with the paths and addresses of this machine."""
        paths = {mount.target: str(self.path(service, mount)) for mount in service.mounts}
        targets = "|".join(map(re.escape, sorted(paths, key=len, reverse=True)))
        if paths:
            said = re.sub(rf"(?<![\w./-])({targets})(?![\w.-])", lambda found: paths[found[1]], said)
        said = re.sub(
            rf"(?:\b({self._names})|{re.escape(EVERY)}|{re.escape(LOOPBACK)}):(\d+)",
            lambda found: self.address(found[1] or service.network_of, found[2]),
            said,
        )
        said = re.sub(r"(?<=--port=)\d+", lambda found: self.address(service.network_of, found[0]).split(":")[1], said)
        return said.replace(EVERY, LOOPBACK).replace("/opt/examples", str(REPOSITORY / "examples"))

    def path(self, service: Service, mount: Mount) -> Path:
        """Where a mount lies here."""
        return (
            self.folder / "volumes" / mount.source if mount.is_volume else self.folder / service.name / mount.target[1:]
        )

    def start(self) -> None:
        """Start everything in its order, each when its conditions hold."""
        for service in self.services:
            self._lay_out(service)
            words = program(service)
            if words is None:
                self.left_out.append(service.name)
                continue
            for other, condition in service.after.items():
                self._wait_for(other, condition)
            command = self._found([*words, *(self.here(service, word) for word in service.command)])
            process = Process(service.name, command, self._environment(service), self.folder)
            self.processes[service.name] = process
            if ENDED in {each.after.get(service.name) for each in self.services}:
                process.run()
            else:
                process.start()

    def stop(self) -> None:
        """Stop what runs, the last first."""
        for process in reversed(self.processes.values()):
            process.stop() if not process.ended() else process.kill()

    def tollspan(self, *words: str) -> list[dict[str, Any]]:
        """Run a command beside the rater, as `docker compose exec rater` does."""
        environment = self.processes["rater"].environment
        command = [str(TOOLS / "tollspan"), *words, "--format", "json"]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        return list(json.loads(said))

    def doctor(self) -> list[dict[str, Any]]:
        """Ask what is wrong with all of it."""
        configs = [word for word in self.processes[COLLECTOR].command if word.startswith("--config=")]
        return self.tollspan(
            "doctor",
            f"--collector=http://{self.address(COLLECTOR, 13133)}",
            f"--collector-metrics=http://{self.address(COLLECTOR, 8888)}/metrics",
            *(f"--collector-{word.removeprefix('--')}" for word in configs),
            f"--key-file={self.folder / 'volumes/ingest-key/tollspan_key'}",
        )

    def prometheus(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that Prometheus has for an expression."""
        query = urllib.parse.quote(expression)
        url = f"http://{self.address('prometheus', 9090)}/api/v1/query?query={query}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])

    def _lay_out(self, service: Service) -> None:
        for mount in service.mounts:
            path = self.path(service, mount)
            if mount.is_volume:
                path.mkdir(parents=True, exist_ok=True)
            else:
                self._copy(service, REPOSITORY / mount.source, path)

    def _copy(self, service: Service, source: Path, target: Path) -> None:
        for file in [source] if source.is_file() else sorted(source.rglob("*")):
            to = target / file.relative_to(source) if file != source else target
            if file.is_file() and "__pycache__" not in file.parts:
                to.parent.mkdir(parents=True, exist_ok=True)
                said = self.here(service, file.read_text(encoding="utf-8"))
                for text, instead in self._other.items():
                    said = said.replace(text, instead)
                to.write_text(said, encoding="utf-8")

    def _environment(self, service: Service) -> dict[str, str]:
        said = {key: self.here(service, value) for key, value in service.environment.items()}
        metrics = self.address(COLLECTOR, 8888).rpartition(":")[2]
        return {"PATH": f"{TOOLS}:/usr/bin:/bin", "TOLLSPAN_COLLECTOR_METRICS_PORT": metrics, **said}

    def _found(self, command: list[str]) -> list[str]:
        there = TOOLS / command[0]
        return [str(there), *command[1:]] if there.exists() else command

    def _wait_for(self, name: str, condition: str) -> None:
        if condition != HEALTHY or name in self.left_out:
            return
        service = next(each for each in self.services if each.name == name)
        [how, *words] = [self.here(service, word) for word in service.health]
        assert how == "CMD"
        [(host, port)] = re.findall(r"(127\.0\.0\.1):(\d+)", " ".join(words))
        wait_until(lambda: listens(host, int(port)), f"{name} listens", START_SECONDS)
        wait_until(lambda: healthy(self._found(words)), f"{name} is healthy", START_SECONDS)


def listens(host: str, port: int) -> bool:
    """Whether anybody takes connections there; asking so costs less than starting a program that asks."""
    with socket.socket() as tried:
        return tried.connect_ex((host, port)) == 0


def healthy(words: Sequence[str]) -> bool:
    """Ask for health as the container does, or ask the address in its words where its program is not here."""
    if shutil.which(words[0]):
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        with urllib.request.urlopen(words[-1], timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


@contextmanager
def running(folder: Path, env: Mapping[str, str], other: Mapping[str, str]) -> Iterator[tuple[Machine, Sink]]:
    """Give the running machine and what stands in Tempo's place."""
    machine = Machine(folder, env, other)
    with ExitStack() as stack:
        tempo = stack.enter_context(listening())
        machine.put("tempo", 4317, tempo.address)
        stack.callback(machine.stop)
        machine.start()
        yield machine, tempo


def main() -> int:
    """Start, look, stop; exit 1 when a call is not at both ends."""
    env = {"TRAFFIC_CALLS": str(CALLS), "TRAFFIC_PAUSE_SECONDS": "0.2", "TRACE_OUT_QUIET_SECONDS": "1"}
    with (
        tempfile.TemporaryDirectory(prefix="tollspan-compose-") as folder,
        running(Path(folder), env, {}) as (one, tempo),
    ):
        for name in one.left_out:
            print(f"left out, no such program here: {name}")
        for name, process in one.processes.items():
            print(f"{name}: {' '.join(process.command)}")
        wait_until(lambda: len(one.tollspan("calls")) == CALLS, f"{CALLS} calls in `tollspan calls`", 60)
        if PROMETHEUS in one.processes:
            wait_until(lambda: seen(one) == CALLS, f"{CALLS} calls in Prometheus", 120)
        wait_until(lambda: len(tempo.spans()) == 2 * CALLS, "each call and its money in Tempo's place", 60)
        print(f"{CALLS} calls in `tollspan calls`, in Prometheus, and with their money in Tempo's place")
    return 0


def seen(machine: Machine) -> float:
    """How many calls Prometheus knows of."""
    return sum(float(series["value"][1]) for series in machine.prometheus("tollspan_calls"))


if __name__ == "__main__":
    sys.exit(main())
