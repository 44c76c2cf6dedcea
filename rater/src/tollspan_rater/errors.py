"""The errors of the rater. Each class builds its own sentence: what, where, what to do.

::

    TollspanError
    ├── UsageError             the command or its arguments cannot be used (exit 2)
    │   ├── ConfigError        tollspan.yaml, an environment variable or a flag
    │   ├── MissingSecretError an export lacks what its target asks for
    │   ├── MappingError       the mapping file of an export
    │   ├── PricingError       a rate card or plan file, with file and line
    │   └── TraceFileError     a published trace given to the demo, with file and line
    ├── DemoError              the demo cannot go on
    ├── FolderBusyError        another process owns the data folder
    ├── FormatVersionError     the folder was written by a newer release
    ├── StoreDeadError         the database failed; nothing is acknowledged until it is reopened
    │   ├── StoreOutdatedError     an older release wrote its file; it is made again
    │   └── StoreDamagedError      its file is not what was written; it is made again
    ├── JournalError           the journal cannot be written or read
    │   ├── JournalDiskError       the disk refused; nothing of this request is acknowledged
    │   ├── JournalCorruptError    a file or an entry is not what was written
    │   ├── JournalGapError        the positions asked for were deleted with their day
    │   └── JournalClosedError     the process is stopping
    ├── ExportBusyError        another command or the schedule works on this export
    ├── ExportFileError        a row cannot stand in a file of an export
    ├── CloseRefusedError      a period may not be closed now
    ├── DayKeptError           a day of the journal may not be deleted
    ├── OverloadedError        too many bytes wait for the disk; retry
    ├── FolderError            a file of the data folder or of a backup is missing, damaged or in the way
    ├── UntellableError        a target has no words for an amount or a quantity
    ├── TargetSilentError      a target does not tell what is needed to go on; it is asked again
    ├── SignatureError         a notification does not come from the target, or not in time
    ├── NotFoundError          no such customer, call, span, key ...
    └── UnusableValueError     a span's value that cannot be read; its span is quarantined
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


class MissingSecretError(UsageError):
    """An export lacks a secret that its target asks for; says where to put it."""

    def __init__(self, export: str, name: str, variable: str) -> None:
        file = "secret_file" if name == "key" else f"secrets.{name}"
        super().__init__(
            f"export {export} has no secret `{name}`: set {variable}, or name a file that holds it under "
            f"exports.{export}.{file}"
        )


class MappingError(UsageError):
    """The mapping file of an export cannot be used; names the file and the place in it."""

    def __init__(self, path: str, place: str, problem: str) -> None:
        super().__init__(f"{path}: {place}: {problem}. docs/concepts/exports.md shows a mapping.")


class PricingError(UsageError):
    """A rate card or plan is wrong; names the file and the line."""

    def __init__(self, path: Path | str, line: int, problem: str, remedy: str) -> None:
        self.path, self.line, self.problem, self.remedy = str(path), line, problem, remedy
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


class StoreOutdatedError(StoreDeadError):
    """An older release wrote the database; it is made again from snapshots and journal."""

    def __init__(self, path: Path | str, found: int, known: int) -> None:
        super().__init__(
            f"{path} has format {found} with tables of another release, this one writes format {known}. "
            "It is made again from snapshots and journal.",
        )


class StoreDamagedError(StoreDeadError):
    """The database's file is not what was written; it is made again from snapshots and journal."""

    def __init__(self, path: Path | str, cause: str) -> None:
        super().__init__(
            f"{path} is damaged: {cause}. Everything in it can be made again from snapshots and journal "
            "(tollspan rebuild).",
        )


class JournalError(TollspanError):
    """The journal cannot be written or read."""


class JournalDiskError(JournalError):
    """The disk refused to write or read; nothing of this request is acknowledged, the next one tries again."""

    def __init__(self, path: Path | str, cause: BaseException) -> None:
        super().__init__(
            f"the disk refused the journal at {path}: {cause}. Nothing of this request is acknowledged; "
            "free space or repair the disk, the next try reopens the journal.",
        )


