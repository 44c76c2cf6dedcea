"""API keys: made here, shown once, kept only as a hash.

A key is ``tsk_<key id>_<secret>``. The id (16 hex digits) finds its row, the secret is 32 random bytes.
SHA-256 without salt or stretching is enough for the hash: those slow down guessing, and 256 random
bits cannot be guessed; what passwords need would only cost time on every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tollspan_rater.query.commands import checked

PREFIX: Final = "tsk_"
_FORM: Final = re.compile(r"tsk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: ``token`` is to be shown once, ``body`` is the ``key.create`` command without it."""

    key_id: str
    token: str = field(repr=False)
    body: dict[str, Any] = field(default_factory=dict)


def new_key(
    random_bytes: Callable[[int], bytes], *, scopes: Sequence[str], label: str = "", customer: str | None = None
) -> NewKey:
    """Make a key from a source of randomness, for production ``secrets.token_bytes``.

    Raises:
        UsageError: an unknown scope, or scope ``customer-query`` without its customer.
    """
    key_id = random_bytes(8).hex()
    secret = urlsafe_b64encode(random_bytes(32)).rstrip(b"=").decode()
    token = f"{PREFIX}{key_id}_{secret}"
    body = {"key_id": key_id, "hash": hash_of(token), "scopes": list(scopes), "label": label, "customer": customer}
    return NewKey(key_id, token, checked("key.create", body))


def key_id_of(token: str) -> str | None:
    """Return the id inside a token, or ``None`` when it has not the form of a key."""
    found = _FORM.fullmatch(token)
    return found.group(1) if found else None


def hash_of(token: str) -> str:
    """Return the SHA-256 of a whole token in hex: what is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(token: str, kept_hash: str) -> bool:
    """Whether a token belongs to a kept hash, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(hash_of(token), kept_hash)
