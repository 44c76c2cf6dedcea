"""A name taken out of a request changes nothing but the name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.conftest import make_request, make_span, pieces_of

from tollspan_rater.domain.span import Span, Undecodable
from tollspan_rater.extract.aliases import USER_NAMES
from tollspan_rater.ingest.content import strip
from tollspan_rater.ingest.redaction import Redaction

SUBJECT = "u_0123456789abcdef"
KEYS = [*sorted(USER_NAMES), "tollspan.customer", "tollspan.tags.team", "gen_ai.usage.input_tokens", "some.unread.key"]


def without(name: str, body: bytes) -> bytes:
    return Redaction(name, SUBJECT).body(body, "otlp-proto")


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda name: not name.isspace()),
    spans=st.lists(st.dictionaries(st.sampled_from(KEYS), st.booleans(), max_size=6), max_size=4),
    cut=st.integers(0, 40),
)
@settings(max_examples=150, deadline=None)
def test_pieces_stay_in_place_and_only_people_change(name: str, spans: list[dict[str, bool]], cut: int) -> None:
    said = [{key: name if named else "other" for key, named in keys.items()} for keys in spans]
    request = make_request(*(make_span(number, **keys) for number, keys in enumerate(said, 1)), user__id=name)
    whole = request.SerializeToString()
    kept = strip(whole[: len(whole) - cut], "otlp-proto")
    clean = Redaction(name, SUBJECT).body(kept.body, kept.encoding)
    before, after = pieces_of(kept.body, kept.encoding), pieces_of(clean, kept.encoding)
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert type(old) is type(new)
        if isinstance(old, Undecodable) and isinstance(new, Undecodable):
            assert (old.reason, old.error, len(old.raw)) == (new.reason, new.error, len(new.raw))
        if isinstance(old, Span) and isinstance(new, Span):
            expected = {
                key: SUBJECT if key in USER_NAMES and value == name else value for key, value in old.attributes.items()
            }
            assert new.attributes == expected
            assert (old.trace_id, old.span_id, old.start_ns) == (new.trace_id, new.span_id, new.start_ns)
    assert Redaction(name, SUBJECT).body(clean, kept.encoding) == clean


@pytest.mark.parametrize(("name", "value"), [("42", 42), ("true", True), ("1.5", 1.5), ("ada", "ada")])
def test_a_name_of_any_type_is_found(name: str, value: Any) -> None:
    (piece,) = pieces_of(without(name, make_request(make_span(1, user__id=value)).SerializeToString()))
    assert isinstance(piece, Span)
    assert piece.attributes["user.id"] == SUBJECT


@pytest.mark.parametrize(
    ("body", "gone"),
    [
        ({"attributes": [{"key": "user.id", "value": {"stringValue": "Zoë"}}]}, True),
        ({"attributes": [{"key": "user.id", "value": {"stringValue": "Zoë!"}}]}, False),
        ({"attributes": [{"key": "tollspan.customer", "value": {"stringValue": "Zoë"}}]}, False),
        ({"odd": [None, 1, {"key": 1}, {"key": "user.id", "value": "Zoë"}]}, False),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_is_changed_only_where_a_person_is_named(body: Any, gone: bool, ascii_only: bool) -> None:
    written = json.dumps(body, ensure_ascii=ascii_only).encode()
    clean = Redaction("Zoë", SUBJECT).body(written, "otlp-json")
    assert (clean != written) == gone
    assert (SUBJECT.encode() in clean) == gone


def test_what_cannot_be_read_keeps_its_length_and_its_error() -> None:
    body = '{"resourceSpans": "Zoë'.encode()
    clean = Redaction("Zoë", SUBJECT).body(body, "otlp-json")
    assert len(clean) == len(body)
    assert "Zoë".encode() not in clean
    (before,), (after,) = pieces_of(body, "otlp-json"), pieces_of(clean, "otlp-json")
    assert before.error == after.error  # type: ignore[union-attr]
