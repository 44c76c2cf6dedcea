"""``make compose-check``: the containers of docker-compose.yml, asked at every end, for machines with Docker.

Starts them as a project of its own on ports of its own, waits for calls of the example application, and compares what
Tempo shows of one call and what Grafana shows in one panel with what ``tollspan calls`` says. Needs only Python and
Docker with the compose plugin. Exit code 1 on a difference. ``--keep`` leaves everything running.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isclose
from pathlib import Path
from typing import Any, Final, TypeVar

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = "tollspan-check"
PORTS: Final = {
    "RATER_PORT": "24319", "COLLECTOR_GRPC_PORT": "24317", "COLLECTOR_HTTP_PORT": "24318",
    "TEMPO_PORT": "23200", "PROMETHEUS_PORT": "29090", "GRAFANA_PORT": "23000",
}  # fmt: skip
VARIABLES: Final = PORTS | {"TRAFFIC_PAUSE_SECONDS": "0.2", "TRACE_OUT_QUIET_SECONDS": "2"}
BOARD, PANEL = "tollspan-overview", "Heavy users"
PATIENCE_S: Final = 180.0
PAUSE_S: Final = 2.0
T = TypeVar("T")
Row = Mapping[str, Any]


def main() -> int:
    """Start, compare, stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the containers running")
    parser.add_argument("--calls", type=int, default=30, help="how many calls to wait for")
    options = parser.parse_args()
    try:
        compose("up", "--build", "--detach", "--wait")
        wanted = options.calls
        within("calls in `tollspan calls`", lambda: len(calls()) >= wanted or None)
        compose("stop", "app")
        differences = [*in_tempo(), *in_grafana()]
    finally:
        if not options.keep:
            compose("down", "--volumes")
    for difference in differences:
        print(f"DIFFERENT  {difference}")
    print("Tempo and Grafana show what `tollspan calls` says." if not differences else "exit code 1")
    return 1 if differences else 0


def in_tempo() -> Iterator[str]:
    """Compare one call that has a cost and a charge with its money in Tempo, once its last adjustment is there."""
    call = next(call for call in calls() if call["cost"] is not None and call["charge"] is not None)
    [trace_id, *_] = call["trace_ids"]
    url = f"http://127.0.0.1:{PORTS['TEMPO_PORT']}/api/v2/traces/{trace_id}"

    def differences() -> list[str]:
        return list(money_differences(list(spans_in(asked(url))), call))

    try:
        within("", lambda: not differences() or None)
    except TimeoutError:
        yield from differences()
    else:
        print(f"Tempo: trace {trace_id} has call {call['call_id']} with its money")


def in_grafana() -> Iterator[str]:
    """Compare one panel, asked as a browser asks Grafana, with the sums of the calls."""
    grafana = f"http://127.0.0.1:{PORTS['GRAFANA_PORT']}"
    board = asked(f"{grafana}/api/dashboards/uid/{BOARD}")["dashboard"]
    body = {"from": "now-7d", "to": "now", "queries": targets(board, PANEL)}
    rows = list(rows_in(asked(f"{grafana}/api/ds/query", body)))
    print(f"Grafana: {len(rows)} rows in panel {PANEL!r}")
    yield from panel_differences(rows, calls())


