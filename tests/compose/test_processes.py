"""The processes of docker-compose.yml, started as it says: a call is seen at every end."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.compose.processes import PROMETHEUS, running
from tests.end_to_end.process import wait_until
from tollspan_rater.trace_out.money_span import MONEY

CALLS = 3
ENV = {"TRAFFIC_CALLS": str(CALLS), "TRAFFIC_PAUSE_SECONDS": "0", "TRACE_OUT_QUIET_SECONDS": "0"}
SOONER = {"scrape_interval: 15s": "scrape_interval: 2s", "scrape_timeout: 10s": "scrape_timeout: 2s"}
ACCEPTED = 'tollspan_requests_total{outcome="accepted"} > 0'


@pytest.mark.collector
def test_a_call_is_seen_at_every_end(collector_binary: Path, tmp_path: Path) -> None:
    with running(tmp_path, ENV, SOONER) as (machine, tempo):
        tempo.wait(lambda: len(tempo.spans()) == 2 * CALLS, 60)
        assert sum(span.name == MONEY for span in tempo.spans().values()) == CALLS
        calls = machine.tollspan("calls")
        assert len(calls) == CALLS
        assert {call["customer"] for call in calls} == {"acme", "globex"}
        assert all(call["plan"] and call["charge"] and call["cost"] for call in calls)
        if PROMETHEUS in machine.processes:
            wait_until(lambda: bool(machine.prometheus(ACCEPTED)), "Prometheus has scraped the rater", 60)
        lines = machine.doctor()
        assert [line for line in lines if line["state"] != "ok"] == []
        assert "2 valid keys, 1 of them for senders" in {line["found"] for line in lines}
        started = list(machine.processes)
        assert started == [service.name for service in machine.services if service.name not in machine.left_out]
        assert set(machine.left_out) <= {"tempo", "grafana", PROMETHEUS}
        secrets = sorted((tmp_path / "volumes").glob("*-*/*"))
        kept = [path for path in secrets if path.name in {"tollspan_key", "admin_password"}]
        assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o444] * 3
        before = [path.read_bytes() for path in kept]
        machine.processes["prepare"].run()
        assert [path.read_bytes() for path in kept] == before, "a second start keeps the keys"
        logs = b"".join(path.read_bytes() for path in tmp_path.glob("*.log"))
        assert not any(secret in logs for secret in before)
    assert all(process.ended() for process in machine.processes.values())
