"""Spans at a steady rate until told to stop, from a process of its own: ``python -m benchmarks.query.stream``."""

from __future__ import annotations

import sys
import threading
import time

import grpc

from benchmarks.ingest.load import EXPORT, until_taken
from benchmarks.ingest.spans import Load

ENDLESS, PER_REQUEST = 10**9, 512


def main() -> None:
    """Send to a target (HOST:PORT) so many spans a second until the standard input ends.

    Prints how many were acknowledged, and in how many seconds.
    """
    target, rate = sys.argv[1], int(sys.argv[2])
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    requests = Load(ENDLESS, PER_REQUEST, 1, time.time_ns() - 1_800 * 1_000_000_000).requests()
    sent, request, begin = 0, next(requests), time.perf_counter()
    with grpc.insecure_channel(target) as channel:
        export = channel.unary_unary(EXPORT)
        while not stop.wait(max(0.0, begin + sent / rate - time.perf_counter())):
            until_taken(export, request)
            sent, request = sent + PER_REQUEST, next(requests)
    print(sent, time.perf_counter() - begin)


if __name__ == "__main__":
    main()
