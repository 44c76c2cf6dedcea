"""Processes that read spans for the one writer, so that reading uses every core and never holds up an answer."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Final

from tollspan_rater.domain.entries import Batch
from tollspan_rater.extract.span_rule import SpanRules
from tollspan_rater.pipeline.ahead import Pending
from tollspan_rater.pipeline.page import Names, Page

AT_ONCE_BYTES: Final = 256 << 10  # as much is read sooner than it is sent to another process
GRACE_S: Final = 5.0


class Workers:
    """Makes pages in other processes once more is waiting than is read at once.

    A process starts when it is first needed and ends with its owner, also with a killed one: its stdin ends then.
    What a process cannot do, or a dead one did not, is done ``here``.

    Args:
        count: how many processes; 0 reads everything here.
        subject_key: the key of the subject ids.
        here: makes a page in the caller's thread.
        learn: told of the names of people behind new subject ids, in the caller's thread.
    """

    def __init__(
        self, count: int, subject_key: bytes, here: Callable[[Batch, SpanRules], Page], learn: Callable[[Names], None]
    ) -> None:
        self._count = count
        self._key = subject_key
        self._here = here
        self._learn = learn
        self._threads = ThreadPoolExecutor(max(count, 1), thread_name_prefix="tollspan-reader")
        self._own = threading.local()
        self._running: list[_Process] = []
        self._waiting_bytes = 0
        self._lock = threading.Lock()

    def submit(self, batch: Batch, rules: SpanRules) -> Pending:
        """Take a batch and the rules to read it by.

        What is returned gives its page, to be called once, by the thread that submits.
        """
        size = len(batch.body)
        if not self._count or self._waiting_bytes + size <= AT_ONCE_BYTES:
            return lambda: self._here(batch, rules)
        future = self._threads.submit(self._made, batch, rules)
        self._wait_for(size)
        future.add_done_callback(lambda _done: self._wait_for(-size))
        return lambda: self._taken(batch, rules, future)

    def close(self) -> None:
        """End the processes; batches under way are dropped, they stay in the journal."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._running:
            process.close()

    def _wait_for(self, size: int) -> None:
        with self._lock:
            self._waiting_bytes += size

    def _taken(self, batch: Batch, rules: SpanRules, future: Future[Page | None]) -> Page:
        page = future.result()
        if page is None:
            return self._here(batch, rules)
        self._learn(page.names)
        return replace(page, batch=batch)

    def _made(self, batch: Batch, rules: SpanRules) -> Page | None:
        process: _Process | None = getattr(self._own, "process", None)
        try:
            if process is None:
                process = self._own.process = _Process(self._key)
                self._running.append(process)
            return process.page(batch, rules)
        except (EOFError, OSError, pickle.UnpicklingError):
            if process is not None:
                process.close()
            self._own.process = None
            return None


class _Process:
    def __init__(self, key: bytes) -> None:
        command = [sys.executable, "-m", "tollspan_rater.server.page_worker"]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own module
        if self._child.stdin is None or self._child.stdout is None:
            raise OSError("a process was started without its pipes")
        with self._child.stdin as requests, self._child.stdout as answers:
            self._requests = Connection(os.dup(requests.fileno()), readable=False)
            self._answers = Connection(os.dup(answers.fileno()), writable=False)
        self._requests.send_bytes(key)
        self._told: SpanRules | None = None

    def page(self, batch: Batch, rules: SpanRules) -> Page | None:
        """Have a page made; rules travel only when they are others than before."""
        self._requests.send((batch, None if rules is self._told else rules))
        self._told = rules
        page: Page | None = self._answers.recv()
        return page

    def close(self) -> None:
        """End the process."""
        self._child.terminate()
        try:
            self._child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
