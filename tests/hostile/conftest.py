"""The two doors on loopback, with a journal that only remembers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

import httpx
import pytest
import uvicorn

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.domain.identity import Identity
from tollspan_rater.ingest.admission import Admission, Refusal, by_key
from tollspan_rater.ingest.limits import MIB, Limits
from tollspan_rater.ingest.otlp_grpc import GrpcReceiver
from tollspan_rater.ingest.otlp_http import traces_app


@dataclass
class Rig:
    """What stands behind the doors."""

    batches: list[NewBatch] = field(default_factory=list)
    refusal: Refusal | None = None
    failure: Exception | None = None

    def submit(self, batch: NewBatch) -> Future[int]:
        if self.failure:
            raise self.failure
        self.batches.append(batch)
        future: Future[int] = Future()
        future.set_result(len(self.batches))
        return future

    def admission(self, *, reject: bool = False) -> Admission:
        keys = {"good": Identity("acme", "key-7", frozenset({"ingest"}))}
        return Admission(
            by_key(keys.get, required=lambda: False),
            self.submit,
            lambda: self.refusal,
            FixedClock(5),
            Limits(message_bytes=4 * MIB),
            reject_bad_keys=reject,
        )


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@pytest.fixture(scope="session")
def shared_rig() -> Rig:
    return Rig()


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    """Clear what an earlier test left behind the doors, which stay open from test to test."""
    shared_rig.batches.clear()
    shared_rig.refusal = shared_rig.failure = None
    return shared_rig


@pytest.fixture(params=[False, True], ids=["retry", "reject"])
def reject(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="session")
def grpc_door(shared_rig: Rig) -> Iterator[GrpcReceiver]:
    receiver = GrpcReceiver(shared_rig.admission(), "127.0.0.1:0")
    receiver.start()
    yield receiver
    receiver.stop(0)


@pytest.fixture(scope="session")
def http_door(shared_rig: Rig) -> Iterator[httpx.Client]:
    server = Server(uvicorn.Config(traces_app(shared_rig.admission()), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.ready.wait(20)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    server.should_exit = True
    thread.join()
