"""The errors of the rater. Each class builds its own sentence: what, where, what to do.

::

    TollspanError
    ├── UsageError             the command or its arguments cannot be used (exit 2)
    │   ├── ConfigError        tollspan.yaml, an environment variable or a flag
    │   ├── PricingError       a rate card or plan file, with file and line
    │   └── TraceFileError     a published trace given to the demo, with file and line
    ├── DemoError              the demo cannot go on
    ├── FolderBusyError        another process owns the data folder
    ├── FormatVersionError     the folder was written by a newer release
    ├── StoreDeadError         the database failed; nothing is acknowledged until it is reopened
    ├── JournalError           the journal cannot be written or read
    └── NotFoundError          no such customer, call, span, key ...
"""

from __future__ import annotations

from pathlib import Path


class TollspanError(Exception):
    """The root of all errors that tollspan raises on purpose."""


class UsageError(TollspanError):
    """The command or its arguments cannot be used."""


class ConfigError(UsageError):
    """A configuration value is wrong."""

    def __init__(self, key: str, value: object, source: str, remedy: str) -> None:
        super().__init__(f"{key} = {value!r} (from {source}) cannot be used: {remedy}")


class PricingError(UsageError):
    """A rate card or plan is wrong; names the file and the line."""

    def __init__(self, path: Path | str, line: int, problem: str, remedy: str) -> None:
        self.path, self.line = str(path), line
        super().__init__(f"{path}:{line}: {problem}. {remedy}")


class TraceFileError(UsageError):
    """A trace of calls cannot be read; names the file and the line."""

    def __init__(self, path: Path | str, line: int, problem: str, remedy: str) -> None:
        super().__init__(f"{path}:{line}: {problem}. {remedy}.")


class DemoError(TollspanError):
    """The demo cannot go on: the server did not start, did not answer, or did not show everything in time."""


class FolderBusyError(TollspanError):
    """Another process owns the data folder."""

    def __init__(self, folder: Path | str, holder: str) -> None:
        super().__init__(
            f"{folder} is in use by {holder}. Ask that process (its address is in run.json), or stop it first.",
        )


class FormatVersionError(TollspanError):
    """The folder was written by a newer release."""

    def __init__(self, path: Path | str, found: int, known: int) -> None:
        super().__init__(
            f"{path} has format {found}, this release knows up to {known}. Install the release that wrote it.",
        )


class StoreDeadError(TollspanError):
    """The database failed; nothing may be acknowledged until it is reopened."""


class JournalError(TollspanError):
    """The journal cannot be written or read."""


class NotFoundError(TollspanError):
    """Nothing is known under this name."""

    def __init__(self, kind: str, name: str, remedy: str) -> None:
        super().__init__(f"no {kind} {name!r} is known. {remedy}")