def spans_in(document: Any) -> Iterator[Row]:
    """Yield the spans of a trace as Tempo's API gives it, however deep they lie, with attributes by name."""
    if isinstance(document, dict):
        for span in document.get("spans", []):
            yield span | {"attributes": {one["key"]: value_of(one["value"]) for one in span.get("attributes", [])}}
        for inner in document.values():
            yield from spans_in(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from spans_in(inner)


def value_of(value: Mapping[str, Any]) -> Any:
    """Return an attribute's value; whole numbers come as text."""
    [(kind, inner)] = value.items()
    return int(inner) if kind == "intValue" else inner


def money_of(spans: Sequence[Row], call_id: str) -> dict[str, float]:
    """Return what the spans of a call's money add up to: cost, charge, margin; empty while there is none."""
    sums: defaultdict[str, float] = defaultdict(float)
    for span in spans:
        if span["attributes"].get("tollspan.call_id") == call_id:
            for name in ("cost", "charge", "margin"):
                sums[name] += float(span["attributes"].get(f"tollspan.{name}", 0))
    return dict(sums)


def money_differences(spans: Sequence[Row], call: Row) -> Iterator[str]:
    """Yield how a trace and a call differ: no span but the money's, or other amounts."""
    others = [span for span in spans if "tollspan.call_id" not in span["attributes"]]
    if not others:
        yield f"trace of call {call['call_id']}: Tempo has only money, not the application's span"
    cost, charge = Decimal(call["cost"]), Decimal(call["charge"])
    said = {"cost": cost, "charge": charge, "margin": charge - cost}
    shown = money_of(spans, call["call_id"])
    for name, amount in said.items():
        if not isclose(shown.get(name, 0), amount, rel_tol=1e-9, abs_tol=1e-12):
            yield f"{name} of call {call['call_id']}: Tempo has {shown.get(name)}, tollspan says {amount}"


def targets(board: Mapping[str, Any], title: str) -> list[Row]:
    """Return the queries of a dashboard's panel.

    Raises:
        LookupError: it has no such panel.
    """
    for panel in board["panels"]:
        if panel.get("title") == title:
            return [{"datasource": panel["datasource"], "intervalMs": 60_000, "maxDataPoints": 500} | target
                    for target in panel["targets"]]  # fmt: skip
    raise LookupError(f"dashboard {board['uid']} has no panel {title!r}")


def rows_in(answer: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of all frames of Grafana's answer.

    Raises:
        LookupError: a query failed.
    """
    for name, result in answer["results"].items():
        if "error" in result:
            raise LookupError(f"Grafana's query {name}: {result['error']}")
        for frame in result["frames"]:
            names = [field["name"] for field in frame["schema"]["fields"]]
            for values in zip(*frame["data"]["values"], strict=True):
                yield dict(zip(names, values, strict=True))


def panel_differences(rows: Sequence[Row], said: Sequence[Row]) -> Iterator[str]:
    """Yield the customers for whom the panel has another number of calls or another charge than the calls."""
    shown = {row["customer"]: (row["calls"], row["charge"]) for row in rows}
    counted: defaultdict[str, list[Decimal]] = defaultdict(list)
    for call in said:
        counted[call["customer"]].append(Decimal(call["charge"] or 0))
    for customer, charges in sorted(counted.items()):
        number, charge = shown.pop(customer, (None, None))
        if number != len(charges) or not isclose(charge or 0, sum(charges), rel_tol=1e-9, abs_tol=1e-9):
            yield f"{customer}: Grafana has {number} calls and {charge}, tollspan {len(charges)} and {sum(charges)}"
    for customer in shown:
        yield f"{customer}: Grafana has it, `tollspan calls` does not"


def calls() -> list[Row]:
    """Return what `tollspan calls` prints beside the rater."""
    return list(
        json.loads(compose("exec", "-T", "rater", "tollspan", "calls", "--limit", "100000", "--format", "json"))
    )


def compose(*words: str) -> str:
    """Run docker compose on the project of the check and return what it prints.

    Raises:
        subprocess.CalledProcessError: it failed; its own message is on stderr.
    """
    command = ["docker", "compose", "--project-name", PROJECT, *words]
    env = {**os.environ, **VARIABLES}
    return subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def asked(url: str, body: Mapping[str, Any] | None = None) -> Any:
    """Return an address's JSON; nothing while it is not found."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise


def within(what: str, done: Callable[[], T | None]) -> T:
    """Return what ``done`` gives as soon as it gives anything.

    Raises:
        TimeoutError: it did not in time.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (found := done()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE_S:.0f} s: {what}")
        time.sleep(PAUSE_S)
    return found


if __name__ == "__main__":
    sys.exit(main())
