"""Limits, addresses and bounded decompression."""

from __future__ import annotations

import gzip

import pytest

from tollspan_rater.config.model import is_loopback, split_address
from tollspan_rater.errors import ConfigError
from tollspan_rater.ingest import address, inflate
from tollspan_rater.ingest.limits import MESSAGE_BYTES_MOST, MIB, Limits


@pytest.mark.parametrize("size", [0, -1, 1023, MESSAGE_BYTES_MOST + 1])
def test_a_message_limit_out_of_bounds_is_refused(size: int) -> None:
    with pytest.raises(ConfigError, match="message_bytes"):
        Limits(message_bytes=size)


@pytest.mark.parametrize("text", ["4317", ":4317", "a:b", "a:", "127.0.0.1:70000", "a:-1", "a:\u0661"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        address.require_protection(text, "receiver.grpc", keys_required=True, tls=None)


@pytest.mark.parametrize(
    ("text", "host", "loopback"),
    [
        ("127.0.0.1:1", "127.0.0.1", True),
        ("127.9.9.9:1", "127.9.9.9", True),
        ("[::1]:1", "::1", True),
        ("localhost:1", "localhost", True),
        ("0.0.0.0:1", "0.0.0.0", False),  # noqa: S104 - the very case
        ("[::]:1", "::", False),
        ("rater.example:1", "rater.example", False),
    ],
)
def test_who_reaches_an_address(text: str, host: str, loopback: bool) -> None:
    assert split_address(text)[0] == host
    assert is_loopback(text) is loopback


PLAIN, MUTUAL = address.Tls(b"c", b"k"), address.Tls(b"c", b"k", b"ca")


@pytest.mark.parametrize(
    ("where", "keys", "tls", "allowed"),
    [
        ("127.0.0.1:1", False, None, True),
        ("0.0.0.0:1", False, None, False),
        ("0.0.0.0:1", False, PLAIN, False),
        ("0.0.0.0:1", False, MUTUAL, True),
        ("0.0.0.0:1", True, None, True),
    ],
)
def test_other_machines_need_a_key_or_a_certificate(
    where: str,
    keys: bool,
    tls: address.Tls | None,
    allowed: bool,
) -> None:
    if allowed:
        address.require_protection(where, "receiver.grpc", keys_required=keys, tls=tls)
    else:
        with pytest.raises(ConfigError, match="create a key"):
            address.require_protection(where, "receiver.grpc", keys_required=keys, tls=tls)


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:10.0.0.7:51234", "10.0.0.7"),
        ("ipv6:[::1]:51234", "::1"),
        ("ipv6:%5B::1%5D:51234", "::1"),
        ("unix:/x", "unix:/x"),
    ],
)
def test_a_peer_is_named_without_its_port(peer: str, host: str) -> None:
    assert address.peer_host(peer) == host


def test_gzip_members_are_read_in_a_row() -> None:
    assert (
        inflate.gunzip(gzip.compress(b"ab", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"c", mtime=0), 3)
        == b"abc"
    )
    assert inflate.gunzip(b"", 3) == b""


def test_the_limit_is_exact() -> None:
    assert len(inflate.gunzip(gzip.compress(bytes(1000)), 1000)) == 1000
    for packed in (gzip.compress(bytes(1001)), gzip.compress(bytes(1000)) + gzip.compress(b"x", mtime=0)):
        with pytest.raises(inflate.TooLargeError):
            inflate.gunzip(packed, 1000)


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(bytes(64 * MIB), 1)
    with pytest.raises(inflate.TooLargeError):
        inflate.gunzip(bomb, MIB)


@pytest.mark.parametrize(
    "packed", [b"plain", gzip.compress(b"abc", mtime=0)[:-3], gzip.compress(b"abc", mtime=0) + b"tail", b"\x1f\x8b"]
)
def test_broken_gzip_is_an_error(packed: bytes) -> None:
    with pytest.raises(ValueError, match="gzip"):
        inflate.gunzip(packed, 1000)
