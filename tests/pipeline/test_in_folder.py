"""The pipeline within a data folder: what a revoked key and an id that is no more lead to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.extract.spans import T0
from tests.pipeline.rig import request
from tests.pipeline.stories import TRACES, own, view
from tollspan_rater.api.keys import new_key
from tollspan_rater.config.sources import resolve
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.server import workers
from tollspan_rater.server.backend import open_folder
from tollspan_rater.server.rater import Rater
from tollspan_rater.server.rebuilding import rebuild_store


class Owner:
    """Opens a data folder, again and again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack = folder, ExitStack()
        self.rater = self.again()

    def again(self) -> Rater:
        self._stack.close()
        resolved = resolve({"data": str(self._folder)}, {}, self._folder)
        self.rater = self._stack.enter_context(open_folder(resolved))
        return self.rater

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    owner = Owner(tmp_path)
    yield owner
    owner.close()


def test_a_revoked_key_is_refused_at_once_and_after_a_restart(owner: Owner) -> None:
    key = new_key(secrets.token_bytes, scopes=["ingest"])
    rater = owner.rater
    rater.execute("key.create", dict(key.body), tenant="t1", actor="me")
    assert rater.authenticate(key.token) is not None
    rater = owner.again()
    assert rater.authenticate(key.token) is not None
    rater.execute("key.revoke", {"key_id": key.body["key_id"]}, tenant="t1", actor="me")
    assert rater.authenticate(key.token) is None
    rebuild_store(rater)
    assert rater.authenticate(key.token) is None
    assert owner.again().authenticate(key.token) is None


def test_an_id_that_is_no_more_leads_to_the_new_call(owner: Owner) -> None:
    rater = owner.rater
    for span in (view(1, TRACES[0], said="resp_1"), own(2, TRACES[1], said="resp_1")):
        rater.append([NewBatch(T0, "t1", "s", "otlp-json", request([span]))])
    reader = rater.database.reader()
    [(old,)] = reader.execute("SELECT call_id FROM legs WHERE sign < 0").fetchall()
    [(new,)] = reader.execute("SELECT call_id FROM calls").fetchall()
    rows = rater.ask("explain", {"id": old}, tenant="t1").rows
    assert f"its revisions net to zero; it is now {new}" in [row["value"] for row in rows]


def test_a_rebuild_reads_in_processes_that_end_with_it(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    rater = owner.rater
    rater.append([NewBatch(T0, "t1", "s", "otlp-json", request([own(1, TRACES[0])])) for _ in range(3)])
    monkeypatch.setattr(workers, "AT_ONCE_BYTES", 0)
    started: list[Popen[bytes]] = []

    class Noted(Popen[bytes]):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            started.append(self)

    monkeypatch.setattr(workers.subprocess, "Popen", Noted)
    before, after = rebuild_store(rater)
    assert before == after
    assert started
    for process in started:  # one that was only being started ends a moment later
        process.wait(timeout=30)
