"""What the real receiver says to bad requests and bad days, and what became of the spans; the books still agree."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Serve
from tests.end_to_end.faulty_rater import IN_EXTRACT, IN_SETTLE, PAUSE
from tests.end_to_end.process import RaterProcess, example_prices, serving, wait_until
from tests.end_to_end.sender import (
    DOORS,
    JSON,
    SECOND,
    Door,
    Reply,
    call_span,
    calls_request,
    new_trace,
    request,
    send,
)

FAULTY = (sys.executable, "-m", "tests.end_to_end.faulty_rater")
TOKEN = f"tsk_{'0' * 16}_{'x' * 43}"
OK = {"grpc": Reply("OK"), "http": Reply(200)}
LATER = {"grpc": Reply("UNAVAILABLE", 5), "http": Reply(503, 5)}
FINAL = {"grpc": Reply("UNAUTHENTICATED"), "http": Reply(401)}
TOO_LARGE = {"grpc": Reply("RESOURCE_EXHAUSTED"), "http": Reply(413)}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("body", "zipped", "token", "expected"),
    [
        (lambda: calls_request(new_trace(), 3), False, "mistyped", LATER),
        (lambda: calls_request(new_trace(), 3), False, TOKEN, LATER),
        (lambda: bytes(17 << 20), False, None, TOO_LARGE),
        (lambda: bytes(64 << 20), True, None, TOO_LARGE),
        (lambda: calls_request(new_trace(), 20_001), False, None, TOO_LARGE),
    ],
    ids=["no key of ours", "an unknown key", "oversized", "gzip bomb", "too many spans"],
)
def test_refuses(
    rater: RaterProcess,
    door: Door,
    body: Callable[[], bytes],
    *,
    zipped: bool,
    token: str | None,
    expected: dict[Door, Reply],
) -> None:
    before = rater.ask("audit").as_of
    assert send(rater, door, body(), token=token, zipped=zipped) == expected[door]
    assert rater.ask("audit").as_of == before
    trace = new_trace()
    assert send(rater, door, calls_request(trace, 2)) == OK[door]
    assert rater.fates(trace.hex()) == ["stored"] * 2
    rater.assert_audit_holds()


def test_throws_away_what_a_wrong_key_sends_where_that_was_chosen(serve: Serve) -> None:
    rater = serve(TOLLSPAN_AUTH_ON_FAILURE="reject")
    for door in DOORS:
        assert send(rater, door, calls_request(new_trace(), 3), token=TOKEN) == FINAL[door]
    assert rater.calls() == []


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_garbage_is_kept_aside_and_answered_with_success(rater: RaterProcess, door: Door, *, zipped: bool) -> None:
    before = Counter(row["reason"] for row in rater.ask("quarantine.list", limit="1000").rows)
    assert send(rater, door, b"\xff" + secrets.token_bytes(300), zipped=zipped) == OK[door]
    after = Counter(row["reason"] for row in rater.ask("quarantine.list", limit="1000").rows)
    assert (after - before).total() == 1
    rater.assert_audit_holds()


@pytest.mark.parametrize(
    ("body", "pieces"),
    [
        (b"{", 1),
        (b"[]", 1),
        (b'{"resourceLogs": []}', 1),
        (b'{"resourceSpans": NaN}', 1),
        (b'{"resourceSpans": [5]}', 1),
        (b'{"resourceSpans": [{"scopeSpans": [5, {"spans": 5}, {"spans": [5, {}, {"attributes": 5}]}]}]}', 5),
        (b'{"resourceSpans": [{"scopeSpans": [{"scope": {"name": "tollspan"}, "spans": [{"attributes": [5]}]}]}]}', 1),
        (b'{"resourceSpans": null}', 0),
        (b'{"resourceSpans": ' + b"[" * 5_000, 1),
    ],
)
def test_odd_json_is_counted_alike_by_both_readers(rater: RaterProcess, body: bytes, pieces: int) -> None:
    before = _fates(rater)
    assert send(rater, "http", body, media=JSON) == OK["http"]
    assert _fates(rater) - before == Counter({"quarantined": pieces} if pieces else {})
    rater.assert_audit_holds()


BAD = 250  # the number of the one span that is not like the others


def _in_the_middle(trace: bytes, **said: str | int) -> bytes:
    """Return 500 calls of which one is made with other attributes."""
    spans = [call_span(trace, number, **(said if number == BAD else {})) for number in range(1, 501)]
    return request(spans).SerializeToString()


def _changed(trace: bytes, **fields: str | int) -> bytes:
    """Return 500 calls of which one has other fields of the span."""
    spans = [call_span(trace, number) for number in range(1, 501)]
    for name, value in fields.items():
        setattr(spans[BAD - 1], name, value)
    return request(spans).SerializeToString()


def _invalid_utf8(trace: bytes) -> bytes:
    return _in_the_middle(trace, gen_ai__request__model="MARKER").replace(b"MARKER", b"\xff\xfeARKE")


def _fates(rater: RaterProcess) -> Counter[str]:
    """Return how many pieces have each fate, as the audit states it."""
    terms = next(str(row["terms"]) for row in rater.ask("audit").rows if "fates" in str(row["equation"]))
    return Counter(
        {fate: int(count) for fate, _, count in (term.partition(" ") for term in terms.split(", ")) if count.isdigit()}
    )


def _quarantined(rater: RaterProcess, trace: bytes) -> list[tuple[str, str]]:
    """Return span id and reason of the pieces of a trace that are kept aside."""
    rows = rater.ask("quarantine.list", limit="1000").rows
    return [(str(row["span_id"]), str(row["reason"])) for row in rows if row["trace_id"] == trace.hex()]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_invalid_utf8, "invalid_utf8"),
        (lambda trace: _changed(trace, start_time_unix_nano=time.time_ns() + 700 * SECOND), "future"),
        (lambda trace: _in_the_middle(trace, gen_ai__usage__input_tokens=-5), "bad_usage"),
        (lambda trace: _in_the_middle(trace, tollspan__customer="nobody-knows"), None),
        (lambda trace: _in_the_middle(trace, gen_ai__response__model="no-such-model"), None),
    ],
    ids=["invalid UTF-8", "a time in the future", "negative tokens", "unknown customer", "unknown model"],
)
def test_one_span_of_500_costs_no_other(
    rater: RaterProcess, make: Callable[[bytes], bytes], reason: str | None
) -> None:
    trace = new_trace()
    body = make(trace)
    before = _fates(rater)
    for door in DOORS:
        assert send(rater, door, body) == OK[door]
    bad = 0 if reason is None else 2
    expected = {"stored": 500 - bad // 2, "duplicate": 500 - bad // 2, "quarantined": bad}
    wait_until(lambda: (_fates(rater) - before).total() == 1000, "a fate for every piece")
    assert _fates(rater) - before == Counter(expected)
    assert _quarantined(rater, trace) == [(f"{BAD:016x}", reason)] * bad
    rater.assert_audit_holds()


def test_an_unknown_customer_is_counted_and_an_unknown_model_has_no_cost(serve: Serve) -> None:
    rater = serve()
    send(rater, "grpc", calls_request(new_trace(), 2, tollspan__customer="stranger"))
    send(rater, "grpc", calls_request(new_trace(), 3, gen_ai__response__model="no-such-model"))
    calls = rater.calls()
    assert Counter((call["customer"], call["reason"]) for call in calls) == {
        ("stranger", "no plan"): 2,
        ("acme", "no plan"): 3,
    }
    assert [call["cost"] for call in calls if call["model"] == "no-such-model"] == [None] * 3
    assert all(call["cost"] for call in calls if call["customer"] == "stranger")


@pytest.mark.parametrize("fault", [IN_EXTRACT, IN_SETTLE])
def test_code_that_throws_for_one_span_after_a_restart_and_while_running(
    serve: Serve, tmp_path: Path, fault: str
) -> None:
    pause = tmp_path / "pause"
    rater = serve(program=FAULTY, **{PAUSE: str(pause)})
    pause.touch()
    before, later = new_trace(), new_trace()
    assert send(rater, "grpc", _changed(before, name=fault)) == OK["grpc"]
    rater.kill()
    pause.unlink()
    rater.start()
    body = _changed(later, name=fault)
    for door in DOORS:
        assert send(rater, door, body) == OK[door]
    rater.wait_for_calls(998)
    assert _fates(rater) == {"stored": 998, "duplicate": 499, "quarantined": 3}
    assert _quarantined(rater, before) == [(f"{BAD:016x}", "fault")]
    assert _quarantined(rater, later) == [(f"{BAD:016x}", "fault")] * 2
    assert "a bug of ours" in str(rater.ask("quarantine.list").rows[0]["error"])
    rater.assert_audit_holds()


def test_what_threw_is_read_again_by_a_mended_program(serve: Serve, tmp_path: Path) -> None:
    rater = serve(program=FAULTY)
    for name in (IN_EXTRACT, IN_SETTLE):
        send(rater, "grpc", _changed(new_trace(), name=name))
    assert len(rater.wait_for_calls(998)) == 998
    assert rater.stop() == 0
    with serving(RaterProcess(rater.data)) as mended:
        assert mended.execute("quarantine.replay", {}) == {"replayed": 2, "still_quarantined": 0}
        assert len(mended.calls()) == 1000
        mended.assert_audit_holds()


def test_a_backlog_makes_senders_wait(serve: Serve, tmp_path: Path) -> None:
    pause = tmp_path / "pause"
    rater = serve(program=FAULTY, **{PAUSE: str(pause), "TOLLSPAN_PRESSURE_MAX_LAG": "1"})
    pause.touch()
    assert send(rater, "grpc", calls_request(new_trace(), 5)) == OK["grpc"]
    trace = new_trace()
    wait_until(lambda: send(rater, "grpc", calls_request(trace, 5)) != OK["grpc"], "a refusal", 10)
    for door in DOORS:
        assert send(rater, door, calls_request(trace, 5)) == LATER[door]
    pause.unlink()
    wait_until(lambda: send(rater, "http", calls_request(trace, 5)) == OK["http"], "taken again", 10)
    wait_until(lambda: len(rater.calls()) == 10, "10 calls", 10)
    rater.assert_audit_holds()


def test_too_little_free_disk_makes_senders_wait(serve: Serve) -> None:
    rater = serve(TOLLSPAN_PRESSURE_MIN_FREE_DISK="1000000GiB")
    for door in DOORS:
        assert send(rater, door, calls_request(new_trace(), 5)) == LATER[door]
    assert rater.calls() == []


@dataclass
class FilledDisk:
    """A small disk that can be filled to its last byte and emptied again."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while ballast.write(bytes(64 << 10)):  # a short write takes what is left; the next one fails
                pass

    def empty(self) -> None:
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[FilledDisk]:
    """Mount a file system of a size; skips where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small disk here; the test with a limit on files covers the writes")
    try:
        yield FilledDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _through_a_failing_disk(rater: RaterProcess, fail: Callable[[], None], mend: Callable[[], None]) -> None:
    """Send before, while and after writes fail; what was acknowledged and only that is there, each span once."""
    acknowledged = 0
    assert send(rater, "grpc", calls_request(new_trace(), 5)) == OK["grpc"]
    acknowledged += 5
    fail()
    refused = 0
    for number in range(40):
        door = DOORS[number % 2]
        reply = send(rater, door, calls_request(new_trace(), 20, tollspan__tags__noise=secrets.token_hex(4000)))
        acknowledged += 20 if reply == OK[door] else 0
        assert reply in (OK[door], LATER[door])
        refused += reply == LATER[door]
    assert refused
    mend()
    last = calls_request(new_trace(), 5)
    wait_until(lambda: send(rater, "http", last) == OK["http"], "taken again after the disk was mended", 30)
    acknowledged += 5
    assert len(rater.wait_for_calls(acknowledged)) == acknowledged
    rater.assert_audit_holds()


def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "24m") as disk:
        settings = {"TOLLSPAN_PRESSURE_MIN_FREE_DISK": "0"}
        with serving(RaterProcess(disk.folder / "data", **settings)) as rater:
            _through_a_failing_disk(rater, disk.fill, disk.empty)
            rater.kill()
            rater.start()
            rater.assert_audit_holds()


def test_writes_that_fail(serve: Serve) -> None:
    rater = serve(TOLLSPAN_PRESSURE_MIN_FREE_DISK="0")
    unlimited = -1
    _through_a_failing_disk(rater, lambda: rater.limit_files(64 << 10), lambda: rater.limit_files(unlimited))


def test_a_disk_that_fails_leaves_no_module_torn(serve: Serve, tmp_path: Path) -> None:
    compiled = tmp_path / "byte-code"
    rater = serve(PYTHONPYCACHEPREFIX=str(compiled))
    before = set(compiled.rglob("*.pyc"))
    assert before, "nothing is compiled here, so nothing could be torn"
    assert send(rater, "http", calls_request(new_trace(), 1)) == OK["http"]
    rater.execute("pricing.apply", {"files": example_prices()})
    assert set(compiled.rglob("*.pyc")) == before
