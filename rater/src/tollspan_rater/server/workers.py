"""Processes that read spans for the one writer, so that reading uses every core and never holds up an answer."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Final

from tollspan_rater.domain.entries import Batch
from tollspan_rater.extract.span_rule import RulesByTenant
from tollspan_rater.pipeline.ahead import Pending
from tollspan_rater.pipeline.page import Names, Page
from tollspan_rater.server.page_pipe import receive_page

AT_ONCE_BYTES: Final = 128 << 10  # less is read sooner than it is sent to another process
GRACE_S: Final = 5.0


class Workers:
    """Makes pages in other processes, except those that are read at once.

    Processes are started when they are first needed and end with their owner, also with a killed one: their stdin ends
    then. What is wanted before any of them is ready, what a process cannot do, or a dead one did not, is done ``here``.

    Args:
        count: how many processes; 0 reads everything here.
        subject_key: the key of the subject ids.
        here: makes a page in the caller's thread.
        learn: told of the names of people behind new subject ids, in the caller's thread.
    """

    def __init__(
        self,
        count: int,
        subject_key: bytes,
        here: Callable[[Sequence[Batch], RulesByTenant], Page],
        learn: Callable[[Names], None],
    ) -> None:
        self._count = count
        self._key = subject_key
        self._here = here
        self._learn = learn
        self._threads = ThreadPoolExecutor(max(count, 1), thread_name_prefix="tollspan-reader")
        self._lock = threading.Lock()
        self._starting = 0
        self._closed = False
        self._begun: list[_Process] = []
        self._running: list[_Process] = []
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()

    def submit(self, batches: Sequence[Batch], rules: RulesByTenant) -> Pending:
        """Take the batches of a page and the rules to read them by.

        What is returned gives the page, to be called once, by the thread that submits.
        """
        if not self._count or sum(len(batch.body) for batch in batches) < AT_ONCE_BYTES:
            return lambda: self._here(batches, rules)
        self._start_missing()
        future = self._threads.submit(self._made, batches, rules)
        return lambda: self._taken(batches, rules, future)

    def close(self) -> None:
        """End the processes; batches under way are dropped, they stay in the journal."""
        self._closed = True  # before the list is read: a process that is begun now is in it, or sees this
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in tuple(self._begun):  # its thread takes it out when it ends
            process.close()

    def _taken(self, batches: Sequence[Batch], rules: RulesByTenant, future: Future[Page | None]) -> Page:
        page = None if not self._running and future.cancel() else future.result()
        if page is None:
            return self._here(batches, rules)
        self._learn(page.names)
        return page

    def _start_missing(self) -> None:
        with self._lock:
            missing = self._count - len(self._running) - self._starting
            self._starting += missing
        for _ in range(missing):
            self._threads.submit(self._start)

    def _start(self) -> None:
        process = None
        try:
            process = _Process(self._key)
            self._begun.append(process)
            if self._closed:
                process.close()
            process.wait_until_ready()
        except (EOFError, OSError):
            if process is not None:
                self._begun.remove(process)
                process.close()
            process = None
        with self._lock:
            self._starting -= 1
            if process is not None:
                self._running.append(process)
                self._idle.put(process)

    def _made(self, batches: Sequence[Batch], rules: RulesByTenant) -> Page | None:
        try:
            process = self._idle.get_nowait()
        except queue.Empty:
            return None
        try:
            page = process.page(batches, rules)
        except (EOFError, OSError, pickle.UnpicklingError):
            with self._lock:
                self._running.remove(process)
            self._begun.remove(process)
            process.close()
            return None
        self._idle.put(process)
        return page


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
        self._told: RulesByTenant | None = None

    def wait_until_ready(self) -> None:
        """Return when it has loaded what it reads with; EOFError when it ended before."""
        self._answers.recv_bytes()

    def page(self, batches: Sequence[Batch], rules: RulesByTenant) -> Page | None:
        """Have a page made; rules travel only when they are others than before."""
        self._requests.send((batches, None if rules is self._told else rules))
        self._told = rules
        return receive_page(self._answers, batches)

    def close(self) -> None:
        """End the process."""
        self._child.terminate()
        try:
            self._child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
