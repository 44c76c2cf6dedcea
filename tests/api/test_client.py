"""With a server or without: the same answers, errors and output."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest
import uvicorn
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.conftest import LOCAL
from tests.fake_rater import ANSWER, FakeBackend, FakeRater

from tollspan_rater import errors
from tollspan_rater.api.app import create_app
from tollspan_rater.api.client import HttpDoor
from tollspan_rater.api.wire import exception_of, pack, problem, unpack
from tollspan_rater.cli.door import running
from tollspan_rater.cli.main import main
from tollspan_rater.query.rater import Receipt
from tollspan_rater.store.run_file import RunFile

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["$decimal", "$map"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_every_value_travels_with_its_type(value: object) -> None:
    assert repr(unpack(pack(value))) == repr(value)


@pytest.mark.parametrize(
    "error",
    [
        errors.UsageError("a"),
        errors.ConfigError("k", 1, "file", "give 2"),
        errors.PricingError("a.yaml", 3, "no unit", "Give one."),
        errors.FolderBusyError("d", "p"),
        errors.FormatVersionError("d", 2, 1),
        errors.StoreDeadError("dead"),
        errors.JournalError("full"),
        errors.NotFoundError("call", "x", "Look."),
        errors.TollspanError("root"),
    ],
)
def test_every_error_arrives_as_itself(error: errors.TollspanError) -> None:
    again = exception_of(problem(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_an_answer_arrives_whole(door: HttpDoor, rater: FakeRater) -> None:
    answer = door.ask("usage", {"by": "model"}, tenant="t5")
    assert rater.asked == [("usage", {"by": "model", "sort": "charge"}, "t5")]
    for name in ("title", "rows", "as_of", "zone", "totals", "ok", "details"):
        assert getattr(answer, name) == getattr(ANSWER, name)
    assert (tuple(answer.columns), tuple(answer.notes)) == (ANSWER.columns, ANSWER.notes)


@pytest.mark.parametrize("size", [10, 1_999, 2_001, 500_000])
def test_parameters_of_any_length_arrive(door: HttpDoor, rater: FakeRater, size: int) -> None:
    files = json.dumps({"a.yaml": "\u00e4" * size})
    answer = door.ask("pricing.diff", {"files": files, "top": "3"}, tenant="t5")
    assert rater.asked == [("pricing.diff", {"files": files, "top": "3"}, "t5")]
    assert answer.rows == ANSWER.rows


def test_commands_and_imports_arrive_whole(door: HttpDoor, rater: FakeRater) -> None:
    assert door.execute("forget", {"subject": "u"}, tenant="t5", actor="cli:x") == rater.execute(
        "forget", {"subject": "u"}, tenant="t5", actor="cli:x"
    )
    assert rater.executed[0] == rater.executed[1]
    data = os.urandom(700_000)
    sent = door.import_stream(io.BytesIO(data), name="a b.jsonl", tenant="t5", actor="cli:x")
    assert sent == rater.import_stream(io.BytesIO(data), name="a b.jsonl", tenant="t5", actor="cli:x")
    assert rater.imported[0] == rater.imported[1]


def test_the_servers_exception_is_the_clients(door: HttpDoor, rater: FakeRater) -> None:
    rater.error = errors.NotFoundError("call", "x", "Look again.")
    with pytest.raises(errors.NotFoundError, match=r"no call 'x' is known\. Look again\."):
        door.ask("explain", {"id": "x"}, tenant="default")


def note(folder: Path, pid: int, api: str) -> None:
    (folder / "run.json").write_text(json.dumps({"pid": pid, "api": api, "token": LOCAL, "started_ns": 1}))


class Served:
    """A server in a thread on a folder, as ``serve`` will be one."""

    def __init__(self, folder: Path, rater: FakeRater, pid: int) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        note(folder, pid, f"127.0.0.1:{self._socket.getsockname()[1]}")
        self._server = uvicorn.Server(uvicorn.Config(create_app(rater, LOCAL), log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_output_is_the_same_with_a_server_and_without(tmp_path: Path, form: str) -> None:
    near, far = FakeBackend(), FakeRater()
    lines = [["usage"], ["calls", "--model", "a&b=c"], ["customers", "set", "acme"], ["quarantine", "replay", "--all"]]

    def outputs() -> list[tuple[int, str, str]]:
        results = [
            CliRunner().invoke(main, [*line, "--format", form, "--data", str(tmp_path)], obj=near) for line in lines
        ]
        return [(result.exit_code, result.stdout, result.stderr) for result in results]

    alone = outputs()
    assert [code for code, _, _ in alone] == [0, 0, 0, 0]
    with Served(tmp_path, far, os.getpid()):
        assert outputs() == alone
    assert (far.asked, far.executed) == (near.rater.asked, near.rater.executed)
    assert len(near.opened) == len(lines)


def test_a_server_that_comes_up_while_a_command_waits_is_asked(tmp_path: Path) -> None:
    near, far = FakeBackend(busy=lambda: None), FakeRater()
    assert CliRunner().invoke(main, ["usage", "--data", str(tmp_path)], obj=near).exit_code == 3
    server = Served(tmp_path, far, os.getpid())
    (tmp_path / "run.json").rename(tmp_path / "later.json")
    near.busy = lambda: (tmp_path / "later.json").rename(tmp_path / "run.json")
    with server:
        assert CliRunner().invoke(main, ["usage", "--data", str(tmp_path)], obj=near).exit_code == 0
    assert [name for name, _, _ in far.asked] == ["usage"]


def test_a_server_tells_the_configuration_it_runs_with(tmp_path: Path) -> None:
    far = FakeRater()
    with Served(tmp_path, far, os.getpid()):
        assert CliRunner().invoke(main, ["config", "show", "--data", str(tmp_path)]).exit_code == 0
    assert [name for name, _, _ in far.asked] == ["config.show"]


def test_an_upload_that_breaks_off_is_never_taken_for_a_whole_file(tmp_path: Path) -> None:
    far = BrokenOff()
    head = f"POST /v1/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {LOCAL}\r\nContent-Length: 100\r\n\r\nhalf"
    with Served(tmp_path, far, os.getpid()):
        host, _, port = str(json.loads((tmp_path / "run.json").read_text())["api"]).partition(":")
        with socket.create_connection((host, int(port))) as sender:
            sender.sendall(head.encode())
        assert far.ended.wait(20)
    assert far.imported == []
    assert isinstance(far.seen, errors.UsageError)


class BrokenOff(FakeRater):
    def __init__(self) -> None:
        super().__init__()
        self.ended = threading.Event()
        self.seen: Exception | None = None

    def import_stream(self, stream: BinaryIO, *, name: str, tenant: str, actor: str) -> Receipt:
        try:
            return super().import_stream(stream, name=name, tenant=tenant, actor=actor)
        except Exception as error:
            self.seen = error
            raise
        finally:
            self.ended.set()


def test_an_answer_without_json_is_an_error_of_ours() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(502, text="<html>")

    with (
        HttpDoor(httpx.Client(base_url="http://x", transport=httpx.MockTransport(answer))) as door,
        pytest.raises(errors.TollspanError, match="answered 502 without JSON"),
    ):
        door.ask("usage", {}, tenant="default")


def test_only_the_owner_of_a_folder_knows_whose_a_token_is(door: HttpDoor) -> None:
    assert door.authenticate("key-admin") is None


def test_a_run_file_of_another_process_or_a_dead_one_is_not_believed(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    with Served(tmp_path, FakeRater(), os.getppid()):
        assert running(tmp_path) is None
    note(tmp_path, 2**22 + 1, "127.0.0.1:9")
    assert running(tmp_path) is None
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    assert running(tmp_path) is None


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("0.0.0.0:1", "http://127.0.0.1:1"),
        ("[::]:1", "http://[::1]:1"),
        ("localhost:1", "http://localhost:1"),
    ],
)
def test_this_machine_reaches_an_api_wherever_it_listens(api: str, url: str) -> None:
    run = RunFile(7, api, "secret")
    assert run.url == url
    assert "secret" not in repr(run)


def test_a_server_that_goes_away_is_an_error_of_ours() -> None:
    with HttpDoor.of(RunFile(1, "127.0.0.1:9", "t")) as door:
        assert door.pid() is None
        with pytest.raises(errors.TollspanError, match="went away"):
            door.ask("usage", {}, tenant="default")
