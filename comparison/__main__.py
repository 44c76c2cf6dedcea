"""``python -m comparison cases|oldest|peers``: installs, runs, compares, prints; ends with 1 if anything is wrong.

``python -m comparison pages`` runs nothing, and renews the pages from what is recorded and from the tables.
"""

from __future__ import annotations

import argparse
import sys

from comparison import cases_report, oldest, page, recording
from comparison.cases import all_cases
from comparison.instrumentation import INSTRUMENTATIONS
from comparison.run import Run, run

TOLLSPAN = INSTRUMENTATIONS[0]


def main() -> int:
    """Run what is asked for."""
    options = _options()
    return {"cases": _newest, "oldest": _oldest, "peers": _peers, "pages": _pages}[options.what](options)


def _newest(options: argparse.Namespace) -> int:
    found = run(TOLLSPAN, all_cases(), _step, only=options.only)
    _say(f"{name} {found.versions[name]}" for name in sorted({*TOLLSPAN.sdks} & {*found.versions}))
    return _said(found)


def _oldest(options: argparse.Namespace) -> int:
    chosen = [one for one in oldest.OLDEST if not options.name or one.name in options.name]
    codes = []
    for one in chosen:
        cases = [case for case in all_cases() if case.sdk == one.sdk]
        only = options.only or ",".join(case.slug for case in cases)
        codes.append(_said(run(TOLLSPAN, cases, _step, name=one.name, packages=one.packages, only=only)))
    return max(codes)


def _said(found: Run) -> int:
    _say([*cases_report.lines(found.cases), *([f"{found.name}: {found.failure}"] if found.failure else [])])
    return 0 if cases_report.is_right(found.cases) and found.cases and not found.failure else 1


def _peers(options: argparse.Namespace) -> int:
    chosen = [one for one in INSTRUMENTATIONS if not options.name or one.name in options.name]
    for one in chosen:
        found = run(one, all_cases(), _step, only=options.only)
        if found.failure:
            _say([f"{one.name}: {found.failure}"])
        if found.cases and not options.only:
            recording.write(found)
        elif found.cases:
            _say(page.columns([found]))
    return 0 if options.only else _pages(options)


def _pages(_options: argparse.Namespace) -> int:
    runs = recording.read()
    _say([*page.columns(runs), "", *page.tally(runs)])
    page.renew(runs)
    return 0


def _step(name: str, doing: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{name}: {doing}")
        sys.stderr.flush()


def _say(lines: object) -> None:
    for line in lines:  # type: ignore[attr-defined]
        sys.stdout.write(f"{line}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m comparison", description=__doc__)
    parser.add_argument("what", choices=["cases", "oldest", "peers", "pages"])
    parser.add_argument("--only", default="", help="run these cases only, as addresses name them, joined by commas")
    parser.add_argument("--name", action="append", help="run this instrumentation or row of old releases only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
