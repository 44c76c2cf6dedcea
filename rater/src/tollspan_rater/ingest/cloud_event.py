"""CloudEvents 1.0 as they wrap usage events: the envelope names the event, its data says what was used.

Source: https://github.com/cloudevents/spec, "CloudEvents" and "HTTP Protocol Binding" (structured, batched, binary).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tollspan.event import EventError
from tollspan.event_fields import NAMES

VERSION_KEY: Final = "specversion"
HEADER_PREFIX: Final = "ce-"
_ENVELOPE: Final = ("id", "source", "type", "time")


def is_cloud_event(document: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a CloudEvent."""
    return VERSION_KEY in document


def fields_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the usage event in a CloudEvent.

    The envelope's id and source name the event, whatever the data says; its type, its time and its subject (the
    customer) hold where the data says none.

    Raises:
        EventError: another version of the specification, or data that is no JSON object.
    """
    if not str(document[VERSION_KEY]).startswith("1."):
        raise EventError(VERSION_KEY, f"{document[VERSION_KEY]!r} is unknown", "send CloudEvents 1.0")
    data = document.get("data") or {}
    if not isinstance(data, Mapping):
        raise EventError("data", "is no JSON object", "put the usage into `data` as an object")
    own = {NAMES[name].name for name, value in data.items() if name in NAMES and value is not None}
    found = {name: value for name, value in data.items() if name not in NAMES or NAMES[name].name not in _NAMING}
    envelope = {name: document[name] for name in _ENVELOPE if name in document}
    if "subject" in document:
        envelope["customer"] = document["subject"]
    return found | {name: value for name, value in envelope.items() if name in _NAMING or name not in own}


_NAMING: Final = ("id", "source")


def from_headers(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """Return the CloudEvent that a request in binary mode is: attributes in ``ce-`` headers, data in the body."""
    attributes = {
        name.removeprefix(HEADER_PREFIX): value for name, value in headers.items() if name.startswith(HEADER_PREFIX)
    }
    return {**attributes, "data": data}
