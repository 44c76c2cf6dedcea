"""Every configuration key with its type, default and meaning: the model that file, environment and flags fill."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, model_validator


def split_address(address: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` (``[HOST]:PORT`` for IPv6); port 0 lets the system choose.

    Raises:
        ValueError: it is not of this form.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004 - the last TCP port
        raise ValueError("give HOST:PORT, for example 127.0.0.1:4317")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address; a name other than ``localhost`` counts as reachable."""
    host, _port = split_address(address)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(value: str) -> str:
    split_address(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("give a time zone of the IANA list, for example Europe/Berlin") from error
    return value


def _document(value: object) -> object:
    """Read what an environment variable says as YAML, as a file would."""
    return yaml.safe_load(value) if isinstance(value, str) else value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an http:// or https:// address, for example https://api.example.com")
    return value


def _otlp_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an http:// or https:// address, for example http://127.0.0.1:4317")
    return value


Address = Annotated[str, AfterValidator(_address)]
ExportName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Addresses that `tollspan serve` listens on."""

    grpc: Address = Field("127.0.0.1:4317", description="OTLP over gRPC, HOST:PORT.")
    http: Address = Field("127.0.0.1:4318", description="OTLP over HTTP, HOST:PORT.")
    api: Address = Field("127.0.0.1:4319", description="Questions and commands over HTTP, HOST:PORT.")


class Tls(_Section):
    """Certificates; required as soon as an address is reachable from other machines without keys."""

    cert_file: Path | None = Field(None, description="PEM certificate chain of this server.")
    key_file: Path | None = Field(None, description="PEM private key of that certificate.")
    client_ca_file: Path | None = Field(
        None, description="PEM authorities; senders then need a certificate of one of them."
    )

    @model_validator(mode="after")
    def _pair(self) -> Tls:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("tls.cert_file and tls.key_file go together: give both or none")
        if self.client_ca_file is not None and self.cert_file is None:
            raise ValueError("tls.client_ca_file needs tls.cert_file and tls.key_file")
        return self


class Auth(_Section):
    """Who may send spans."""

    required: bool = Field(default=False, description="Refuse spans without a valid key. The API always needs one.")
    on_failure: Literal["retry", "reject"] = Field(
        "retry",
        description="A wrong key is answered so that the sender keeps its data and tries again (retry), "
        "or so that it throws the data away (reject).",
    )


class Limits(_Section):
    """Upper bounds; what lies above them is refused before it costs memory."""

    message_bytes: ByteSize = Field(
        ByteSize(16 * 2**20), ge=2**10, le=64 * 2**20, description="One request after decompression, up to 64MiB."
    )
    in_flight_bytes: ByteSize = Field(
        ByteSize(256 * 2**20), ge=2**20, description="Requests that are being worked on, together."
    )
    spans: int = Field(20_000, gt=0, description="Spans in one request.")
    attributes: int = Field(512, gt=0, description="Attributes of one span or resource; beyond, it is quarantined.")
    value_bytes: ByteSize = Field(
        ByteSize(64 * 2**10), ge=2**8, description="Kept of one attribute value; the rest is cut and counted."
    )
    nesting: int = Field(16, gt=0, description="Levels of arrays and maps inside an attribute value.")


class Pressure(_Section):
    """When the receiver asks senders to wait."""

    max_lag: int = Field(300, gt=0, description="Seconds that the store may be behind the journal.")
    min_free_disk: ByteSize = Field(ByteSize(512 * 2**20), ge=0, description="Free bytes that the disk must keep.")


class Snapshots(_Section):
    """Base snapshots, which make old journal days dispensable."""

    every_hours: int = Field(24, ge=0, description="Hours between two snapshots; 0 takes none.")
    keep: int = Field(2, gt=0, description="How many snapshots stay.")


class Allocation(_Section):
    """How `tollspan allocation` divides what is used by all; its options win over this."""

    by: str = Field("customer", description="The attribution key whose values are cost centres, as organization.")
    shared: str = Field("shared", min_length=1, description="The value of that key which stands for all of them.")
    rule: Literal["equal", "usage", "weights"] = Field(
        "usage", description="Who bears how much: all the same, by what each used, or by weights."
    )
    weights: str | None = Field(None, description="For the rule weights: NAME=NUMBER, with commas between them.")


class Close(_Section):
    """Closing periods when they have ended: their bills become statements that never change."""

    automatic: bool = Field(False, description="`serve` closes each customer's periods by itself.")  # noqa: FBT003 - pydantic's place for a default
    grace_hours: int = Field(24, ge=0, description="Hours after a period's end before `serve` closes it.")


class TraceOut(_Section):
    """Money spans: what each call costs and is charged, below its span in your traces."""

    endpoint: Annotated[str, AfterValidator(_otlp_url)] | None = Field(
        None, description="OTLP endpoint that they go to, http(s)://HOST:PORT; none are sent without one."
    )
    protocol: Literal["grpc", "http"] = Field("grpc", description="OTLP over gRPC, or protobuf over HTTP.")
    headers_file: Path | None = Field(
        None, description="File of headers sent along, as a key: one `NAME: VALUE` a line."
    )
    ca_file: Path | None = Field(None, description="PEM authorities of an https endpoint, in place of the system's.")
    quiet_seconds: int = Field(30, ge=0, description="Seconds without news of a call before its money is sent.")
    max_waiting: int = Field(
        100_000, gt=0, description="Spans kept for an endpoint that does not answer; then the oldest are dropped."
    )
    max_told: int = Field(
        200_000, gt=0, description="Calls remembered as sent, of which later differences are sent, too."
    )


class Export(_Section):
    """One hand-over: what goes to which billing system, and how it is reached."""

    target: str = Field(description="What it goes to, for example stripe-invoice-items; see export-targets.md.")
    tenant: str | None = Field(None, description="Whose data it hands over; by default the tenant of this file.")
    url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        None, description="Another address than the vendor's own."
    )
    secret_file: Path | None = Field(None, description="File that holds the target's key, and nothing else.")
    secrets: dict[str, Path] = Field(default_factory=dict, description="Files of further secrets, as `webhook`.")
    mapping: Path | None = Field(None, description="YAML file: our customers, meters and lines in the target's words.")
    schedule: int = Field(0, ge=0, description="Minutes between two runs of `serve`; 0: only by command.")
    customers: tuple[str, ...] | None = Field(None, description="Only these customers; by default all.")
    since: date | None = Field(None, description="Nothing that was used, or whose period began, before this day.")
    dimensions: tuple[str, ...] = Field((), description="Attribution that usage is told apart by, as model, feature.")
    zero_lines: bool = Field(default=False, description="Also lines of statements that come to an amount of 0.")
    options: dict[str, str] = Field(default_factory=dict, description="What only this target knows.")


class Config(_Section):
    """The configuration of one data folder."""

    data: Path = Field(Path(".tollspan"), description="The data folder: journal, store, run.json.")
    tenant: str = Field(
        "default", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="The tenant that commands speak of."
    )
    pricing: Path | None = Field(None, description="Folder of rate cards and plans that `serve` applies at its start.")
    meters: Path | None = Field(None, description="File of span-to-meter rules that `serve` applies at its start.")
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="Time zone of days and periods where neither customer nor plan names one."
    )
    workers: int | None = Field(
        None,
        ge=0,
        le=256,
        description="Processes that read spans when many come; by default one a CPU; 0 reads in the server.",
    )
    exports: Annotated[dict[ExportName, Export], BeforeValidator(_document)] = Field(
        default_factory=dict, description="What is handed over to billing systems: NAME: {target: ...}, see exports.md."
    )
    listen: Listen = Listen.model_construct()
    tls: Tls = Tls.model_construct()
    auth: Auth = Auth.model_construct()
    limits: Limits = Limits.model_construct()
    pressure: Pressure = Pressure.model_construct()
    snapshots: Snapshots = Snapshots.model_construct()
    allocation: Allocation = Allocation.model_construct()
    close: Close = Close.model_construct()
    trace_out: TraceOut = TraceOut.model_construct()

    def tenant_of(self, export: Export) -> str:
        """Return whose data an export hands over."""
        return export.tenant or self.tenant

    def exports_of(self, tenant: str) -> dict[str, Export]:
        """Return a tenant's exports by name."""
        return {name: one for name, one in self.exports.items() if self.tenant_of(one) == tenant}

    @model_validator(mode="after")
    def _reachable_addresses_are_guarded(self) -> Config:
        for name in ("grpc", "http", "api"):
            address = getattr(self.listen, name)
            if not is_loopback(address) and not self.auth.required and self.tls.client_ca_file is None:
                raise ValueError(
                    f"listen.{name} = {address} can be reached from other machines: "
                    "set auth.required to true, or tls.client_ca_file"
                )
        return self
