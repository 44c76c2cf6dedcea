"""``python -m tests.instrumentation.recordings``: recorded exchanges replayed through the wires, and what is recorded.

The recordings' own server answers as a proxy, so that each request goes to the address it was recorded with. What is
recorded is held against the truth that comes with the recordings, and against what the rater reads in the raw object.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx2
import requests
from tests.instrumentation.through_botocore import through_botocore
from tests.recordings.exchange import FILE, FOLDER, Json, exchanges
from tests.recordings.grade import FIELDS

from tollspan import wire
from tollspan.process import Place, Process
from tollspan.record import CallRecord
from tollspan.settings import resolve
from tollspan_rater.extract.raw import read_raw

DROPPED: Final = frozenset({"host", "content-length", "accept-encoding", "connection", "transfer-encoding"})
TIMEOUT: Final = 20
COUNTS: Final = ("input", "output", "cache_read", "cache_write", "reasoning")
COLUMNS: Final = (
    "exchanges", "with truth", "exact", "second reading", "wrong", "missing", "estimated", "lower bound", "unmeasured",
    "free", "surplus",
)  # fmt: skip


@dataclass
class Kept:
    """A recorder that keeps every record."""

    records: list[CallRecord] = field(default_factory=list)
    process: Process = field(default_factory=Process)
    time_ns: int = 1_700_000_000_000_000_000

    def now_ns(self) -> int:
        self.time_ns += 1_000_000
        return self.time_ns

    def begin(self) -> Place:
        return self.process.begin()

    def number(self) -> tuple[str, int]:
        return self.process.number()

    def emit(self, record: CallRecord) -> None:
        self.records.append(record)

    def taken(self) -> list[CallRecord]:
        taken, self.records = self.records, []
        return taken


@contextmanager
def replay(options: Iterable[str] = ()) -> Iterator[str]:
    """Serve the recordings; yield the address."""
    serve = _module()
    serve.Handler.opt = serve.options(list(options))
    serve.Handler.lines = serve.Handler.lines or serve.load(FILE)
    server = serve.Server(("127.0.0.1", 0), serve.Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _module() -> ModuleType:
    name = "recordings_serve"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FOLDER / "recordings/serve.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@contextmanager
def metering() -> Iterator[Kept]:
    """Meter every wire, into memory."""
    kept = Kept()
    settings = resolve({}, endpoint="http://127.0.0.1:1", include_usage_hosts=())
    assert settings is not None
    wire.patch(kept, settings)
    try:
        yield kept
    finally:
        wire.unpatch()


@dataclass(frozen=True)
class Asked:
    """An exchange's request, as a client sends it through the proxy."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def asked(exchange: Json) -> Asked:
    parts = urlsplit(exchange["url"])
    url = parts._replace(scheme="http", netloc=parts.netloc.rpartition("@")[2]).geturl()
    headers = {name: value for name, value in exchange["request_headers"].items() if name.lower() not in DROPPED}
    body = exchange["request_body"]
    coded = body if isinstance(body, str) else json.dumps(body)
    return Asked(
        exchange["method"], url, headers | {"x-replay-id": exchange["id"]}, b"" if body is None else coded.encode()
    )


Take = Callable[[Json], None]  # what happens after an exchange


def _through_httpx(library: Any, proxy: str, chosen: Iterable[Json], take: Take) -> None:
    with library.Client(proxy=proxy, timeout=TIMEOUT, trust_env=False) as client:
        for exchange in chosen:
            one = asked(exchange)
            try:
                with client.stream(one.method, one.url, headers=one.headers, content=one.body) as answer:
                    for _ in answer.iter_bytes():
                        pass
            except library.HTTPError:
                pass
            take(exchange)


def _through_async_httpx(library: Any, proxy: str, chosen: Iterable[Json], take: Take) -> None:
    async def main() -> None:
        async with library.AsyncClient(proxy=proxy, timeout=TIMEOUT, trust_env=False) as client:
            for exchange in chosen:
                one = asked(exchange)
                how = client.stream(one.method, one.url, headers=one.headers, content=one.body)
                with suppress(library.HTTPError):
                    async with how as answer:
                        async for _ in answer.aiter_bytes():
                            pass
                take(exchange)

    asyncio.run(main())


def _through_requests(proxy: str, chosen: Iterable[Json], take: Take) -> None:
    with requests.Session() as session:
        session.trust_env, session.proxies = False, {"http": proxy}
        for exchange in chosen:
            one = asked(exchange)
            with suppress(requests.RequestException):
                answer = session.request(
                    one.method, one.url, headers=one.headers, data=one.body, timeout=TIMEOUT, stream=exchange["stream"]
                )
                assert answer.content is not None
            take(exchange)


def _through_aiohttp(proxy: str, chosen: Iterable[Json], take: Take) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            for exchange in chosen:
                one = asked(exchange)
                try:
                    async with session.request(
                        one.method, one.url, headers=one.headers, data=one.body, proxy=proxy
                    ) as answer:
                        await answer.read()
                except aiohttp.ClientError:
                    pass
                take(exchange)

    asyncio.run(main())


