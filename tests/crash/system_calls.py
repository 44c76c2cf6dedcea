"""Reads what strace saw of a rater: is any answer on its way before the journal is on the disk?

It holds for a client that sends one request at a time: then everything written to the journal belongs to requests
that are answered already, or to the one whose answer is being sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

STRACE = ("strace", "-D", "-f", "-yy", "-xx", "-s", "4096", "-e", "trace=pwrite64,fsync,fdatasync,sendmsg,sendto,write")
_CALL = re.compile(r"^(\d+)\s+(\w+)\(\d+<((?:\\x[0-9a-f]{2}|[^>])*)>(.*)$")
_RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>.*= (-?\d+)")
_BYTES = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HEADER = 9  # bytes of an HTTP/2 frame's header: length 3, type 1, flags 1, stream 4 (RFC 9113, section 4.1)
_DATA = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """How many good answers were sent, and how many of them while bytes of the journal were not synced."""

    sent: int
    early: int


def answers(trace: str) -> Answers:
    """Count the answers in the output of strace, called with the options in ``STRACE``."""
    unsynced: set[str] = set()
    syncing: dict[str, str] = {}
    sent = early = 0
    for line in trace.splitlines():
        if (resumed := _RESUMED.match(line)) and resumed[1] in syncing:
            path = syncing.pop(resumed[1])
            unsynced -= {path} if resumed[3] == "0" else set()
        elif found := _CALL.match(line):
            thread, call, name, rest = found.groups()
            path = _plain(name).decode(errors="replace")
            if call == "pwrite64" and re.search(r"/journal/[^/]*\.sqlite(-wal)?$", path):
                unsynced.add(path)
            elif call in {"fsync", "fdatasync"} and rest.endswith("<unfinished ...>"):
                syncing[thread] = path
            elif call in {"fsync", "fdatasync"} and rest.endswith("= 0"):
                unsynced.discard(path)
            elif path.startswith("TCP") and _is_ok(b"".join(_sent(rest))):
                sent += 1
                early += bool(unsynced)
    return Answers(sent, early)


def _sent(rest: str) -> Iterator[bytes]:
    return (_plain(text) for text in _BYTES.findall(rest))


def _plain(text: str) -> bytes:
    """Decode what strace writes: names of files in hexadecimal, names of sockets as they are."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def _is_ok(content: bytes) -> bool:
    """Tell whether bytes sent to a client are a good answer.

    OTLP/HTTP says so in its first line. Over gRPC only a good answer has a message, in a DATA frame: a refusal is
    made of headers alone.
    """
    if content.startswith(b"HTTP/1.1 "):
        return content.startswith(b"HTTP/1.1 200 ")
    at = 0
    while at + _HEADER <= len(content):
        if content[at + 3] == _DATA:
            return True
        at += _HEADER + int.from_bytes(content[at : at + 3], "big")
    return False


def is_complete(trace: str, pid: int) -> bool:
    """Tell whether strace has written down the end of a process."""
    return re.search(rf"^{pid}\s+\+\+\+ ", trace, re.MULTILINE) is not None
