"""The HTTP API's reference page, made from the tables of questions and commands."""

from __future__ import annotations

from tollspan_rater.query.commands import COMMANDS, CommandKind
from tollspan_rater.query.question import Param, Question
from tollspan_rater.query.questions import QUESTIONS

_HEAD = """# HTTP API

`tollspan serve` answers on `listen.api`. Every request but `GET /healthz`, `/openapi.json` and `/docs` needs
`Authorization: Bearer KEY` (`tollspan keys create`); the key decides the tenant. Commands on the same machine use the
local token of `run.json` in the data folder. `/docs` is this page for the release that runs, `/openapi.json` the same
for programs (OpenAPI 3.1). In Python: `tollspan_rater.client`. How to ask is told in
[the query API](../concepts/query-api.md).

An answer is JSON: `title`, `columns`, `rows`, `totals`, `as_of` (journal position), `zone`, `notes`, `ok`,
`details`, `next` (where the next page begins). Decimals are strings, unknown is `null`. `Accept: text/csv` or
`application/jsonl` (also `application/x-ndjson`) gives the rows alone, `text/html` an invoice as a page; of several,
the greatest `q` decides. Every answer has the headers `Tollspan-Position`, `Tollspan-Zone` and `ETag`; `If-None-Match`
with a tag that still holds gives 304.
Errors are `application/problem+json` (RFC 9457).

Questions with a parameter `as_of` have pages: `page_size` rows each, then `cursor` with the `next` of the answer
before (for a `GET` also in its `Link` header). A list that its `limit` cuts has `next`, too. All pages are of one
journal position, and a cursor is of use with the parameters of its first page only.

`GET /metrics` (scope `query`) is for [Prometheus](../operating/prometheus.md).

| scope | may |
|---|---|
| `ingest` | send spans, events and files |
| `usage` | ask `usage`, `calls`, `latency`, `allowance` and `inexact`, without anything about money |
| `query` | ask all questions but those of `export` and `admin` |
| `customer-query` | ask `usage`, `calls`, `latency`, `invoice`, `allowance` of its own customer, no provider costs |
| `pricing` | apply prices |
| `export` | ask for the lines that exports carry |
| `admin` | all of these for its tenant, and every command |

## Questions

`GET /v1/{question}`; `GET /v1/rated-usage` is `GET /v1/usage`. Parameters that are too long for an address come as
a JSON object with `POST /v1/{question}`; that writes nothing either. A question with a
parameter `customer` can be asked below its customer: `GET /v1/customers/acme/allowance` is
`GET /v1/allowance?customer=acme`.
"""
_COMMANDS = """
## Commands

`POST /v1/commands/{command}` with a JSON object; the answer is `{"position": ..., "body": ...}` once it is durable
and applied. `POST /v1/import?name=FILE` with scope `ingest` takes the bytes of an OTLP file; the name tells format
and compression.
"""


def reference() -> str:
    """Return the page in Markdown."""
    return (
        _HEAD
        + "".join(_question(entry) for entry in QUESTIONS.values())
        + _COMMANDS
        + "".join(_command(entry) for entry in COMMANDS.values())
    )


def _question(asked: Question) -> str:
    lines = ["", f"### {asked.name}", "", f"{asked.help} Scope `{asked.scope}`."]
    if asked.one_of:
        lines.append(f"Exactly one of: {', '.join(f'`{name}`' for name in asked.one_of)}.")
    if asked.params:
        lines += ["", "| parameter | kind | default | meaning |", "|---|---|---|---|"]
        lines += [_param(param) for param in asked.params]
    return "\n".join(lines) + "\n"


def _param(param: Param) -> str:
    kind = f"{param.kind}, several by comma" if param.repeat else param.kind
    choices = f": {', '.join(param.choices)}" if param.choices else ""
    return f"| `{param.name}` | {kind} | {param.default or ''} | {param.help}{choices} |"


def _command(kind: CommandKind) -> str:
    place = " Only from the machine of the data folder." if kind.local else ""
    fields = [
        f"`{info.alias or name}`{' (required)' if info.is_required() else ''}"
        for name, info in kind.body.model_fields.items()
    ]
    body = f"\nFields: {', '.join(fields)}." if fields else ""
    return f"\n### {kind.kind}\n\n{kind.help} Scope `{kind.scope}`.{place}{body}\n"
