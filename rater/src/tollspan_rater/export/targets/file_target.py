"""Files as a target: a batch is a folder with one file and its manifest, there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tollspan_rater.errors import ConfigError, UntellableError
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.files.focus import focus
from tollspan_rater.export.files.folder import Batches
from tollspan_rater.export.files.form import CSV, JSONL, PARQUET, fault
from tollspan_rater.export.files.lines import lines
from tollspan_rater.export.files.netsuite import netsuite
from tollspan_rater.export.files.netsuite_invoices import netsuite_invoices
from tollspan_rater.export.files.read_back import ReadBack
from tollspan_rater.export.files.sheet import Sheet, from_json
from tollspan_rater.export.files.told import Layout, Told
from tollspan_rater.export.files.zuora import zuora
from tollspan_rater.export.manifest import FACTS, batch_manifest, run_id
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Held,
    Mapped,
    NotTaken,
    Outcome,
    Sending,
    Sight,
    Unclear,
    Wanted,
)

FOLDER: Final = "folder"  # the option that says where


class FileTarget:
    """Writes each batch of items as one folder; an item that is in one already is not written again.

    The name of a batch follows from the export and the items in it. What was written is known from the manifests
    alone, so that nothing but the folder has to survive a crash.
    """

    def __init__(self, layout: Layout, settings: Settings) -> None:
        folder = Path(settings.options.get(FOLDER, ""))
        if not folder.is_absolute():
            key = f"exports.{settings.name}.options.{FOLDER}"
            remedy = (
                "write the whole path of the folder for the files: commands and serve may start in different places"
            )
            raise ConfigError(key, str(folder), "tollspan.yaml", remedy)
        self._layout, self._name, self._options = layout, settings.name, settings.options
        self._batches = Batches(folder, settings.name)
        self._read_back = None if layout.keeps is None else ReadBack(self._batches, layout.form, layout.keeps)

    @property
    def contract(self) -> Contract:
        """What the file's receiver allows."""
        return self._layout.contract

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return the row of a draft, and what a manifest adds up of it.

        Raises:
            UntellableError: the row cannot stand in such a file.
        """
        told = Told(draft, item_id, stamp_ns, mapped.customer, mapped.meter, self._options)
        row = self._layout.row(told)
        found = fault(self._layout.form, Sheet(self._layout.columns, [row]), row)
        if found is not None:
            raise UntellableError(self.contract.name, draft.component, f"{found.column}: {found.why}")
        return self._layout.element(told)

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Write what is in no file yet; several files where one would be too large."""
        try:
            known = self._batches.holding()
        except (OSError, ValueError) as error:
            return [NotTaken(f"the files that are there cannot be read: {error}")] * len(sendings)
        said: dict[str, Outcome] = {
            one.item_id: Accepted(known[one.item_id]) for one in sendings if one.item_id in known
        }
        for part in self._parts([one for one in sendings if one.item_id not in said]):
            outcome = self._write(part)
            said.update((one.item_id, outcome) for one in part)
        return [said[one.item_id] for one in sendings]

    def look(self, sending: Sending) -> Sight:
        """Look into the manifests for an item."""
        try:
            batch = self._batches.holding().get(sending.item_id)
        except (OSError, ValueError) as error:
            return Unclear(f"the files that are there cannot be read: {error}")
        return Absent() if batch is None else Accepted(batch)

    def held(self, wanted: Wanted) -> Held | Unclear | None:
        """List what the files hold, read back from them; None for files of a receiver's own form, or taken away."""
        try:
            return None if self._read_back is None else self._read_back.held(wanted)
        except (OSError, ValueError) as error:
            return Unclear(f"the files that are there cannot be read: {error}")

    def close(self) -> None:
        """Nothing is open between two batches."""

    def _parts(self, sendings: Sequence[Sending]) -> Iterator[Sequence[Sending]]:
        """Halve what would be too large for one file until it is not."""
        most, half = self._layout.most_bytes, len(sendings) // 2
        if half and most is not None and len(self._content(sendings)) > most:
            yield from self._parts(sendings[:half])
            yield from self._parts(sendings[half:])
        elif sendings:
            yield sendings

    def _content(self, sendings: Sequence[Sending]) -> bytes:
        return self._layout.form.write(self._layout.sheet([one.element for one in sendings]))

    def _write(self, sendings: Sequence[Sending]) -> Outcome:
        sendings = sorted(sendings, key=lambda one: self._layout.group(one.element))
        items = [one.item_id for one in sendings]
        batch, content = run_id(self._name, *sorted(items)), self._content(sendings)
        facts = [from_json(FACTS, one.element["facts"]) for one in sendings]
        file = (f"{batch}.{self._layout.form.suffix}", content)
        try:
            self._batches.write(batch, *file, batch_manifest(batch, self._name, items, facts, self._layout.names, file))
        except OSError as error:
            return Unclear(f"the disk refused {batch}: {error}")
        return Accepted(batch)


def csv_file(settings: Settings) -> FileTarget:
    """Lines, or with ``as: usage`` usage, in our own words as CSV."""
    return FileTarget(lines(CSV, settings.options), settings)


def jsonl_file(settings: Settings) -> FileTarget:
    """As CSV, in JSON lines."""
    return FileTarget(lines(JSONL, settings.options), settings)


def parquet_file(settings: Settings) -> FileTarget:
    """As CSV, in Parquet with decimals of 12 digits behind the point."""
    return FileTarget(lines(PARQUET, settings.options), settings)


def focus_file(settings: Settings) -> FileTarget:
    """Cost data as FOCUS defines it; the option ``provider`` names who sells."""
    return FileTarget(focus(settings.options), settings)


def zuora_file(settings: Settings) -> FileTarget:
    """Zuora's usage files."""
    return FileTarget(zuora(settings.options), settings)


def netsuite_file(settings: Settings) -> FileTarget:
    """NetSuite's usage records as CSV."""
    return FileTarget(netsuite(settings.options), settings)


def netsuite_invoices_file(settings: Settings) -> FileTarget:
    """NetSuite's invoices as CSV."""
    return FileTarget(netsuite_invoices(settings.options), settings)
