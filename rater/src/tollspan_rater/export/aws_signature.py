"""AWS Signature Version 4 of a POST to the root path.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from tollspan_rater.domain.clock import from_ns

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKey:
    """Who signs, for which service of which region; ``session`` goes with temporary keys."""

    key_id: str
    secret: str = field(repr=False)
    service: str
    region: str
    session: str = field(default="", repr=False)


def signed(key: AwsKey, host: str, headers: Mapping[str, str], body: bytes, now_ns: int) -> dict[str, str]:
    """Return the headers of a request with its signature; all of them are signed."""
    stamp = from_ns(now_ns).strftime("%Y%m%dT%H%M%SZ")
    session = {"X-Amz-Security-Token": key.session} if key.session else {}
    sent = {**headers, "Host": host, "X-Amz-Date": stamp, **session}
    low = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    names = ";".join(sorted(low))
    lines = "".join(f"{name}:{low[name]}\n" for name in sorted(low))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{key.region}/{key.service}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = _mac(reduce(_mac, scope.split("/"), f"AWS4{key.secret}".encode()), text).hex()
    return {
        **sent,
        "Authorization": f"{_ALGORITHM} Credential={key.key_id}/{scope}, SignedHeaders={names}, Signature={signature}",
    }


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
