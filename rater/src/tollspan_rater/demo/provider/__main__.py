"""``python -m tollspan_rater.demo.provider``: serve until interrupted; the first line printed is the address."""

from __future__ import annotations

import argparse
import contextlib
import sys

from tollspan_rater.demo.provider.server import FakeProvider


def main() -> None:
    """Read the options, print the address, serve."""
    parser = argparse.ArgumentParser(description="A fake LLM provider on 127.0.0.1; GET /bill is what it charges.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=0, help="the same seed and requests give the same usage")
    options = parser.parse_args()
    provider = FakeProvider(seed=options.seed, port=options.port)
    sys.stdout.write(f"{provider.url}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        provider.serve()


if __name__ == "__main__":
    main()
