"""Proves exports at length: ``python -m tests.export [TARGET ...] [--histories N] [--golden] [--stripe-mock]``.

N random histories of each target (by default 500), with everything going wrong that can. ``--golden`` writes the
golden files of requests anew. ``--stripe-mock`` asks Stripe's own mock server what it thinks of our requests; it is
built from Go modules at the first time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from tests.export import stripe_mock
from tests.export.case import Case, cases
from tests.export.faults import History
from tests.export.invoice import requests
from tests.export.test_golden import GOLDEN

SHOWN = 3


def main() -> int:
    """Run what is asked for; 1 when anything came twice, not at all, or with another amount."""
    known = cases()
    parser = argparse.ArgumentParser(prog="python -m tests.export", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *sorted(known)], metavar="TARGET")
    parser.add_argument("--histories", type=int, default=500)
    parser.add_argument("--golden", action="store_true")
    parser.add_argument("--stripe-mock", action="store_true")
    asked = parser.parse_args()
    chosen = [known[name] for name in asked.targets or sorted(known)]
    if asked.golden:
        for case in chosen:
            (GOLDEN / f"{case.name}.txt").write_text(requests(case), encoding="utf-8")
        return 0
    if asked.stripe_mock:
        return judged()
    return 1 if sum([histories(case, asked.histories) for case in chosen]) else 0


def histories(case: Case, wanted: int) -> int:
    """Run so many histories of a target; print the first that fail with the number that makes them again."""
    start, red, items, requests, kills = time.monotonic(), 0, 0, 0, 0
    for seed in range(wanted):
        verdict = History(case, seed).run()
        items, requests, kills = items + verdict.items, requests + verdict.requests, kills + verdict.kills
        if verdict.problems:
            red += 1
            print(f"history {seed}: {'; '.join(verdict.problems)}" if red <= SHOWN else ".", flush=True)
    print(
        f"{case.name}: {wanted} histories, {items:,} items, {requests:,} requests, {kills:,} kills, "
        f"{red} wrong, {time.monotonic() - start:.1f} s",
        flush=True,
    )
    return red


def judged() -> int:
    """Print what Stripe's mock server thinks of each request of its interfaces; 1 when it refuses one."""
    try:
        binary = stripe_mock.built()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"SKIPPED: stripe-mock {stripe_mock.VERSION} cannot be built from Go modules: {error}", file=sys.stderr)
        return 0
    with stripe_mock.serving(binary) as url:
        verdicts = list(stripe_mock.verdicts(url))
    for verdict in verdicts:
        print(verdict)
    refused = sum(not verdict.fits for verdict in verdicts)
    print(f"{len(verdicts)} requests, {refused} refused by stripe-mock {stripe_mock.VERSION}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
