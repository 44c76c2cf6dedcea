"""The reference page and the published schema of usage events, made from the table of their fields."""

from __future__ import annotations

import json
from typing import Final

from tollspan.event_fields import FIELDS, OUTCOMES, REQUIRED
from tollspan.event_schema import schema
from tollspan_rater.ingest.event_http import PATH
from tollspan_rater.ingest.events import EVENTS_MOST, MEDIA

SCHEMA_FILE: Final = "usage-event-1.json"
_HEAD: Final = f"""# Usage events, version 1

What they are for stands in [usage events](../concepts/events.md). [{SCHEMA_FILE}]({SCHEMA_FILE}) is their JSON Schema.

`POST {PATH}` at the address of `listen.http`, with a key of scope `ingest`: one event, a list of them (at most
{EVENTS_MOST:,}), `{{"events": [...]}}`, or CloudEvents; gzip if you like; `Content-Type` one of
{", ".join(f"`{media}`" for media in MEDIA)}. All events of a request are taken, or none.

| answer | meaning |
|---|---|
| 202 `{{"events": 2, "position": 17, "ignored_fields": {{"score": 1}}}}` | durable; fields that nobody reads |
| 400 `application/problem+json` | `problems`: index, field, problem, remedy of the first ones |
| 413, 415 | too large; another media type |
| 401, 503 with `Retry-After` | the key; later: a copy sent again counts once |

A CloudEvent's `id` and `source` name the event; its `type`, `time` and `subject` (the customer) hold where its `data`
says none. Structured, batched and binary mode are read.

## Fields

Required: {", ".join(f"`{name}`" for name in REQUIRED)}, and token counts or `meter` with `quantity`.

| field | also called | value | meaning |
|---|---|---|---|
"""
_TAIL: Final = f"""
Outcomes may be written as {", ".join(f"`{name}`" for name in OUTCOMES)}.
"""
_VALUES: Final = {
    "text": "text",
    "count": "whole number",
    "decimal": "decimal",
    "truth": "true or false",
    "time": "instant",
    "milliseconds": "number",
    "outcome": "word",
    "tags": "object",
}


def page() -> str:
    """Return the page in Markdown."""
    rows = (
        f"| `{field.name}` | {', '.join(f'`{name}`' for name in field.aliases)} | {_VALUES[field.kind]} "
        f"| {field.meaning} |\n"
        for field in FIELDS
    )
    return _HEAD + "".join(rows) + _TAIL


def schema_text() -> str:
    """Return the schema as the published file has it."""
    return json.dumps(schema(), indent=2) + "\n"
