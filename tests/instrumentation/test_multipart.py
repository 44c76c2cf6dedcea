"""Forms with files, as the libraries write them: the texts are read, the files are not."""

from __future__ import annotations

import httpx
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan.multipart import texts
from tollspan.wire.httpx import _body

FIELDS = {"model": "whisper-1", "stream": "true", "prompt": "Wie läuft's?\r\n--x"}
FILE = {"file": ("a.mp3", b'\r\n--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt' * 9, "audio/mpeg")}


def test_a_form_of_requests() -> None:
    sent = requests.Request("POST", "http://x", data=FIELDS, files=FILE).prepare()
    assert isinstance(sent.body, bytes)
    assert texts(sent.headers["content-type"], sent.body) == FIELDS


def test_a_form_of_httpx_of_which_only_the_texts_are_looked_at() -> None:
    sent = httpx.Request("POST", "http://x", data=FIELDS, files=FILE)
    body = _body(sent)
    assert texts(sent.headers["content-type"], body) == FIELDS
    assert b"gpt" not in body
    assert sent.read().count(b"gpt") == 9


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b'--\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--'),
        ("application/json; boundary=x", b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ny\r\n--x--'),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nbroken off'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: text/plain\r\n\r\nnameless\r\n--x--"),
        ("multipart/form-data; boundary=x",
         b'--x\r\nContent-Disposition: form-data; name="a"--x\r\n\r\nafter the quote\r\n--x--'),
        ("multipart/form-data; boundary=x",
         b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"y" * 99_999 + b"\r\n--x--"),
    ],
)  # fmt: skip
def test_what_is_no_such_form_has_no_texts(content_type: str, body: bytes) -> None:
    assert texts(content_type, body) == {}


@given(
    st.lists(st.sampled_from([b"--x", b"\r\n", b'Content-Disposition: form-data; name="a"', b'"', b"\r\n\r\n", b"v"]))
)
@settings(max_examples=50)
def test_nothing_raises(pieces: list[bytes]) -> None:
    assert set(texts("multipart/form-data; boundary=x", b"".join(pieces))) <= {"a"}
