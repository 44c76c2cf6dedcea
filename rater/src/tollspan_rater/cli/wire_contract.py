"""The reference page of the wire contract, made from ``tollspan.semconv`` and the comments in it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Final

from tollspan import semconv

_SECTION: Final = re.compile(r"# --- (?P<title>.+?) -+$")
_CONSTANT: Final = re.compile(r'[A-Z_]+: Final = "(?P<name>[a-z_.]+[a-z_])"(?:  # (?P<meaning>.+))?$')
_STANDARD: Final = "as OpenTelemetry defines it"

ATTRIBUTION: Final[Mapping[str, str]] = {
    "customer": "who gets the bill; an id, no name",
    "user": "the person; becomes a subject id before it is stored",
    "organization": "a part of the customer",
    "project": "a part of the customer",
    "workspace": "a part of the customer",
    "feature": "the part of your product that made the call",
    "feature_flag": "the flag or variant under which it was made",
    "workflow": "the workflow that the call is a step of",
    "run": "one execution of it",
    "prompt": "the prompt's name, never its text",
    "prompt_version": "its version",
    "environment": "production when nobody says; plans decide by it",
    "region": "where the call was made",
    "agent": "the agent that made it",
    "request_type": "a kind of request, in your words",
    "phase": "the account's phase, for example trial; plans decide by it",
    "subscription": "the subscription that it belongs to",
    "billable": "bool: false keeps the call off the invoice",
}
_HEAD: Final = f"""# Wire contract

Version {semconv.SCHEMA_VERSION}. What tollspan's instrumentation writes on its spans, and what any application may
write. The names stand in `tollspan.semconv`, from which both the instrumentation and the rater import them.

Token totals are inclusive: input contains cache reads and writes, output contains reasoning. Spans of tollspan's own
have the scope `{semconv.SCOPE_NAME}`; trace id and span id are made with the record, so that a span sent again has
the same key. A span named `{semconv.PROCESS_ENDED}` is no record: it tells that a process was killed with calls under
way, and its `{semconv.SEQ}` is the highest number that the process would have given out.
"""


def page() -> str:
    """Return the page in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD.rstrip()
    for title, rows in _sections().items():
        if rows:
            yield from ("", f"## {title}", "", "| attribute | meaning |", "|---|---|")
            yield from (f"| `{name}` | {meaning} |" for name, meaning in rows)
    yield from ("", "## For whom", "")
    yield (
        f"At most {semconv.MAX_ATTRIBUTION_VALUE_BYTES} bytes each; longer values are cut and flagged. At most "
        f"{semconv.MAX_TAGS} free dimensions `{semconv.TAG_PREFIX}NAME`."
    )
    yield from ("", "| attribute | meaning |", "|---|---|")
    yield from (f"| `{semconv.attribution_attribute(key)}` | {ATTRIBUTION[key]} |" for key in semconv.ATTRIBUTION_KEYS)
    yield from ("", "## Closed lists", "", "| attribute | values |", "|---|---|")
    for name, values in (
        (semconv.OUTCOME, semconv.OUTCOMES),
        (semconv.QUALITY, semconv.QUALITIES),
        (semconv.USAGE_API, semconv.USAGE_APIS),
    ):
        yield f"| `{name}` | {', '.join(f'`{value}`' for value in values)} |"
    yield from ("", "[What outcomes and qualities mean](../concepts/meters-and-unknown.md).")


def _sections() -> dict[str, list[tuple[str, str]]]:
    """Return the attributes of each section of the module, in its order, with what the comment beside one says."""
    found: dict[str, list[tuple[str, str]]] = {}
    title = ""
    for line in inspect.getsource(semconv).splitlines():
        if section := _SECTION.match(line):
            title = section["title"]
            found.setdefault(title, [])
        elif (constant := _CONSTANT.match(line)) and "." in constant["name"]:
            found[title].append((constant["name"], constant["meaning"] or _STANDARD))
    return found
