"""Keeps prompts and answers off the disk: what a request becomes before it is journaled.

A byte search for the known content keys decides. Without a match and without damage the bytes stay as they came;
otherwise the request is written anew: content attributes only as far as ``extract.attributes.reduced`` returns
something, no events, no links, no status messages; bytes that cannot be read become a marker span.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tollspan_rater.domain.entries import Encoding
from tollspan_rater.extract import attributes as catalog
from tollspan_rater.ingest import content_json, content_protobuf, otlp_json, wire
from tollspan_rater.ingest.limits import DEFAULT_LIMITS, Limits
from tollspan_rater.ingest.undecodable import PieceError, digest
from tollspan_rater.ingest.wire import TooManySpansError


@dataclass(frozen=True, slots=True)
class Clean:
    """A request that may be written to disk, and how many pieces it holds."""

    encoding: Encoding
    body: bytes
    pieces: int


def strip(body: bytes, encoding: Encoding, limits: Limits = DEFAULT_LIMITS) -> Clean:
    """Free a request from content and from damage between its spans.

    Raises:
        TooManySpansError: more spans, or more JSON objects, than one request may hold.
    """
    if encoding == "otlp-proto":
        return _protobuf(body, limits)
    if encoding == "otlp-json":
        return _json(body, limits)
    return Clean(encoding, body, 1)


def _protobuf(body: bytes, limits: Limits) -> Clean:
    cuts = wire.cut(body, limits.spans)
    pieces = sum(len(cut.spans) if isinstance(cut, wire.Group) else 1 for cut in cuts)
    content = bool(_PROTOBUF_KEYS.search(body) or _PROTOBUF_KEYS_OVERLONG.search(body))
    damaged = any(isinstance(cut, wire.Damage) for cut in cuts)
    if not content and not damaged:
        return Clean("otlp-proto", body, pieces)
    if content and pieces == len([cut for cut in cuts if isinstance(cut, wire.Damage)]):
        return Clean("undecodable", digest(body, "no whole span in a request with content"), 1)
    return Clean("otlp-proto", content_protobuf.rewritten(cuts, content=content), pieces)


def _json(body: bytes, limits: Limits) -> Clean:
    if body.count(b"{") + body.count(b"[") > limits.json_objects:
        raise TooManySpansError(limits.spans)
    content = _JSON_KEYS.search(body) is not None
    try:
        request = otlp_json.parse(body)
        pieces = sum(len(spans) for _, _, spans in otlp_json.groups(request))
        if pieces > limits.spans:
            raise TooManySpansError(limits.spans)
        if content:
            return Clean("otlp-json", content_json.rewritten(request, limits), pieces)
    except PieceError as error:
        return Clean("undecodable", digest(body, error), 1) if content else Clean("otlp-json", body, 1)
    return Clean("otlp-json", body, pieces)


def _alternatives(keys: list[str]) -> str:
    """Write a pattern for any of these strings that shares their common first characters."""
    if "" in keys:
        return ""
    branches = {key[0]: [other[1:] for other in keys if other[0] == key[0]] for key in keys}
    written = [re.escape(first) + _alternatives(rests) for first, rests in branches.items()]
    return written[0] if len(written) == 1 else f"(?:{'|'.join(written)})"


_ANY_KEY = _alternatives(sorted(catalog.CONTENT_KEYS | set(catalog.CONTENT_PREFIXES))).encode()

# A key is field 1 of its message: the tag 0x0a, a length, the text. Numbers may be written with idle continuation
# bytes, which is legal and would hide a key from a search for the usual form alone.
_LENGTH = rb"[\x80-\xff]*[\x00-\x7f]"
_PROTOBUF_KEYS = re.compile(rb"\x0a" + _LENGTH + _ANY_KEY)
_PROTOBUF_KEYS_OVERLONG = re.compile(rb"\x8a\x80*\x00" + _LENGTH + _ANY_KEY)

# JSON may write any character of a key as an escape.
_JSON_KEYS = re.compile(rb'"' + _ANY_KEY + rb"|\\u")
