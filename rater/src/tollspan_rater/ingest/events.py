"""Usage events as they come by HTTP: one, a list of them, or CloudEvents; all are taken, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tollspan.event import Event, EventError, read_event
from tollspan_rater.ingest import cloud_event

JSON, CLOUD_EVENT, CLOUD_EVENTS = (
    "application/json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
)
MEDIA: Final = (JSON, CLOUD_EVENT, CLOUD_EVENTS)
EVENTS_MOST: Final = 10_000  # in one request
PROBLEMS_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an event of a request; ``index`` counts from 0."""

    index: int
    field: str
    problem: str
    remedy: str


class EventsError(ValueError):
    """Events that cannot be taken, with the problems of the first ones."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(f"event {first.index}: {first.field}: {first.problem}; {first.remedy}")


def read_body(body: bytes, headers: Mapping[str, str]) -> list[Event]:
    """Read the events of a request; ``headers`` have lower-case names.

    Raises:
        EventsError: one of them cannot be counted, or the body is no JSON.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _whole("body", f"is no JSON: {error}") from error
    if f"{cloud_event.HEADER_PREFIX}{cloud_event.VERSION_KEY}" in headers:
        document = cloud_event.from_headers(headers, document)
    if isinstance(document, dict) and isinstance(document.get("events"), list):
        document = document["events"]
    documents = document if isinstance(document, list) else [document]
    if len(documents) > EVENTS_MOST:
        raise _whole("events", f"{len(documents):,} are too many for one request", f"send at most {EVENTS_MOST:,}")
    found, problems = [], []
    for index, one in enumerate(documents):
        try:
            found.append(read_one(one))
        except EventError as error:
            problems.append(Problem(index, error.field, error.problem, error.remedy))
    if problems:
        raise EventsError(problems[:PROBLEMS_TOLD])
    return found


def read_one(document: Any) -> Event:
    """Read one event, plain or wrapped in a CloudEvent.

    Raises:
        EventError: it cannot be counted.
    """
    if not isinstance(document, dict):
        raise EventError("event", "is no JSON object", "send an object with id, time and what was used")
    return read_event(cloud_event.fields_of(document) if cloud_event.is_cloud_event(document) else document)


def _whole(field: str, problem: str, remedy: str = "send a JSON object, or a list of them") -> EventsError:
    return EventsError([Problem(0, field, problem, remedy)])
