"""Where a door listens, and what protects it there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from tollspan_rater.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM bytes of the server; with ``client_ca`` every client must show a certificate of that authority."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None


def split(address: str, setting: str) -> tuple[str, int]:
    """Split ``host:port`` (IPv6 hosts in brackets).

    Raises:
        ConfigError: when it is none.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004 - TCP's last port
        raise ConfigError(setting, address, "configuration", "write host:port, for example 127.0.0.1:4317")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host; a name other than localhost is taken as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_protection(address: str, setting: str, *, keys_required: bool, tls: Tls | None) -> None:
    """Refuse to listen to other machines without keys or client certificates.

    Raises:
        ConfigError: naming the setting and the ways out.
    """
    host, _ = split(address, setting)
    if is_loopback(host) or keys_required or (tls is not None and tls.client_ca is not None):
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
