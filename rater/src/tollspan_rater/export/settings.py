"""What a target is made from: where it is, what opens it, and how to reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import ConfigError, MissingSecretError

SECRET_PREFIX: Final = "TOLLSPAN_EXPORT_"  # noqa: S105 - the beginning of the name of a variable


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one export, as its target gets it.

    ``name`` is the export's in tollspan.yaml. ``url`` is another address than the vendor's own. ``secrets`` are
    what opens the target, by name (``key``, ``webhook`` ...); they are never shown. ``options`` are the target's own.
    """

    name: str
    client: httpx.Client
    clock: Clock
    url: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    def secret(self, name: str = "key") -> str:
        """Return a secret without which the target takes nothing.

        Raises:
            MissingSecretError: it was not given.
        """
        found = self.secrets.get(name, "")
        if not found:
            raise MissingSecretError(self.name, name, secret_variable(self.name) + name.upper())
        return found

    def option(self, name: str) -> str:
        """Return an option without which the target cannot be reached.

        Raises:
            ConfigError: it was not given.
        """
        found = self.options.get(name, "")
        if not found:
            remedy = "the target needs it; docs/reference/export-targets.md says what it is"
            raise ConfigError(f"exports.{self.name}.options.{name}", None, "tollspan.yaml", remedy)
        return found


def secret_variable(export: str) -> str:
    """Return how the names of the environment variables of an export's secrets begin."""
    return f"{SECRET_PREFIX}{export.upper().replace('-', '_')}_"
