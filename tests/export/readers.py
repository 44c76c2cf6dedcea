"""Opens files with programs that are not ours: ``python -m tests.export.readers [parquet|focus|csv ...]``.

- ``parquet``: DuckDB, pandas and polars find the same sums as the manifest.
- ``focus``: the validator of the FOCUS specification, with its requirements model 1.2.0.1.
- ``csv``: LibreOffice, without a screen, finds numbers where there are numbers and text everywhere else.

What they need is installed from PyPI into an environment of their own (``--environment DIR``, kept for the next time);
LibreOffice has to be there (Debian: ``apt-get install libreoffice-calc``). What is not there is said and not counted.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.export.files import written
from tollspan_rater.export.files.form import CSV
from tollspan_rater.export.files.lines import FIELDS

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".readers"
READERS = ("duckdb>=1.4", "pandas>=2", "polars>=1", "pyarrow<22", "numpy<2")
VALIDATOR = "focus_validator==2.2.1"
# It is made for Python 3.12, of which it needs one thing: quotes within the expression of an f-string.
NESTED_QUOTES = """f"'{k.replace('\\"', '\\"\\"')}'" for k in ignore_keys"""
PLAIN_QUOTES = """"'" + k.replace('"', '""') + "'" for k in ignore_keys"""
# The model has "MUST be null" and "MUST NOT be null" as two halves of an "either, or" without conditions: whatever
# stands in the column, the validator lists one half as failed. The rule that joins them has to pass.
EITHER_OR = {"InvoiceId-C-004-C", "InvoiceId-C-005-C"}
SUMS = """
import sys, json, duckdb, pandas, polars
from decimal import Decimal
path, columns = sys.argv[1], ("quantity", "amount", "amount_exact")
tell = lambda numbers: [f"{Decimal(number):f}" for number in numbers]
print(json.dumps({
    "DuckDB": tell(duckdb.sql(f"select {', '.join(f'sum({one})' for one in columns)} from '{path}'").fetchone()),
    "pandas": tell(pandas.read_parquet(path, dtype_backend="pyarrow")[one].sum() for one in columns),
    "polars": tell(polars.read_parquet(path)[one].sum() for one in columns),
}))
"""


def python(environment: Path) -> Path:
    """Return the interpreter of the readers' environment, which is made when it is not there."""
    interpreter = environment / "bin" / "python"
    if not interpreter.exists():
        print(f"installing readers into {environment} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [interpreter, "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *READERS, "--ignore-requires-python", VALIDATOR], check=True)
    return interpreter


def parquet(environment: Path, folder: Path) -> list[str]:
    """Compare the sums that three readers find with those of the manifest."""
    files = written("parquet", folder)
    (path,) = folder.glob("*/*.parquet")
    (said,) = (json.loads(content) for name, content in files.items() if name.endswith("manifest.json"))
    wanted = [sum(Decimal(group[one]) for group in said["sums"]) for one in ("quantity", "amount", "amount_exact")]
    done = subprocess.run([python(environment), "-c", SUMS, path], check=True, capture_output=True, text=True)
    found = {reader: [Decimal(one) for one in sums] for reader, sums in json.loads(done.stdout).items()}
    print(*(f"  {reader}: {', '.join(map(str, sums))}" for reader, sums in found.items()), sep="\n")
    return [f"{reader} finds {sums}, not {wanted}" for reader, sums in found.items() if sums != wanted]


def focus(environment: Path, folder: Path) -> list[str]:
    """Validate cost data. The validator wants ASCII where the specification wants Unicode: other signs become ``?``."""
    interpreter = python(environment)
    (package,) = environment.glob("lib/python*/site-packages")
    if sys.version_info < (3, 12):
        _plain_quotes(package / "focus_validator" / "config_objects" / "focus_to_duckdb_converter.py")
    written("focus", folder)
    (path,) = folder.glob("*/*.csv")
    path.write_bytes(path.read_text(encoding="utf-8").encode("ascii", "replace"))
    wrong = []
    for criteria in ([], ["--applicability-criteria", "USAGE_MEASUREMENT_SUPPORTED"]):
        arguments = ["--data-file", path, "--validate-version", "1.2", "--block-download", *criteria]
        command = [interpreter.parent / "focus-validator", *arguments]
        done = subprocess.run(command, cwd=package, check=False, capture_output=True, text=True)
        total = re.search(r"Total: .*", done.stdout)
        failed = set(re.findall(r"^\S+ (\S+): FAIL", done.stdout, re.MULTILINE))
        print(f"  {total.group() if total else done.stderr[-2000:]}; either, or: {sorted(failed & EITHER_OR)}")
        wrong += [f"{rule} fails" for rule in sorted(failed - EITHER_OR)]
        wrong += ["one half of InvoiceId's either, or should fail"] if len(failed & EITHER_OR) != 1 else []
    return wrong


