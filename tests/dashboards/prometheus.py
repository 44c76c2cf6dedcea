"""A real Prometheus on the shipped configuration, of which only addresses, paths and intervals are other ones."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import httpx
import yaml

from tests.child import Child
from tests.collector.process import REPOSITORY, free_ports
from tests.end_to_end.process import wait_until

SHIPPED: Final = REPOSITORY / "dashboards" / "prometheus"
RULE_FILES: Final = ("recording.yaml", "alerts.yaml")


def groups() -> list[dict[str, Any]]:
    """Return all groups of shipped rules."""
    return [group for name in RULE_FILES for group in yaml.safe_load((SHIPPED / name).read_text())["groups"]]


def config_for(rater: str, key_file: Path) -> dict[str, Any]:
    """Return the shipped configuration for a rater's address and a key, every two seconds."""
    config: dict[str, Any] = yaml.safe_load((SHIPPED / "prometheus.yaml").read_text())
    config["global"] = dict.fromkeys(config["global"], "2s")
    config["rule_files"] = [str(SHIPPED / name) for name in config["rule_files"]]
    [job] = config["scrape_configs"]
    job.pop("scrape_timeout")
    job["authorization"]["credentials_file"] = str(key_file)
    job["static_configs"] = [{"targets": [rater]}]
    return config


class PrometheusProcess(Child):
    """Prometheus with its data in a folder of the test."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        folder.mkdir()
        super().__init__(folder / "log")
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._folder, self._listen = folder, f"127.0.0.1:{port}"
        self._at: dict[str, str] = {}
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))

    def start(self) -> Self:
        """Start and return when it answers."""
        binary = shutil.which("prometheus")
        assert binary is not None
        command = [
            *(binary, f"--config.file={self._folder / 'prometheus.yaml'}", f"--web.listen-address={self._listen}"),
            f"--storage.tsdb.path={self._folder / 'tsdb'}",
        ]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._is_ready, "Prometheus is ready")
        return self

    def ask(self, path: str, **params: str) -> Any:
        """Return the data of an answer of its API."""
        said = httpx.get(f"{self.url}/api/v1/{path}", params=params, timeout=30, trust_env=False)
        assert said.status_code == 200, f"{params}: {said.text}"
        return said.json()["data"]

    def look_when(self, complete: Sequence[str]) -> None:
        """Wait for all of some expressions to have series, and look at that instant from then on.

        So a later scrape that comes too late on a busy machine takes nothing away.
        """

        def is_complete() -> bool:
            self._at = {"time": str(time.time())}
            return all(self.query(expression) for expression in complete)

        wait_until(is_complete, f"all of {', '.join(complete)}", 90)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has."""
        found: list[dict[str, Any]] = self.ask("query", query=expression, **self._at)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules with their health, as Prometheus sees them."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
