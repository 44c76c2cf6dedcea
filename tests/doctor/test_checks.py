"""Each check on set-ups where something is wrong: it says so, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.doctor.setups import NOW, FakeMachine, assert_found, setup, table
from tests.fake_rater import FakeRater
from tollspan_rater.api.keys import new_key
from tollspan_rater.config.sources import resolve
from tollspan_rater.doctor import books, collector, folder, serving
from tollspan_rater.doctor.finding import State
from tollspan_rater.doctor.probe import Reply
from tollspan_rater.doctor.setup import HEALTH, METRICS, CollectorPlace

OK, WARNING, PROBLEM, UNKNOWN = State.OK, State.WARNING, State.PROBLEM, State.UNKNOWN
TLS = {"tls.cert_file": "c.pem", "tls.key_file": "k.pem"}
OPEN = {"listen.http": "0.0.0.0:4318", "auth.required": True}


@pytest.mark.parametrize(
    ("taken", "wanted"),
    [(set(), {}), ({"127.0.0.1:4318"}, {"listen.http 127.0.0.1:4318: another program": PROBLEM})],
)
def test_addresses(taken: set[str], wanted: Mapping[str, State]) -> None:
    assert_found(folder.addresses(setup(machine=FakeMachine(taken=taken))), wanted)
    assert_found(folder.addresses(setup(machine=FakeMachine(taken=taken), answers={}, scrape="")), {})


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, {}),
        (OPEN, {"other machines reach listen.http without TLS": WARNING}),
        (OPEN | TLS, {}),
        ({"auth.on_failure": "reject"}, {"throw their data away": WARNING}),
    ],
)
def test_guards(config: Mapping[str, Any], wanted: Mapping[str, State]) -> None:
    assert_found(folder.guards(setup(config=config)), wanted)


def test_settings_that_the_server_has_not() -> None:
    given = resolve({"pressure.max_lag": "9", "zone": "UTC"}, {}, Path("/nowhere"))
    assert_found(folder.settings(setup()), {})
    assert_found(folder.settings(setup(read=given)), {"another pressure.max_lag than": WARNING})
    assert_found(folder.settings(setup(config={"pressure.max_lag": "9"}, read=given)), {})
    assert_found(folder.settings(setup(config={"pressure.max_lag": "9"}, read=setup().resolved)), {})


@pytest.mark.parametrize(
    ("machine", "silence", "wanted"),
    [
        (FakeMachine(), None, {}),
        (FakeMachine(writable=False), None, {"may not write": PROBLEM}),
        (FakeMachine(shared=True), None, {"other users": WARNING}),
        (FakeMachine(), "has format 9", {"cannot be opened: has format 9": PROBLEM}),
    ],
)
def test_a_data_folder(tmp_path: Path, machine: FakeMachine, silence: str | None, wanted: Mapping[str, State]) -> None:
    seen = setup(tmp_path, machine=machine, answers=None if silence else {}, silence=silence or "")
    assert_found(folder.data_folder(seen), wanted)
    (tmp_path / "restore.partial").touch()
    assert_found(folder.data_folder(seen), {"restore was cut off": PROBLEM, **wanted})


def test_a_data_folder_that_is_not_there_yet() -> None:
    assert_found(folder.data_folder(setup()), {})
    assert_found(folder.data_folder(setup(machine=FakeMachine(writable=False))), {"cannot be made": PROBLEM})


@pytest.mark.parametrize(
    ("machine", "wanted"),
    [
        (FakeMachine(), {}),
        (FakeMachine(free=2**29 - 1), {"0.5 GiB are free": PROBLEM}),
        (FakeMachine(free=2**30), {"1.0 GiB are free": WARNING}),
        (FakeMachine(fsync=0.5), {"after 500.0 ms": WARNING}),
        (FakeMachine(fsync=None), {"refused to write": PROBLEM}),
    ],
)
def test_the_disk(tmp_path: Path, machine: FakeMachine, wanted: Mapping[str, State]) -> None:
    assert_found(folder.disk(setup(tmp_path, machine=machine)), wanted)


def vitals(*, taking: int = 1, lag: int = 0, queue: int = 0, **refused: int) -> str:
    lines = [f"tollspan_taking_spans {taking}", f"tollspan_lag_seconds {lag}", "tollspan_max_lag_seconds 300"]
    lines += [f"tollspan_queue_entries {queue}", 'tollspan_requests_total{outcome="accepted"} 7']
    lines += [f'tollspan_requests_total{{outcome="{name}"}} {count}' for name, count in refused.items()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("scrape", "wanted"),
    [
        (vitals(), {}),
        (vitals(lag=200, queue=5), {"5 entries wait for the store, the oldest for 200 s": WARNING}),
        (vitals(taking=0, lag=301), {"senders are told to come again; 0 entries": PROBLEM}),
        (vitals(unavailable=3), {"3 requests since its start were told to come again, 7 were taken": WARNING}),
        (vitals(too_large=2), {"2 requests since its start were refused for good (too_large)": PROBLEM}),
        (vitals(unauthenticated=1, malformed=1), {"(unauthenticated)": PROBLEM, "(malformed)": PROBLEM}),
    ],
)
def test_a_serving_rater(scrape: str, wanted: Mapping[str, State]) -> None:
    assert_found(serving.rater(setup(answers={}, scrape=scrape)), wanted)


def test_a_rater_that_does_not_serve_or_does_not_tell() -> None:
    assert_found(serving.rater(setup(answers={})), {"no rater serves": WARNING})
    mute = replace(setup(answers={}), served=True)
    assert_found(serving.rater(mute), {"does not tell its figures": PROBLEM})
    assert [one.state for one in serving.refused_senders(mute)] == [UNKNOWN]


def test_senders_whose_key_is_refused_are_named() -> None:
    waiting = 'tollspan_sender_key_refused{sender="10.0.0.9"} 3\ntollspan_sender_key_refused{sender="10.0.0.7"} 1\n'
    found = serving.refused_senders(setup(answers={}, scrape=waiting))
    assert_found(found, {"the key of 10.0.0.7, 10.0.0.9 is refused": PROBLEM})
    assert_found(serving.refused_senders(setup(answers={}, scrape=vitals())), {})


@pytest.mark.parametrize(
    ("trouble", "scrape", "wanted"),
    [
        ("", "", {}),
        ("refused", "", {"http://tempo:4317 cannot be reached: refused": PROBLEM}),
        ("", "tollspan_trace_out_dropped_total 3\n", {"3 money spans were dropped": WARNING}),
        ("", "tollspan_trace_out_refused_total 2\n", {"2 money spans were refused": WARNING}),
    ],
)
def test_money_spans(trouble: str, scrape: str, wanted: Mapping[str, State]) -> None:
    config = {"trace_out.endpoint": "http://tempo:4317"}
    machine = FakeMachine(unreachable=trouble)
    assert_found(serving.money_spans(setup(machine=machine, config=config, answers={}, scrape=scrape)), wanted)
    assert_found(serving.money_spans(setup(machine=machine, answers={}, scrape=scrape)), {})


MADE = new_key(bytes, scopes=("ingest",))


def key(*scopes: str, key_id: str = MADE.key_id, revoked: bool = False) -> dict[str, Any]:
    return {"key_id": key_id, "scopes": list(scopes), "revoked": revoked}


@pytest.mark.parametrize(
    ("rows", "given", "config", "wanted"),
    [
        ([], None, {}, {}),
        ([], None, OPEN, {"none has scope ingest": PROBLEM}),
        ([key("query")], None, {}, {"none has scope ingest": PROBLEM}),
        ([key("ingest", revoked=True)], None, {}, {}),
        ([key("ingest")], MADE.token, {}, {}),
        ([key("ingest")], f"{MADE.token}\n", {}, {}),
        ([key("ingest")], "changeme", {}, {"holds no key": PROBLEM}),
        ([key("ingest", key_id="0123456789abcdef")], MADE.token, {}, {"is not known to this tenant": PROBLEM}),
        ([key("ingest", revoked=True)], MADE.token, {}, {"was revoked": PROBLEM}),
        (
            [key("query"), key("ingest", key_id="0123456789abcdef")],
            MADE.token, {}, {"has not the scope ingest": PROBLEM},
        ),
    ],
)  # fmt: skip
def test_keys(
    rows: list[dict[str, Any]], given: str | None, config: Mapping[str, Any], wanted: Mapping[str, State]
) -> None:
    found = list(books.keys(setup(answers={"keys.list": table(*rows)}, config=config, key=given)))
    assert_found(found, wanted)
    assert not any(MADE.token in one.found for one in found)


VERSION = {"version": "pv_1", "recorded_at": "2026-11-01", "position": 4}
MONTH = {"calls": 200, "unpriced": 0, "unknown_cost": 0}


@pytest.mark.parametrize(
    ("versions", "month", "wanted"),
    [
        ([VERSION], [MONTH], {}),
        ([], [], {"no prices are applied": PROBLEM}),
        ([VERSION], [MONTH, {**MONTH, "unpriced": 3}], {"3 of 400 calls of this month have no price": WARNING}),
        ([VERSION], [{**MONTH, "unknown_cost": 2}], {"2 of 200 calls of this month have no known": WARNING}),
    ],
)
def test_prices(versions: list[Any], month: list[Any], wanted: Mapping[str, State]) -> None:
    seen = setup(answers={"pricing.show": table(*versions), "usage": table(*month)})
    assert_found(books.prices(seen), wanted)
    assert isinstance(seen.door, FakeRater)
    assert {params.get("from") for _question, params, _tenant in seen.door.asked} == {None, "2026-11-01"}


def test_usage_of_nobody_is_a_share_of_all() -> None:
    nobodys = setup(answers={"usage": table(MONTH)})
    assert_found(books.attribution(nobodys), {"200 of 200 calls": WARNING})
    assert_found(books.attribution(setup(answers={"usage": table()})), {})


@pytest.mark.parametrize(
    ("reasons", "wanted"),
    [
        ([], {}),
        (["future", "bad_id", "future"], {"1 bad_id, 2 future": WARNING}),
        (["fault"], {"1 fault": PROBLEM}),
    ],
)
def test_quarantine(reasons: list[str], wanted: Mapping[str, State]) -> None:
    rows = [{"reason": reason} for reason in reasons]
    assert_found(books.quarantine(setup(answers={"quarantine.list": table(*rows)})), wanted)


@pytest.mark.parametrize(
    ("calls", "date", "wanted"),
    [
        ([], None, {}),
        ([], NOW + timedelta(seconds=3), {}),
        ([], NOW - timedelta(minutes=2), {"the Collector's clock and this one are 120 s apart": WARNING}),
        ([{"customer": "acme"}], None, {"1 calls begin in the future: acme": WARNING}),
    ],
)
def test_clocks(calls: list[Any], date: Any, wanted: Mapping[str, State]) -> None:
    machine = FakeMachine(replies={HEALTH: Reply(200, "", date)})
    seen = setup(machine=machine, answers={"calls": table(*calls), "quarantine.list": table()})
    assert_found(books.clocks(seen), wanted)


def test_the_audit() -> None:
    fine, broken = {"equation": "a = b", "holds": True}, {"equation": "c = d", "holds": False}
    assert_found(books.audit(setup(answers={"audit": table(fine)})), {})
    assert_found(books.audit(setup(answers={"audit": table(fine, broken)})), {"does not hold: c = d": PROBLEM})


@pytest.mark.parametrize(
    ("reply", "meant", "wanted"),
    [
        (Reply(200, ""), False, {}),
        (Reply(503, ""), False, {"answers 503": PROBLEM}),
        (Reply(trouble="refused"), False, {"does not answer": WARNING}),
        (Reply(trouble="refused"), True, {"does not answer": PROBLEM}),
    ],
)
def test_the_collectors_health(reply: Reply, meant: bool, wanted: Mapping[str, State]) -> None:
    seen = setup(machine=FakeMachine(replies={HEALTH: reply}), collector=CollectorPlace(meant=meant))
    assert_found(collector.health(seen), wanted)


def figures(size: int, exporter: str = "otlp_grpc/rater", **counters: int) -> str:
    labels = f'{{exporter="{exporter}"}}'
    lines = [f"otelcol_exporter_queue_size{labels} {size}", f"otelcol_exporter_queue_capacity{labels} 100"]
    return "\n".join([*lines, *(f"otelcol_{name}{labels} {count}" for name, count in counters.items())]) + "\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (figures(10), {}),
        (figures(51), {"filled to 51 %": WARNING}),
        (figures(60) + figures(0, "otlp_grpc/tempo"), {"filled to 60 %": WARNING}),
        (figures(95), {"filled to 95 %": PROBLEM}),
        (figures(0, exporter_send_failed_spans_total=4), {"4 spans since its start were dropped": PROBLEM}),
        (figures(0, exporter_enqueue_failed_spans=2), {"did not fit": PROBLEM}),
        (figures(0) + 'otelcol_receiver_refused_spans_total{receiver="otlp"} 9\n', {"held off": WARNING}),
        (figures(0) + figures(99, "otlp_grpc/tempo", exporter_send_failed_spans_total=4), {}),
        (figures(99, "otlp"), {"queue of otlp is filled": PROBLEM}),
    ],
)
def test_the_collectors_queue(text: str, wanted: Mapping[str, State]) -> None:
    seen = setup(machine=FakeMachine(replies={METRICS: Reply(200, text)}))
    assert_found(collector.queue(seen), wanted)


@pytest.mark.parametrize("reply", [Reply(trouble="refused"), Reply(200, "<html>"), Reply(404, "")])
def test_figures_that_are_not_there_are_unknown(reply: Reply) -> None:
    [found] = collector.queue(setup(machine=FakeMachine(replies={METRICS: reply})))
    assert found.state is UNKNOWN
    [found] = collector.config(setup())
    assert found.state is UNKNOWN


def test_the_collectors_configuration_is_held_against_the_raters_settings() -> None:
    said = {"service": {"pipelines": {"traces": {"exporters": ["debug"]}}}}
    found = collector.config(setup(collector=CollectorPlace(config=said)))
    assert_found(found, {"no pipeline of traces leads to the rater": PROBLEM})
