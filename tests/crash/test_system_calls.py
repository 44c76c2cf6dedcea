"""No answer leaves the machine before the transaction that holds its request is on the disk."""

import shutil
import time
from pathlib import Path

import grpc
import httpx
import pytest

from tests.crash.process import RaterProcess
from tests.crash.system_calls import STRACE, Answers, answers, is_complete
from tests.crash.traffic import EXPORT, request
from tests.crash.windows import ENTRY

REQUESTS = 5
WRITTEN_S = 20.0


def traced(folder: Path, synchronous: str) -> Answers:
    """Send requests one by one through both doors of a whole rater under strace; return what it saw."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: the order of fsync and answer of the whole server is NOT checked")
    trace = folder / "trace"
    rater = RaterProcess(folder / "data")
    rater.start("--synchronous", synchronous, entry=ENTRY, prefix=(*STRACE, "-o", str(trace)))
    try:
        assert rater.wait_ready() is not None, rater.log
        bodies = [request(1, number, time.time_ns()).body for number in range(2 * REQUESTS)]
        with grpc.insecure_channel(rater.grpc) as channel:
            for body in bodies[:REQUESTS]:
                channel.unary_unary(EXPORT)(body, timeout=20)
        with httpx.Client(trust_env=False, headers={"content-type": "application/x-protobuf"}) as client:
            for body in bodies[REQUESTS:]:
                client.post(f"http://127.0.0.1:{rater.ports[1]}/v1/traces", content=body, timeout=20).raise_for_status()
    finally:
        rater.kill()
    until = time.monotonic() + WRITTEN_S
    while not is_complete(trace.read_text(), rater.pid):
        assert time.monotonic() < until, "strace did not end"
        time.sleep(0.05)
    return answers(trace.read_text())


@pytest.mark.parametrize(("synchronous", "early"), [("full", 0), ("off", 2 * REQUESTS)])
def test_no_answer_precedes_its_fsync(tmp_path: Path, synchronous: str, early: int) -> None:
    """Without the fsync every answer is early: the trace would show one that is missing."""
    assert traced(tmp_path, synchronous) == Answers(2 * REQUESTS, early)


SOCKET = "TCP:[127.0.0.1:4317->127.0.0.1:55555]"
WAL = "/data/journal/2026-11-21.sqlite-wal"
WRITE = f'10 pwrite64(7<{WAL}>, "\\x00", 1, 0) = 1'
SYNC = f"10 fdatasync(7<{WAL}>) = 0"
FAILED = f"10 fdatasync(7<{WAL}>) = -1 EIO (Input/output error)"
BEGUN = f"10 fdatasync(7<{WAL}> <unfinished ...>"
ENDED = "10 <... fdatasync resumed>) = 0"
EMPTY_DATA = r"\x00" * 9
GRPC_OK = f'11 sendmsg(9<{SOCKET}>, {{msg_iov=[{{iov_base="{EMPTY_DATA}", iov_len=9}}]}}, 0) = 9'
REFUSED = GRPC_OK.replace(EMPTY_DATA, r"\x00\x00\x00\x01" + r"\x00" * 5)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((WRITE, SYNC, GRPC_OK), Answers(1, 0)),
        ((WRITE, GRPC_OK, SYNC), Answers(1, 1)),
        ((WRITE, BEGUN, GRPC_OK, ENDED), Answers(1, 1)),
        ((WRITE, BEGUN, ENDED, GRPC_OK), Answers(1, 0)),
        ((WRITE, FAILED, GRPC_OK), Answers(1, 1)),
        ((WRITE, REFUSED), Answers(0, 0)),
        ((GRPC_OK,), Answers(1, 0)),
    ],
)
def test_the_reader_of_system_calls(lines: tuple[str, ...], expected: Answers) -> None:
    assert answers("\n".join(lines)) == expected