def _plain_quotes(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    if NESTED_QUOTES in text:
        print("  before Python 3.12: one f-string of the validator is written in another way")
        module.write_text(text.replace(NESTED_QUOTES, PLAIN_QUOTES), encoding="utf-8")


def csv(_environment: Path, folder: Path) -> list[str]:
    """Compare the types of cells that LibreOffice finds with the kinds of our columns."""
    office = shutil.which("soffice")
    if office is None:
        print("  NOT CHECKED: soffice is not there; Debian: apt-get install libreoffice-calc")
        return []
    written("csv", folder)
    (path,) = folder.glob("*/*.csv")
    # comma, double quote, UTF-8, from the first line: what the dialogue of an import asks
    convert = [
        office,
        "--headless",
        f"-env:UserInstallation=file://{folder}/.profile",
        "--infilter=CSV:44,34,76,1",
        "--convert-to",
        "fods",
    ]
    subprocess.run([*convert, "--outdir", folder, path], check=True, capture_output=True)
    found = cells(folder / f"{path.stem}.fods")
    header, *rows = found
    ours = CSV.read(path.read_bytes())
    kinds = {field.column.name: field.column.kind for field in FIELDS}
    wrong = []
    for row, own in zip(rows, ours, strict=True):
        for (name, _), (text, kind) in zip(header, row, strict=False):
            wanted = own[name]
            number = kinds[name] in {"decimal", "integer"}
            same = Decimal(text) == Decimal(wanted) if wanted and number and text else (text or None) == wanted
            if not same or kind != (None if wanted is None else "float" if number else "string"):
                wrong.append(f"{name}: {text!r} as {kind}, written was {wanted!r}")
    print(f"  {sum(kind is not None for row in rows for _, kind in row)} cells in {len(rows)} rows")
    return wrong


def cells(path: Path) -> list[list[tuple[str, str | None]]]:
    """Return value and type of the cells of each row of a flat spreadsheet; an empty cell has no type."""
    space = {
        "t": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "o": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    }
    rows = []
    for row in ET.parse(path).getroot().iterfind(".//t:table-row", space):  # noqa: S314 - LibreOffice has just made it
        found: list[tuple[str, str | None]] = []
        for cell in row.iterfind("t:table-cell", space):
            kind = cell.get(f"{{{space['o']}}}value-type")
            value = cell.get(f"{{{space['o']}}}value") or "".join(cell.itertext()).strip()
            found += [(value, kind)] * int(cell.get(f"{{{space['t']}}}number-columns-repeated", "1"))
        rows.append(found)
    return [row for row in rows if any(kind for _, kind in row)]


CHECKS: dict[str, Callable[[Path, Path], list[str]]] = {"parquet": parquet, "focus": focus, "csv": csv}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; 1 when a reader finds something else than what was written."""
    parser = argparse.ArgumentParser(prog="python -m tests.export.readers", description=__doc__)
    parser.add_argument("checks", nargs="*", choices=[[], *CHECKS], metavar="CHECK")
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT)
    asked = parser.parse_args(arguments)
    red = False
    for name in asked.checks or CHECKS:
        print(f"{name}:", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            wrong = CHECKS[name](asked.environment.resolve(), Path(folder))
        print(*(f"  WRONG {one}" for one in wrong), *([] if wrong else ["  as written"]), sep="\n", flush=True)
        red = red or bool(wrong)
    return int(red)


if __name__ == "__main__":
    sys.exit(main())
