"""JSON out of bytes: whatever ``json`` reads is read, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.document import decoded, parsed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(document=JSON, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"]))
def test_every_encoding_of_json_is_read(document: Any, encoding: str) -> None:
    data = json.dumps(document).encode(encoding)
    assert decoded(data) == decoded(bytearray(data)) == document


@pytest.mark.parametrize("data", [b"", b"{", b"[DONE]", b"\xff\xfe\xff", b"{} {}", b"\x00"])
def test_what_is_no_document_is_none(data: bytes) -> None:
    assert parsed(data) is None
