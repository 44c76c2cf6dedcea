"""The table as a whole, the application's side, the command, and the looks at this machine."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.collector.process import REPOSITORY
from tests.doctor.setups import assert_found, setup, table
from tests.fake_rater import FakeBackend, FakeRater
from tollspan_rater.cli.doctor import _in_force
from tollspan_rater.cli.main import main
from tollspan_rater.doctor import application
from tollspan_rater.doctor.examine import CHECKS, examine
from tollspan_rater.doctor.finding import COLUMNS, Examined, State, answer, ok, problem, unknown, warning
from tollspan_rater.doctor.probe import Machine
from tollspan_rater.errors import TollspanError
from tollspan_rater.query.settings import config_answer

OFF = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
PAGE = (REPOSITORY / "docs/operating/doctor.md").read_text(encoding="utf-8")


def test_every_check_finds_something_also_where_nothing_is() -> None:
    found = list(examine(setup()))
    assert {one.check for one in found} >= {name for name, _question, _look in CHECKS} - {"clocks"}
    assert not any(one.finding.state is State.PROBLEM for one in found)


def test_a_rater_that_cannot_answer_is_a_finding_and_the_rest_goes_on() -> None:
    silent = setup(answers={})
    assert isinstance(silent.door, FakeRater)
    silent.door.error = TollspanError("the store is behind")
    states = {one.check: one.finding for one in examine(silent)}
    assert states["audit"].state is State.PROBLEM
    assert "the store is behind" in states["audit"].found
    assert states["guards"].state is State.OK
    assert silent.position() == 0


def test_only_a_problem_makes_the_answer_a_bad_one() -> None:
    mixed = [Examined("a", "?", finding) for finding in (ok("x"), unknown("y"), warning("z", "do"))]
    said = answer(mixed, "UTC", 3)
    assert said.ok
    assert said.columns == COLUMNS
    assert said.notes == ["0 problems, 1 warnings, 1 as they should be, 1 not known"]
    assert not answer([*mixed, Examined("b", "?", problem("p", "do"))], "UTC", 3).ok


def test_the_page_tells_of_every_check() -> None:
    for name, _question, _look in [*CHECKS, *application.APPLICATION]:
        assert f"| {name} |" in PAGE, name


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        (OFF, {}),
        (OFF | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "redis, tollspan"}, {"names tollspan": State.PROBLEM}),
        (OFF | {"OTEL_TRACES_EXPORTER": "otlp,nonesuch"}, {"OTEL_TRACES_EXPORTER=nonesuch": State.WARNING}),
    ],
)
def test_what_opentelemetry_instrument_would_load(environ: Mapping[str, str], wanted: Mapping[str, State]) -> None:
    found = [one for one in application.loading(environ) if "=otlp" not in one.found or "nonesuch" in one.found]
    assert_found(found, wanted)


def test_an_application_without_an_endpoint() -> None:
    assert_found(application.metering({}), {"metering: off": State.PROBLEM})


def run(*words: str) -> tuple[int, list[dict[str, str]], FakeBackend]:
    backend = FakeBackend(FakeRater(table()))
    result = CliRunner().invoke(main, [*words, "--format", "json"], obj=backend)
    return result.exit_code, json.loads(result.stdout), backend


@pytest.fixture
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TOLLSPAN_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_alone")
def test_the_command_makes_no_folder_and_opens_one_that_is_there() -> None:
    addresses = {f"TOLLSPAN_LISTEN_{door}": "127.0.0.1:0" for door in ("GRPC", "HTTP", "API")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in addresses.items():
            patch.setenv(name, value)
        code, rows, backend = run("doctor", "--collector-config", str(REPOSITORY / "collector-config/collector.yaml"))
        assert code == 0, rows
        assert not Path(".tollspan").exists()
        assert backend.opened == []
        assert [row["state"] for row in rows if row["check"] == "collector config"] == ["ok"] * 5
        Path(".tollspan").mkdir(mode=0o700)
        _code, rows, backend = run("doctor")
        assert len(backend.opened) == 1
        asked = {question for question, _params, _tenant in backend.rater.asked}
        assert asked == {"keys.list", "pricing.show", "usage", "quarantine.list", "calls", "audit"}


def test_the_settings_in_force_are_the_servers_if_it_tells_them() -> None:
    read, there = setup().resolved, setup(config={"listen.api": "127.0.0.1:5000", "auth.required": True}).resolved
    told = _in_force(FakeRater(config_answer(there)), read)
    assert (told.config.listen.api, told.config.auth.required) == ("127.0.0.1:5000", True)
    newer = table({"key": "listen.pigeon", "value": "coop"})
    assert _in_force(FakeRater(newer), read) is read
    assert _in_force(FakeRater(error=TollspanError("gone")), read) is read


@pytest.mark.usefixtures("_alone")
def test_the_command_ends_with_1_on_a_problem_and_2_on_a_file_that_is_none() -> None:
    code, rows, _backend = run("doctor", "--app")
    assert code == 1
    assert rows[0]["state"] == "problem"
    Path("c.yaml").write_text("[")
    result = CliRunner().invoke(main, ["doctor", "--collector-config", "c.yaml"], obj=FakeBackend())
    assert result.exit_code == 2


def test_this_machine(tmp_path: Path) -> None:
    machine = Machine()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not machine.can_listen(f"127.0.0.1:{port}")
        assert machine.trouble_reaching("127.0.0.1", port) == ""
    assert machine.can_listen(f"127.0.0.1:{port}")
    assert "refused" in machine.trouble_reaching("127.0.0.1", port)
    assert "refused" in machine.get(f"http://127.0.0.1:{port}/").trouble
    assert machine.get("no address").trouble
    assert machine.is_writable(tmp_path / "not" / "yet")
    assert machine.free_bytes(tmp_path / "not" / "yet") > 0
    assert machine.fsync_seconds(tmp_path) is not None
    assert machine.fsync_seconds(tmp_path / "not") is None
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o700)
    assert not machine.others_may(tmp_path)
    tmp_path.chmod(0o750)
    assert machine.others_may(tmp_path)
