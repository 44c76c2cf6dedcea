"""The exports of a configuration, opened: target, secrets and mapping of each; one at a time works on one of them."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import httpx

from tollspan_rater.config.model import Config
from tollspan_rater.config.model import Export as Configured
from tollspan_rater.domain.clock import Clock, to_ns
from tollspan_rater.errors import ConfigError, ExportBusyError, NotFoundError, UsageError
from tollspan_rater.export.http import TIMEOUT
from tollspan_rater.export.mapping import MappingFile, Names, digest_of, read_mapping
from tollspan_rater.export.planning import Export
from tollspan_rater.export.settings import Settings, secret_variable
from tollspan_rater.export.target import Target
from tollspan_rater.export.targets import target as make_target
from tollspan_rater.store import state

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

BUSY_S: Final = 30.0  # a command waits this long for another one on the same export


class ExportLocks:
    """Who works on an export keeps others from it; there is one of these for a data folder."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def alone(self, name: str, wait_s: float = BUSY_S) -> Iterator[None]:
        """Work alone on an export.

        Raises:
            ExportBusyError: somebody else did not end in time.
        """
        lock = self._locks[name]
        if not lock.acquire(timeout=wait_s):
            raise ExportBusyError(name)
        try:
            yield
        finally:
            lock.release()


def one_configured(config: Config, tenant: str, name: str) -> Configured:
    """Return one export of a tenant.

    Raises:
        NotFoundError: the configuration has none of this name, or it is another tenant's.
    """
    found = config.exports_of(tenant)
    if name not in found:
        there = f"There are: {', '.join(found)}" if found else "The configuration in force names none under `exports`"
        raise NotFoundError("export", name, f"{there}. A server that runs reads it at its start: restart it.")
    return found[name]


@contextmanager
def opened(rater: Rater, tenant: str, name: str) -> Iterator[Export]:
    """Give an export with its target, whose connections end with the ``with``.

    Raises:
        NotFoundError: the tenant has no such export, or there is no such target.
        UsageError: its mapping or a secret cannot be read.
    """
    settings = one_configured(rater.config, tenant, name)
    target = target_of(name, settings, rater.clock)
    try:
        yield _export(rater, tenant, name, settings, target)
    finally:
        target.close()


def target_of(
    name: str,
    settings: Configured,
    clock: Clock,
    env: Mapping[str, str] = os.environ,
) -> Target:
    """Make the target of an export, with what opens it.

    Raises:
        NotFoundError: there is no such target.
        ConfigError: a file of a secret cannot be read.
    """
    return make_target(
        settings.target,
        Settings(name, new_client(), clock, settings.url, _secrets(name, settings, env), settings.options),
    )


def new_client() -> httpx.Client:
    """Return what asks a target; proxies and authorities are those of the environment."""
    return httpx.Client(timeout=TIMEOUT)


def family(target: str) -> str:
    """Return whose target it is: the first word of its name, under which customers have external ids."""
    return target.partition("-")[0]


def _export(rater: Rater, tenant: str, name: str, settings: Configured, target: Target) -> Export:
    mapping, version = _mapping(settings.mapping)
    ids = {customer: known.external_ids for customer, known in state.customers(rater.database.reader(), tenant).items()}
    siblings = rater.config.exports_of(tenant)
    since = settings.since
    return Export(
        name=name,
        tenant=tenant,
        target=target,
        kind=settings.target,
        names=Names(mapping, target.contract.needs, family(settings.target), ids),
        mapping=version,
        customers=None if settings.customers is None else frozenset(settings.customers),
        since_ns=None if since is None else _midnight(since.isoformat(), rater.config.zone),
        dimensions=settings.dimensions,
        zero_lines=settings.zero_lines,
        others=tuple(
            other for other, its in siblings.items() if other != name and family(its.target) == family(settings.target)
        ),
    )


def _midnight(day: str, zone: str) -> int:
    return to_ns(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)))


def _mapping(path: Path | None) -> tuple[MappingFile, str]:
    if path is None:
        return MappingFile(), ""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "make it, or mend `mapping` of the export"
        raise UsageError(f"the mapping {path} cannot be read: {error}; {remedy}") from error
    return read_mapping(str(path), text), digest_of(text)


def _secrets(name: str, settings: Configured, env: Mapping[str, str]) -> dict[str, str]:
    """Return secrets by name: of the environment, as ``TOLLSPAN_EXPORT_NAME_KEY``, and of files, which win."""
    prefix = secret_variable(name)
    found = {variable.removeprefix(prefix).lower(): env[variable] for variable in env if variable.startswith(prefix)}
    own = {} if settings.secret_file is None else {"key": _secret(f"exports.{name}.secret_file", settings.secret_file)}
    others = {secret: _secret(f"exports.{name}.secrets.{secret}", path) for secret, path in settings.secrets.items()}
    return found | own | others


def _secret(setting: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"{error}; give a file that holds the secret and nothing else"
        raise ConfigError(setting, str(path), "configuration", remedy) from error
