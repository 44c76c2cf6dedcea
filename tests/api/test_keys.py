"""Keys are random, shown once, kept as a hash."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.api.keys import hash_of, key_id_of, matches, new_key
from tollspan_rater.errors import UsageError


@given(st.binary(min_size=40, max_size=40))
def test_a_key_carries_its_id_and_matches_its_hash_only(seed: bytes) -> None:
    made = new_key(lambda size: seed[:8] if size == 8 else seed[8:], scopes=["ingest"])
    assert made.token.startswith("tsk_")
    assert key_id_of(made.token) == made.key_id == made.body["key_id"]
    assert matches(made.token, made.body["hash"])
    assert not matches(made.token[:-1] + ("A" if made.token[-1] != "A" else "B"), made.body["hash"])


def test_the_secret_is_32_bytes_of_the_source_and_in_nothing_that_is_kept() -> None:
    asked: list[int] = []
    made = new_key(lambda size: asked.append(size) or b"\x07" * size, scopes=["query"], label="l")
    secret = made.token.rpartition("_")[2]
    assert asked == [8, 32]
    assert secret not in json.dumps(made.body) + repr(made)
    assert made.body["hash"] == hash_of(made.token)


@pytest.mark.parametrize("token", ["", "tsk_", "tsk_0123456789abcdef_short", "xsk_" + "0" * 16 + "_" + "a" * 43])
def test_other_text_is_no_key(token: str) -> None:
    assert key_id_of(token) is None


def test_scopes_come_from_the_list() -> None:
    with pytest.raises(UsageError, match="scopes"):
        new_key(lambda size: b"\0" * size, scopes=["root"])
