"""Where a door listens, and what protects it there."""

from __future__ import annotations

from dataclasses import dataclass

from tollspan_rater.config.model import is_loopback
from tollspan_rater.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM bytes of the server; with ``client_ca`` every client must show a certificate of that authority."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None


def require_protection(address: str, setting: str, *, keys_required: bool, tls: Tls | None) -> None:
    """Refuse to listen to other machines without keys or client certificates.

    Raises:
        ConfigError: naming the setting and the ways out; also for what is no address.
    """
    try:
        loopback = is_loopback(address)
    except ValueError as error:
        raise ConfigError(setting, address, "configuration", str(error)) from None
    if loopback or keys_required or (tls is not None and tls.client_ca is not None):
        return
    raise ConfigError(
        setting,
        address,
        "configuration",
        "other machines reach this address; set auth.required: true and create a key (tollspan keys create), "
        "or give a client CA for mTLS, or listen on 127.0.0.1",
    )


def peer_host(peer: str) -> str:
    """Return the host of a gRPC peer name: ``ipv4:10.0.0.7:51234`` gives ``10.0.0.7``."""
    family, _, rest = peer.partition(":")
    if family == "ipv4":
        return rest.rpartition(":")[0]
    if family == "ipv6":
        return rest.replace("%5B", "[").replace("%5D", "]").rpartition(":")[0].strip("[]")
    return peer
