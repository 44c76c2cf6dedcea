"""Takes a person's name out of requests that are kept: a subject id stands where an attribute named the person.

Nothing else changes, so that the request gives the same pieces in the same order. What cannot be read cannot be
redacted by its meaning; there the name is overwritten, character for character, so that damage stays the same damage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tollspan_rater.domain.entries import Encoding
from tollspan_rater.extract.aliases import USER_NAMES
from tollspan_rater.extract.numbers import text
from tollspan_rater.ingest import wire
from tollspan_rater.ingest.messages import KeyValueMessage
from tollspan_rater.ingest.undecodable import RAW
from tollspan_rater.ingest.values import matters

# message -> field number -> message inside it (opentelemetry-proto, trace.proto)
_INSIDE: Final[Mapping[str, Mapping[int, str]]] = {
    "request": {1: "resource_spans"},
    "resource_spans": {1: "resource", 2: "scope_spans"},
    "resource": {1: "attribute"},
    "scope_spans": {1: "scope", 2: "span"},
    "scope": {3: "attribute"},
    "span": {9: "attribute", 11: "event", 13: "link"},
    "event": {3: "attribute"},
    "link": {4: "attribute"},
}
_BLANKS: Final = {1: "*", 2: "¤", 3: "※", 4: "𝄽"}  # by bytes in UTF-8: an error's place stays, counted either way
_JSON_SCALARS: Final = ("stringValue", "intValue", "doubleValue", "boolValue")


class Redaction:
    """Replaces one person's name by the subject id."""

    def __init__(self, name: str, subject: str) -> None:
        self._name, self._subject = name, subject
        self._bytes = name.encode()
        self._escaped = json.dumps(name)[1:-1].encode()
        blank = "".join(_BLANKS[len(character.encode())] for character in name)
        self._blanks = {self._bytes: blank.encode(), self._escaped: b"*" * len(self._escaped)}
        self._is_text = not _is_scalar(name)

    def body(self, body: bytes, encoding: Encoding) -> bytes:
        """Return a journaled body without the name where it named the person; the same bytes if it did not.

        A journaled body has no damage between its spans: reception put markers there (``content.strip``).
        """
        if encoding == "otlp-proto":
            return self._message(body, "request")
        return self._json(body) if encoding == "otlp-json" else self._overwritten(body)

    def kept(self, raw: bytes, *, marked: bool) -> bytes:
        """Return what is kept of a quarantined piece without the name.

        ``marked`` pieces are damaged bytes that were marked at reception; others are kept as a request or as JSON.
        """
        if marked:
            return self._overwritten(raw)
        return self._message(raw, "request") if raw[:1] == b"\n" else self._json(raw)

    def stands_in(self, body: bytes) -> bool:
        """Tell whether the name's bytes stand anywhere in a body, also as part of another word."""
        return self._bytes in body or self._escaped in body

    def _message(self, message: bytes, kind: str) -> bytes:
        if self._is_text and self._bytes not in message:
            return message
        inside, end = _INSIDE[kind], len(message)
        parts: list[bytes] = []
        done = start = 0  # copied up to here; where the field at hand begins
        try:
            for number, form, at, until in wire.fields(message, 0, end):
                if until > end:
                    break
                within = inside.get(number) if form == wire.LEN else None
                if within is not None:
                    before = message[at:until]
                    after = self._attribute(before) if within == "attribute" else self._message(before, within)
                    if after != before:
                        parts += [message[done:start], wire.frame(number, after)]
                        done = until
                start = until
        except wire.MalformedError:
            pass  # what follows the damage is overwritten below
        return b"".join([*parts, message[done:start], self._overwritten(message[start:])])

    def _attribute(self, raw: bytes) -> bytes:
        try:
            message = KeyValueMessage.FromString(raw)
        except DecodeError:
            return self._overwritten(raw)
        key = message.key.decode(errors="replace")
        kind = message.value.WhichOneof("value")
        if kind is None:
            return raw
        value = getattr(message.value, kind)
        if key == RAW:
            return self._pair(message.key, AnyValue(bytes_value=self._overwritten(value)))
        if not _names(key) or not self._is_name(value.decode(errors="replace") if kind == "text" else value):
            return raw
        return self._pair(message.key, AnyValue(string_value=self._subject))

    @staticmethod
    def _pair(key: bytes, value: AnyValue) -> bytes:
        return wire.frame(1, key) + wire.frame(2, value.SerializeToString())

    def _json(self, body: bytes) -> bytes:
        if self._is_text and not self.stands_in(body) and b"\\u" not in body:
            return body
        try:
            tree = orjson.loads(body)
        except orjson.JSONDecodeError:
            return self._overwritten(body)
        changed = False
        waiting: list[Any] = [tree]
        while waiting:
            at = waiting.pop()
            if isinstance(at, dict):
                changed |= self._json_attribute(at)
                waiting.extend(at.values())
            elif isinstance(at, list):
                waiting.extend(at)
        return orjson.dumps(tree) if changed else body

    def _json_attribute(self, pair: dict[str, Any]) -> bool:
        key, value = pair.get("key"), pair.get("value")
        if not isinstance(key, str) or not isinstance(value, dict) or not _names(key):
            return False
        if not any(self._is_name(value[scalar]) for scalar in _JSON_SCALARS if scalar in value):
            return False
        pair["value"] = {"stringValue": self._subject}
        return True

    def _is_name(self, value: Any) -> bool:
        return not isinstance(value, bytes) and text(value) == self._name

    def _overwritten(self, raw: bytes) -> bytes:
        for written, blank in self._blanks.items():
            raw = raw.replace(written, blank)
        return raw


def _names(key: str) -> bool:
    """Whether an attribute names a person, or is never read, so that changing it changes no answer."""
    return key in USER_NAMES or not matters(key)


def _is_scalar(name: str) -> bool:
    """Whether a name may have been sent as a number or truth value, which its bytes do not show."""
    try:
        float(name)
    except ValueError:
        return name in {"true", "false"}
    return True
