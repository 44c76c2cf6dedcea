"""Every question gives the same text whether a server runs on the folder or the command opens it itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.collector.process import REPOSITORY
from tests.end_to_end.process import TOLLSPAN, RaterProcess, run, serving
from tests.end_to_end.sender import SECOND, as_json, call_span, new_trace, request

from tollspan_rater.cli.main import main
from tollspan_rater.query.questions import QUESTIONS

DIALECTS = sorted((REPOSITORY / "tests" / "data" / "dialects").glob("*.otlp.jsonl"))
EXAMPLES = REPOSITORY / "examples" / "pricing"
# One command line or more for every question; {call} and {trace} are of the folder.
LINES = {
    "usage": [
        *("usage", "usage --by model,day --sort cost --top 5", "usage --as-of 1", "usage --against-plan"),
        "usage --meter input --by week",
    ],
    "calls": ["calls", "calls --line ln_0000000000000000", "calls --model gpt-4o-2024-08-06 --limit 3"],
    "invoice": ["invoice --all", "invoice acme"],
    "allowance": ["allowance acme", "allowance --all --period 2026-11"],
    "statements.list": ["statements list", "statements list --customer initech"],
    "statements.show": ["statements show initech --period 2026-09", "statements show acme --period 2026-09"],
    "ledger": ["ledger", "ledger --balances"],
    "corrections.list": ["correct list"],
    "allocation": ["allocation --by feature", "allocation --by customer --rule equal"],
    "leakage": ["leakage", "leakage --by model --top 2"],
    "latency": ["latency", "latency --by day,output_length --quantiles p10 --sort duration_ms"],
    "margin": ["margin --by model"],
    "explain": ["explain {call}", "explain {trace}", "explain " + "0" * 32],
    "lines": [],  # asked by `export`, which is compared by its files
    "export.status": ["export status", "export status --export files"],
    "export.items": ["export items files", "export items files --state rejected", "export items nothing"],
    "export.check": ["export check files", "export check nothing"],
    "export.reconcile": ["export reconcile files --from 2026-08-01"],
    "audit": ["audit", "audit --full", "audit --sender nobody", "audit --senders"],
    "inexact": ["inexact", "inexact --quality lower_bound --top 2"],
    "duplicates": ["duplicates", "duplicates --limit 1"],
    "contradictions": ["contradictions", "contradictions --customer acme --from 2026-11-01"],
    "pricing.show": ["pricing show"],
    "pricing.diff": [f"pricing diff {EXAMPLES}", f"pricing diff {EXAMPLES}/cards --customer acme --period 2026-10"],
    "pricing.simulate": ["pricing simulate --plan pro --plan free", f"pricing simulate {EXAMPLES} --against 2026-10"],
    "revenue.list": ["revenue list", "revenue list --customer acme --limit 1"],
    "meters.show": ["meters show", "meters show --versions"],
    "quarantine.list": ["quarantine list", "quarantine list --reason future"],
    "quarantine.show": ["quarantine show 1:3"],
    "customers.list": ["customers list"],
    "keys.list": ["keys list"],
    "config.show": ["config show"],
}
FAR_AHEAD_NS = 4_000_000_000 * SECOND
FILES = ("csv", "jsonl", "parquet", "focus")
CASES = [line for lines in LINES.values() for line in lines]


def test_every_question_is_asked() -> None:
    assert LINES.keys() == QUESTIONS.keys()


class Commands:
    """Runs command lines on one folder, in this process."""

    def __init__(self, data: Path) -> None:
        self.data = data
        files = {"target": "jsonl", "options": {"folder": str(data.with_name("files"))}}
        self.settings = {"TOLLSPAN_EXPORTS": json.dumps({"files": files})}

    def __call__(self, line: str, form: str = "table") -> tuple[int, str]:
        words = ["--data", str(self.data), "--format", form, *line.split()]
        result = CliRunner().invoke(main, words, catch_exceptions=False, env=self.settings)
        return result.exit_code, result.stdout


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A folder with spans of many dialects, a piece in quarantine, prices, customers and a revoked key."""
    folder = tmp_path_factory.mktemp("doors")
    made = Commands(folder / "data")
    (folder / "files").mkdir()
    ours = folder / "ours.jsonl"
    revenue = folder / "revenue.csv"
    revenue.write_text("id,customer,day,amount,currency\nin_1,acme,2026-11-30,99.00,USD\nin_2,acme,2026-12-31,1,EUR\n")
    spans = [*(call_span(new_trace(), number) for number in (1, 2, 3)), call_span(new_trace(), 4, FAR_AHEAD_NS)]
    ours.write_bytes(as_json(request(spans)))
    for line in (
        f"import {ours} {' '.join(map(str, DIALECTS))}",
        f"pricing apply {EXAMPLES}",
        "customers set acme --plan enterprise --name Acme --zone Europe/Berlin",
        "customers set initech --plan pro --from 2026-09-01",
        "close --period 2026-09 --customer initech",
        f"revenue import {revenue}",
        "keys create --scope query",
        "export run files",
    ):
        code, said = made(line)
        assert code == 0, said
    return made


