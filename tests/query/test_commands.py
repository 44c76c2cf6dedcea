"""Bodies of commands are checked before anything is journaled."""

from __future__ import annotations

import pytest

from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.query.commands import checked

KEY = {"key_id": "0" * 16, "hash": "f" * 64}


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("customer.set", {}, "customer"),
        ("customer.set", {"customer": "a", "plann": "p"}, "plann"),
        ("customer.set", {"customer": "a\nb"}, "customer"),
        ("customer.set", {"customer": "a", "currency": "euro"}, "currency"),
        ("customer.import", {"customers": []}, "customers"),
        ("key.create", {**KEY, "scopes": ["root"]}, "scopes"),
        ("key.create", {**KEY, "scopes": ["customer-query"]}, "customer"),
        ("key.create", {**KEY, "scopes": ["ingest"], "customer": "a"}, "customer"),
        ("key.create", {**KEY, "scopes": ["customer-query", "admin"], "customer": "a"}, "customer"),
        ("key.create", {**KEY, "scopes": ["ingest"], "token": "tsk_x"}, "token"),
        ("pricing.apply", {"files": {}}, "files"),
        ("forget", {"subject": ""}, "subject"),
    ],
)
def test_refuses(kind: str, body: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=f"^{kind}: .*{words}"):
        checked(kind, body)


def test_what_is_not_given_stays_away() -> None:
    body = {"customer": "a", "from": "2026-11-01", "plan": "p"}
    assert checked("customer.set", body) == body


def test_an_unknown_command_lists_the_known() -> None:
    with pytest.raises(NotFoundError, match=r"customer\.set"):
        checked("customer.sett", {})