WIRES: Final[Mapping[str, Callable[[str, Iterable[Json], Take], None]]] = {
    "httpx2": lambda *how: _through_httpx(httpx2, *how),
    "httpx2 async": lambda *how: _through_async_httpx(httpx2, *how),
    "httpx": lambda *how: _through_httpx(httpx, *how),
    "httpx async": lambda *how: _through_async_httpx(httpx, *how),
    "requests": _through_requests,
    "aiohttp": _through_aiohttp,
    "botocore": through_botocore,  # Bedrock's only
}
UNCOMPRESSED: Final = frozenset({"botocore"})  # AWS compresses no event stream, and botocore could not read it


@dataclass(frozen=True)
class Grade:
    """An exchange, what was recorded of it, and how that compares."""

    exchange: Json
    records: tuple[CallRecord, ...]
    verdict: str
    note: str = ""


def campaign(through: str, options: Iterable[str], chosen: Iterable[Json]) -> list[Grade]:
    """Replay exchanges through a wire and grade what was recorded."""
    grades: list[Grade] = []
    options = [one for one in options if one != "--gzip" or through not in UNCOMPRESSED]
    with metering() as kept, replay(options) as proxy:
        WIRES[through](proxy, chosen, lambda exchange: grades.append(grade(exchange, kept.taken())))
    return grades


def grade(exchange: Json, records: list[CallRecord]) -> Grade:
    """Hold records against an exchange's truth; what is not exact is named by its quality."""

    def graded(verdict: str, note: str = "") -> Grade:
        return Grade(exchange, tuple(records), verdict, note)

    truth = exchange["truth"]
    if not records:
        return graded("missing" if truth is not None else "free")
    record = records[-1]
    if len(records) > 1:
        return graded("surplus", f"{len(records)} records")
    if note := unlike_the_rater(record):
        return graded("wrong", note)
    if truth is None or record.quality not in {"exact", "derived"}:
        stated = truth is not None and record.outcome == "complete" and _stated(record, truth)
        return graded("exact" if stated else record.quality.replace("_", " "), record.outcome)
    wrong = differences(record, truth)
    if not wrong:
        return graded("exact")
    second = differences(record, {**truth, **(exchange.get("truth_alt") or {})})
    return graded("wrong" if second else "second reading", wrong)


def _stated(record: CallRecord, truth: Json) -> bool:
    """Tell whether what the provider did state is there, and only the rest is estimated."""
    raw = json.loads(record.usage_raw or "{}")
    return bool(raw) and not differences(record, truth)


def differences(record: CallRecord, truth: Json) -> str:
    """Name what the provider states and the record has not, or otherwise, as the rater reads it."""
    reading = None if record.usage_raw is None else read_raw(json.loads(record.usage_raw), record.api)
    got: dict[str, Any] = {} if reading is None else {name: getattr(reading.usage, at) for name, at in FIELDS.items()}
    got |= {"response_id": record.response_id, "response_model": record.response_model}
    got["web_search"] = 0 if reading is None else reading.usage.units.get("web_search", 0)
    return ", ".join(
        f"{name} {got.get(name)} for {truth[name]}"
        for name in (*FIELDS, "web_search", "response_id", "response_model")
        if truth.get(name) is not None and got.get(name) != truth[name]
    )


def unlike_the_rater(record: CallRecord) -> str:
    """Name the counts in which a record's normal form is not what the rater reads in its raw object."""
    if record.usage_raw is None:
        return ""
    reading = read_raw(json.loads(record.usage_raw), record.api)
    if reading is None:
        return f"the rater does not know {record.api}"
    stated = {
        name: getattr(reading.usage, name) for name in ("input", "output", "cache_read", "cache_write", "reasoning")
    }
    return ", ".join(
        f"{name}: {getattr(record.counts, name)}, for the rater {count}"
        for name, count in stated.items()
        if count is not None and getattr(record.counts, name) != count
    )


def table(grades: Iterable[Grade]) -> Counter[str]:
    """Count verdicts."""
    row: Counter[str] = Counter()
    for one in grades:
        row.update(["exchanges", one.verdict])
        row["with truth"] += one.exchange["truth"] is not None
    return row


def main() -> int:
    """Run the campaign that the arguments name and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wire", action="append", choices=[*WIRES], help="only this one; may be given again")
    parser.add_argument("--provider")
    parser.add_argument("--chunk", help="cut streams every N bytes")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--abort", help="cut streams off after this fraction of their bytes")
    parser.add_argument("--list", action="store_true", help="name every exchange that is not exact")
    given = parser.parse_args()
    options = [*(("--chunk", given.chunk) if given.chunk else ()), *(("--gzip",) if given.gzip else ())]
    options += ["--abort", given.abort] if given.abort else []
    chosen = [one for one in exchanges() if given.provider in (None, one["provider"])]
    chosen = [one for one in chosen if one["stream"]] if given.abort else chosen
    bad = 0
    print("  ".join(("wire".ljust(12), *COLUMNS)))
    for through in given.wire or WIRES:
        grades = campaign(through, options, chosen)
        row = table(grades)
        print("  ".join((through.ljust(12), *(str(row[name]).ljust(len(name)) for name in COLUMNS))), flush=True)
        for one in grades:
            if one.verdict in {"wrong", "missing", "surplus"} or (given.list and one.verdict != "exact"):
                print(f"  {one.verdict}: {one.exchange['id']} {one.exchange['operation']}: {one.note}")
                bad += one.verdict in {"wrong", "missing", "surplus"}
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
