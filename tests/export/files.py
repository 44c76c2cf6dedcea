"""Files under test: what each target writes, and one random history of it on a bad disk, by processes that die.

``python -m tests.export.files [TARGET ...] [--histories N] [--golden]`` runs N histories of each (by default 500), or
writes the golden files anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from errno import ENOSPC
from pathlib import Path
from random import Random
from unittest.mock import patch

import httpx

from tests.export.case import Case
from tests.export.faults import History, Verdict
from tests.export.invoice import NOON_NS, drafts
from tests.export.network import KilledError
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator
from tollspan_rater.domain.clock import Clock, FixedClock
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.draft import item_id
from tollspan_rater.export.files import folder as folder_module
from tollspan_rater.export.files.folder import MANIFEST
from tollspan_rater.export.files.form import FORMS
from tollspan_rater.export.target import Sending, Target

GOLDEN = Path(__file__).parent / "golden_files"
OPTIONS = {"provider": "Example Software", "unique_key": "yes"}
ZUORA = {"account": "A-{name}", "subscription": "S-{name}"}
NETSUITE = {"customer": "C-{name}", "subscription": "S-{name}"}
# Target -> columns in which its files name item, customer, meter, quantity, amount, currency; then what is mapped.
COLUMNS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("csv", "jsonl", "parquet"), ("item_id", "customer", "meter", "quantity", "amount", "currency")),
    "focus": ("x_ItemId", "BillingAccountId", "x_Meter", "", "BilledCost", "BillingCurrency"),
    "zuora-file": ("UNIQUE_KEY", "ACCOUNT_ID", "UOM", "QTY", "", ""),
    "netsuite-file": ("External ID", "Customer", "Item", "Usage Quantity", "", ""),
    "netsuite-invoices-file": ("Tollspan Item", "Customer", "", "", "Amount", "Currency"),
}
WORDS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "zuora-file": (ZUORA, {"uom": "U-{name}", "charge": "C-{name}"}),
    "netsuite-file": (NETSUITE, {"item": "I-{name}", "subscription_line": "1"}),
    "netsuite-invoices-file": ({"customer": "C-{name}"}, {"item": "I-{name}"}),
}


class Reader(Simulator):
    """Reads what a target wrote; no request ever reaches it."""

    def __init__(self, clock: Clock, name: str, folder: Path) -> None:
        super().__init__(clock)
        self._name, self._folder = name, folder

    def handle(self, call: Call) -> Reply:
        raise AssertionError(call)

    def receipts(self) -> Sequence[Receipt]:
        return [one for batch in batches(self._folder) for one in self._read(batch)]

    def _read(self, batch: Path) -> Iterator[Receipt]:
        said = json.loads((batch / MANIFEST).read_bytes())
        content = (batch / said["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == said["sha256"]
        rows = FORMS[Path(said["file"]).suffix.lstrip(".")].read(content)
        assert [row[COLUMNS[self._name][0]] for row in rows] == said["items"]
        for row in rows:
            name, customer, meter, quantity, amount, currency = (row.get(column) for column in COLUMNS[self._name])
            counts = None if amount else quantity
            yield Receipt(name or "", customer or "", meter or "", _decimal(counts), _decimal(amount), currency or "")


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def batches(folder: Path) -> list[Path]:
    """Return what a receiver sees: a name that begins with a point is none."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def case(name: str, folder: Path) -> Case:
    """Return a target whose files go to a folder."""
    customer, meter = WORDS.get(name, ({"customer": "{name}"}, {"meter": "{name}"}))
    return Case(
        name,
        lambda clock: Reader(clock, name, folder),
        customers={one: _named(customer, one) for one in ("acme", "beta")},
        meters={one: _named(meter, one) for one in ("input", "output", "base_fee", "minimum")},
        options={**OPTIONS, "folder": str(folder)},
    )


def _named(words: dict[str, str], name: str) -> dict[str, str]:
    return {word: value.format(name=name) for word, value in words.items()}