class JournalCorruptError(JournalError):
    """A file or an entry of the journal is not what was written."""

    def __init__(self, path: Path | str, position: int | None, problem: str) -> None:
        self.path, self.position = str(path), position
        where = f"{path}" if position is None else f"{path}, position {position}"
        super().__init__(f"{where}: {problem}. Stop the rater and restore this file from a backup.")


class JournalGapError(JournalError):
    """The positions asked for were deleted with their day."""

    def __init__(self, after: int, oldest: int) -> None:
        self.after, self.oldest = after, oldest
        super().__init__(
            f"the journal begins at position {oldest}, what follows position {after} was deleted with its day. "
            f"Start from a snapshot that covers position {oldest - 1}.",
        )


class JournalClosedError(JournalError):
    """The process is stopping."""

    def __init__(self) -> None:
        super().__init__("the journal is closed because the process is stopping. Send the request again.")


class ExportBusyError(TollspanError):
    """Another command, or the schedule, works on this export."""

    def __init__(self, export: str) -> None:
        super().__init__(f"export {export} is being worked on by someone else. Wait until that has ended.")


class CloseRefusedError(TollspanError):
    """A period may not be closed now; nothing was booked."""

    def __init__(self, period: str, reason: str, remedy: str) -> None:
        super().__init__(f"period {period} is not closed: {reason}. {remedy}")


class ExportFileError(TollspanError):
    """A row cannot stand in a file of an export; nothing was written."""

    def __init__(self, form: str, row: int, column: str, why: str) -> None:
        super().__init__(
            f"row {row} of the {form} file, column {column}: {why}. Nothing was written; export in another form, "
            "or correct what the row is made from.",
        )


class DayKeptError(TollspanError):
    """A day of the journal may not be deleted."""

    def __init__(self, day: str, reason: str, remedy: str) -> None:
        super().__init__(f"the journal's day {day} is kept: {reason}. {remedy}")


class OverloadedError(TollspanError):
    """Too many bytes wait for the disk."""

    def __init__(self, waiting_bytes: int, limit_bytes: int) -> None:
        self.waiting_bytes, self.limit_bytes = waiting_bytes, limit_bytes
        super().__init__(
            f"{waiting_bytes} bytes wait for the journal's disk, the limit is {limit_bytes}. Retry in a second.",
        )


class FolderError(TollspanError):
    """A file of the data folder or of a backup is missing, damaged or in the way."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}. {remedy}")


class UntellableError(TollspanError):
    """A target has no words for something that is to be handed over; it is listed, and not sent."""

    def __init__(self, target: str, what: str, why: str) -> None:
        super().__init__(f"{what} cannot be told to {target}: {why}. Hand it over to another target, or by hand.")


class TargetSilentError(TollspanError):
    """A target does not tell what is needed to go on; nothing was done, and it can be tried again."""

    def __init__(self, target: str, why: str) -> None:
        super().__init__(f"{target} does not answer: {why}. Try again; check its address and its key if this stays.")


class SignatureError(TollspanError):
    """A notification does not come from the target, or not in time; nothing of it is believed."""

    def __init__(self, target: str, why: str) -> None:
        super().__init__(
            f"a notification for {target} is refused: {why}. Compare the signing secret here and there, and the clocks."
        )


class NotFoundError(TollspanError):
    """Nothing is known under this name."""

    def __init__(self, kind: str, name: str, remedy: str) -> None:
        super().__init__(f"no {kind} {name!r} is known. {remedy}")


class UnusableValueError(TollspanError):
    """A value on a span cannot be read as what its name promises; the span goes to quarantine."""

    def __init__(self, reason: str, key: str, value: object, wanted: str) -> None:
        self.reason = reason
        super().__init__(f"{key} = {repr(value)[:80]} is not {wanted}. Correct the sender, then replay the span.")
