"""A request to a provider as it went out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tollspan.routes import Route, path_model
from tollspan.semconv import UsageApi


class Sent(NamedTuple):
    """A request as it goes out: where to, its JSON body, and whether usage was asked for on the caller's behalf.

    ``known``: the host is a provider's. ``retries``: how often it was sent before, as its headers say; ``None`` where
    they say nothing.
    """

    api: UsageApi
    route: Route
    provider: str
    host: str
    path: str
    body: Mapping[str, Any]
    raw_body: bytes
    known: bool = False
    retries: int | None = None
    swallow_usage: bool = False
    keyed_fingerprint: str | None = None

    @property
    def model(self) -> str | None:
        """The model asked for: from the body, else from the path, where an Azure deployment stands for it."""
        named = self.body.get("model") or self.body.get("model_id")
        return named if isinstance(named, str) else path_model(self.route, self.path)

    @property
    def named(self) -> bool:
        """Whether the request says of itself that it is for a model, or fetches what one made."""
        return self.model is not None or self.route.method == "GET"

    @property
    def streams(self) -> bool:
        """Whether a stream was asked for."""
        return self.route.streams or self.body.get("stream") in (True, "true")

    @property
    def fingerprint(self) -> int:
        """The same for every attempt of one logical call, in this process."""
        return hash((self.host, self.path, self.raw_body))