@pytest.fixture(scope="module")
def noted(commands: Commands) -> RaterProcess:
    """A server that ran once: its first start notes the configuration, which moves the position of every answer."""
    rater = RaterProcess(commands.data, **commands.settings)
    with serving(rater):
        return rater


@pytest.fixture(scope="module")
def alone(commands: Commands, noted: RaterProcess) -> dict[tuple[str, str], tuple[int, str]]:
    """What every command line gives without a server, before one is started again."""
    return {(line, form): commands(_filled(line), form) for line in CASES for form in ("table", "json")}


@pytest.fixture(scope="module")
def exported(commands: Commands, noted: RaterProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `export` writes without a server."""
    folder = tmp_path_factory.mktemp("exported")
    for kind in FILES:
        assert commands(f"export {kind} --out {folder / kind}")[0] == 0
    return folder


@pytest.fixture(scope="module")
def served(noted: RaterProcess, alone: object, exported: Path) -> Iterator[RaterProcess]:
    with serving(noted) as rater:
        yield rater


def _filled(line: str) -> str:
    return line.format(call="c_43b0a0940b15a2a6bb3a75c9", trace="113d2f50c8faac43ada2991586a2ea6f")


@pytest.mark.parametrize("line", [line for line in CASES if line != "config show"])
def test_the_same_text_with_and_without_a_server(
    commands: Commands, alone: dict[tuple[str, str], tuple[int, str]], served: RaterProcess, line: str
) -> None:
    for form in ("table", "json"):
        assert commands(_filled(line), form) == alone[line, form]
        assert alone[line, form][1] or alone[line, form][0] == 2


def test_the_configuration_of_the_server_is_shown_but_for_its_addresses(
    commands: Commands, alone: dict[tuple[str, str], tuple[int, str]], served: RaterProcess
) -> None:
    _, own = alone["config show", "json"]
    _, of_server = commands("config show", "json")
    rows, rows_of_server = ({row["key"]: row for row in json.loads(text)} for text in (own, of_server))
    assert {key for key, row in rows.items() if rows_of_server[key] != row} == {
        "listen.grpc", "listen.http", "listen.api"
    }  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_exports_are_the_same_files(
    commands: Commands, exported: Path, served: RaterProcess, tmp_path: Path, kind: str
) -> None:
    assert commands(f"export {kind} --out {tmp_path / 'served'}")[0] == 0
    folders = (exported / kind, tmp_path / "served")
    written = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert written[0] == written[1]
    assert json.loads(written[0]["manifest.json"])["rows"] == 3  # two base fees, the tokens


def test_a_process_of_its_own_says_the_same(
    commands: Commands, alone: dict[tuple[str, str], tuple[int, str]], served: RaterProcess
) -> None:
    done = run([*TOLLSPAN, "--data", str(commands.data), "usage", "--format", "json"])
    assert (done.returncode, done.stdout) == alone["usage", "json"]