class FileHistory(History):
    """A history in which the disk refuses, or the process dies, before or after any step of writing a folder."""

    def __init__(self, case: Case, seed: int) -> None:
        super().__init__(case, seed)
        self._disk: Random | None = Random(seed)

    def export(self) -> None:
        kills = self.kills
        if self.network._draw is None:  # all is calm
            self._disk = None
        with patch.object(folder_module, "fsync", self._sync):
            super().export()
        if self.kills > kills:
            self.target = self.case.target(self.network, self.clock)

    def _sync(self, _handle: int) -> None:
        fate = 1.0 if self._disk is None else self._disk.random()
        if fate < 0.06:
            raise KilledError
        if fate < 0.12:
            raise OSError(ENOSPC, "No space left on device")

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        folder = Path(self.case.options["folder"])
        yield from self._sums(folder)
        left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
        if len(left) > 1:
            yield f"{left} are left over"

    def _sums(self, folder: Path) -> Iterator[str]:
        """Compare the sums of all manifests with what was planned."""
        said = [json.loads((batch / MANIFEST).read_bytes()) for batch in batches(folder)]
        ours = [item.draft for item in self.book.items.values() if self.book.state(item.item_id).status == "accepted"]
        for name in ("quantity", "amount"):
            told = exact_sum(Decimal(group[name]) for one in said for group in one["sums"])
            wanted = exact_sum(number for draft in ours if (number := getattr(draft, name)) is not None)
            if told != wanted:
                yield f"manifests say {name} {told}, planned was {wanted}"


def history(name: str, seed: int) -> Verdict:
    """Run one history of a target in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return FileHistory(case(name, Path(folder)), seed).run()


def written(name: str, folder: Path) -> dict[str, bytes]:
    """Write the demo invoice and return the files by their names."""
    invoiced = case(name, folder)
    target = invoiced.target(httpx.MockTransport(_nobody), FixedClock(NOON_NS))
    outcomes = target.send(sendings(invoiced, target))
    assert {type(outcome).__name__ for outcome in outcomes} == {"Accepted"}, outcomes
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*/*"))}


def sendings(invoiced: Case, target: Target) -> list[Sending]:
    """Return the demo invoice as items; statements of it were closed at position 42."""
    found = []
    for one in drafts(target):
        draft = replace(one, cutoff=42)
        name = item_id("t", target.contract.name, draft)
        found.append(Sending(name, name, target.element(draft, name, draft.service.start_ns, invoiced.mapped(draft))))
    return found


def _nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request)


def golden(name: str, folder: Path) -> str:
    """Return what a target writes for the demo invoice as one text; Parquet as its rows."""
    texts = []
    for path, content in written(name, folder).items():
        text = content.decode() if not path.endswith(".parquet") else _rows(content)
        texts.append(f"== {path}\n{text.replace(chr(13), '')}")
    return "\n".join(texts)


def _rows(content: bytes) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in FORMS["parquet"].read(content))


def main() -> int:
    """Run what is asked for; 1 when anything is in two files, in none, or with another amount."""
    parser = argparse.ArgumentParser(prog="python -m tests.export.files", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *COLUMNS], metavar="TARGET")
    parser.add_argument("--histories", type=int, default=500)
    parser.add_argument("--golden", action="store_true")
    asked = parser.parse_args()
    red = 0
    for name in asked.targets or COLUMNS:
        if asked.golden:
            with tempfile.TemporaryDirectory() as folder:
                (GOLDEN / f"{name}.txt").write_text(golden(name, Path(folder)), encoding="utf-8")
            continue
        start = time.monotonic()
        verdicts = [history(name, seed) for seed in range(asked.histories)]
        wrong = [f"history {one.seed}: {'; '.join(one.problems)}" for one in verdicts if one.problems]
        red += len(wrong)
        items, kills = sum(one.items for one in verdicts), sum(one.kills for one in verdicts)
        print(*wrong[:3], sep="\n", end="\n" if wrong else "")
        print(
            f"{name}: {len(verdicts)} histories, {items:,} items, {kills:,} kills, {len(wrong)} wrong, "
            f"{time.monotonic() - start:.1f} s",
            flush=True,
        )
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
