"""What each command line says to the rater."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.fake_rater import ANSWER, FakeBackend

from tollspan_rater import errors
from tollspan_rater.api.keys import hash_of, key_id_of
from tollspan_rater.cli.reference import commands
from tollspan_rater.query.rater import Receipt

ASKING = [
    ("usage", "usage", {"by": "customer", "sort": "charge"}),
    (
        "usage --from 2026-11-01 --to 2026-12-01 --by customer,model --by day --sort calls --top 3 --customer acme",
        "usage",
        {
            "from": "2026-11-01", "to": "2026-12-01", "by": "customer,model,day", "sort": "calls", "top": "3",
            "customer": "acme",
        },
    ),
    ("usage --unattributed --feature-flag on", "usage",
     {"by": "customer", "sort": "charge", "unattributed": "true", "feature_flag": "on"}),
    ("calls --cursor abc --unpriced", "calls", {"limit": "100", "cursor": "abc", "unpriced": "true"}),
    ("invoice acme --period 2026-11", "invoice", {"customer": "acme", "period": "2026-11"}),
    ("invoice --all", "invoice", {"all": "true"}),
    ("invoice --all --as-of 2026-11-05T08:00Z", "invoice", {"all": "true", "as_of": "2026-11-05T08:00Z"}),
    ("calls --as-of 1234", "calls", {"limit": "100", "as_of": "1234"}),
    ("usage --meter page --aggregate unique --of user --by week", "usage",
     {"by": "week", "sort": "charge", "meter": "page", "aggregate": "unique", "of": "user"}),
    ("usage --against-plan --customer acme", "usage",
     {"by": "customer", "sort": "charge", "against_plan": "true", "customer": "acme"}),
    ("allowance acme --period 2026-11", "allowance", {"customer": "acme", "period": "2026-11"}),
    ("leakage --by feature --from 2026-11-01", "leakage", {"by": "feature", "from": "2026-11-01"}),
    ("latency --by model,output_length --quantiles p50 --quantiles p99", "latency",
     {"by": "model,output_length", "quantiles": "p50,p99", "sort": "calls"}),
    ("margin --by model", "margin", {"by": "model", "sort": "margin"}),
    ("explain 5b8e", "explain", {"id": "5b8e"}),
    ("audit --senders --as-of 7", "audit", {"senders": "true", "as_of": "7"}),
    ("audit --full --sender s1", "audit", {"full": "true", "sender": "s1"}),
    ("pricing show", "pricing.show", {}),
    ("meters show", "meters.show", {}),
    ("inexact --customer acme --quality estimated", "inexact", {"customer": "acme", "quality": "estimated"}),
    ("calls --kind unit", "calls", {"kind": "unit", "limit": "100"}),
    ("contradictions --customer acme", "contradictions", {"customer": "acme"}),
    ("duplicates --customer acme --limit 5", "duplicates", {"customer": "acme", "limit": "5"}),
    ("quarantine list --reason future", "quarantine.list", {"reason": "future", "limit": "100"}),
    ("quarantine show 17:3", "quarantine.show", {"id": "17:3"}),
    ("customers list", "customers.list", {}),
    ("allocation --by project --rule weights --weights a=1,b=2", "allocation",
     {"by": "project", "rule": "weights", "weights": "a=1,b=2", "measure": "cost"}),
    ("correct list --correction cr_1", "corrections.list", {"correction": "cr_1", "limit": "100"}),
    ("keys list", "keys.list", {}),
    ("statements list --customer acme", "statements.list", {"customer": "acme"}),
    ("statements show acme --period 2026-11", "statements.show", {"customer": "acme", "period": "2026-11"}),
    ("ledger --customer acme", "ledger", {"customer": "acme"}),
    ("export status", "export.status", {}),
    ("export items billing --state rejected --customer acme", "export.items",
     {"export": "billing", "state": "rejected", "customer": "acme", "limit": "100"}),
    ("export check billing", "export.check", {"export": "billing"}),
    ("export reconcile billing --from 2026-11-01", "export.reconcile", {"export": "billing", "from": "2026-11-01"}),
    ("revenue list --customer acme", "revenue.list", {"customer": "acme", "limit": "100"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "question", "params"), ASKING)
def test_asks(run: Run, backend: FakeBackend, line: str, question: str, params: dict[str, str]) -> None:
    result = run(*line.split())
    assert result.exit_code == 0, result.output
    assert backend.rater.asked == [(question, params, "default")]


SENDING = [
    ("export pause billing --note moving", "export.pause", {"export": "billing", "note": "moving"}),
    ("export resume billing", "export.resume", {"export": "billing", "note": ""}),
    ("export retry billing --item li_1 --present --external-id ii_1", "export.retry",
     {"export": "billing", "item": "li_1", "present": True, "external_id": "ii_1"}),
    ("export retry billing --item li_1 --absent", "export.retry",
     {"export": "billing", "item": "li_1", "absent": True}),
    (
        "customers set acme --plan pro --from 2026-11-01 --zone Europe/Berlin --external-id stripe=cus_1",
        "customer.set",
        {
            "customer": "acme", "plan": "pro", "from": "2026-11-01", "zone": "Europe/Berlin",
            "external_ids": {"stripe": "cus_1"},
        },
    ),
    (
        "customers set acme --plan pro --addon seats=3 --addon disk=0.5 --from 2026-11-01 --anchor 2026-11-15",
        "customer.set",
        {
            "customer": "acme", "plan": "pro", "from": "2026-11-01", "anchor": "2026-11-15",
            "addons": [
                {"addon": "seats", "quantity": "3", "from": "2026-11-01"},
                {"addon": "disk", "quantity": "0.5", "from": "2026-11-01"},
            ],
        },
    ),
    (
        "customers set acme --addon seats=0 --from 2026-12-01",
        "customer.set",
        {"customer": "acme", "addons": [{"addon": "seats", "quantity": "0", "from": "2026-12-01"}]},
    ),
    ("snapshot --keep-journal", "snapshot", {"keep_journal": True}),
    ("keys revoke 4be1c92d0a77f3e5", "key.revoke", {"key_id": "4be1c92d0a77f3e5"}),
    ("quarantine replay 17:3", "quarantine.replay", {"id": "17:3"}),
    ("quarantine replay --reason future", "quarantine.replay", {"reason": "future"}),
    ("quarantine replay --all", "quarantine.replay", {}),
    ("rebuild", "rebuild", {}),
    ("forget u1 --yes", "forget", {"subject": "u1"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "kind", "body"), SENDING)
def test_sends(run: Run, backend: FakeBackend, line: str, kind: str, body: dict[str, object]) -> None:
    result = run(*line.split(), "--format", "json")
    assert result.exit_code == 0, result.output
    ((sent, said, tenant, actor),) = backend.rater.executed
    assert (sent, said, tenant) == (kind, body, "default")
    assert actor.startswith("cli:")
    assert json.loads(result.stdout) == [{"done": kind, "amount": "0.10"}]


CLOSED = {"customer": "acme", "period": "2026-10", "state": "closed", "digest": "9f2b" * 16}
REFUSED = {"customer": "globex inc", "period": "2026-W41", "state": "refused", "why": "an earlier period is open"}
CLOSING = [
    ("--customer acme", {"customer": "acme"}, [CLOSED], ["acme", "closed", "9f2b" * 16], ["why"]),
    ("--all", {"all": True}, [REFUSED], ["globex inc", "refused", "an earlier period is open"], ["digest"]),
    ("--all", {"all": True}, [], ["nobody has anything on a bill of that time"], []),
]


@pytest.mark.parametrize(("whose", "body", "rows", "there", "absent"), CLOSING)
def test_close_says_what_came_of_each_period(
    run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, whose: str, body: dict[str, object],
    rows: list[dict[str, str]], there: list[str], absent: list[str],
) -> None:  # fmt: skip
    sent = []

    def execute(kind: str, said: Mapping[str, Any], **_who: str) -> Receipt:
        sent.append((kind, dict(said)))
        return Receipt(42, {"period": "2026-10", "periods": rows})

    monkeypatch.setattr(backend.rater, "execute", execute)
    line = ["close", "--period", "2026-10", *whose.split()]
    shown = run(*line).output
    assert sent == [("period.close", {"period": "2026-10", **body})]
    assert shown.startswith("Close of 2026-10 ")
    assert all(word in shown for word in there)
    assert not any(word in shown for word in absent)
    columns = ("customer", "period", "state", "digest", "why")
    assert json.loads(run(*line, "--format", "json").stdout) == [
        {name: row.get(name) for name in columns} for row in rows
    ]


FOUND = {
    "booked": False, "spans_read": 310, "spans_changed": 12, "spans_refused": 1, "spans_left_the_journal": 2000,
    "calls_changed": 12,
    "differences": [{
        "customer": "acme", "meter": "input", "dialect_was": "openai@1", "dialect_is": "openai@2", "calls": 12,
        "was": Decimal(14400), "is": Decimal(21600), "difference": Decimal(7200),
    }],
    "sums": {"input": {"calls": 12, "was": Decimal(14400), "is": Decimal(21600), "difference": Decimal(7200)}},
}  # fmt: skip
NOTHING = {name: {list: [], dict: {}, bool: True, int: 0}[type(value)] for name, value in FOUND.items()}


READING_AGAIN = [
    ("reextract --since 2026-11-01", {"since": "2026-11-01"}),
    (
        "reextract --since 2026-11-01 --until 2026-12-01 --dry-run",
        {"since": "2026-11-01", "until": "2026-12-01", "dry_run": True},
    ),
]


@pytest.mark.parametrize(("line", "body"), READING_AGAIN)
def test_reextract_sends_the_span_of_time(
    run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, line: str, body: dict[str, object]
) -> None:
    sent = []

    def execute(kind: str, said: Mapping[str, Any], **who: str) -> Receipt:
        sent.append((kind, dict(said), who["tenant"]))
        return Receipt(42, FOUND)

    monkeypatch.setattr(backend.rater, "execute", execute)
    result = run(*line.split(), "--format", "json")
    assert result.exit_code == 0, result.output
    assert sent == [("reextract", body, "default")]
    [row] = json.loads(result.stdout)
    assert (row["customer"], row["was"], row["difference"]) == ("acme", "14400", "7200")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            FOUND,
            (
                "What reading again would change",
                "all customers: input 14,400 -> 21,600, difference 7,200 in 12 calls",
                "310 spans were read again, 12 say something else, 12 calls change",
                "1 of them cannot be read by the tables of today and keep what was read before",
                "2,000 more could not be read again: their day left the journal; nothing changes for them",
                "nothing was booked; without --dry-run it is",
            ),
        ),
        (
            NOTHING,
            ("Read again and booked", "0 spans were read again, 0 say something else, 0 calls change"),
        ),
    ],
    ids=["differences", "nothing"],
)
def test_reextract_says_what_changes_and_what_could_not_be_read(
    run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, found: Mapping[str, Any], said: tuple[str, ...]
) -> None:
    monkeypatch.setattr(backend.rater, "execute", lambda *_said, **_who: Receipt(42, found))
    lines = run("reextract", "--since", "2026-11-01", "--dry-run").output.splitlines()
    assert lines[0].strip() == said[0]
    assert tuple(lines[-len(said) + 1 :]) == said[1:]


def test_paths_reach_a_server_elsewhere_as_absolute_paths(run: Run, backend: FakeBackend, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    run("backup", "new")
    run("restore", "old", "--data", "empty")
    assert [(kind, body) for kind, body, _, _ in backend.rater.executed] == [
        ("backup", {"to": str(tmp_path / "new")}),
    ]
    assert backend.restored == [(Path("empty"), tmp_path / "old")]
    assert len(backend.opened) == 1


def test_forget_asks_first_and_does_nothing_on_no(run: Run, backend: FakeBackend) -> None:
    assert run("forget", "u1", stdin="n\n").exit_code == 1
    assert backend.rater.executed == []
    assert run("forget", "u1", stdin="y\n").exit_code == 0
    assert backend.rater.executed[0][1] == {"subject": "u1"}


def test_a_key_is_shown_once_and_only_its_hash_travels(run: Run, backend: FakeBackend) -> None:
    result = run("keys", "create", "--scope", "ingest", "--scope", "query", "--label", "eu", "--format", "json")
    (row,) = json.loads(result.stdout)
    ((kind, body, _, _),) = backend.rater.executed
    assert kind == "key.create"
    assert body == {
        "key_id": key_id_of(row["key"]),
        "hash": hash_of(row["key"]),
        "scopes": ["ingest", "query"],
        "label": "eu",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", "\ufeffcustomer,plan,external_ids.stripe,addons.seats\nacme,pro,cus_1,3\nglobex,,,\n"),
        (
            "c.jsonl",
            (
                '{"customer": "acme", "plan": "pro", "external_ids": {"stripe": "cus_1"}, '
                '"addons": [{"addon": "seats", "quantity": "3"}]}\n\n{"customer": "globex"}\n'
            ),
        ),
    ],
)
def test_customers_come_from_csv_and_json_lines_alike(run: Run, backend: FakeBackend, name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")
    assert run("customers", "import", name).exit_code == 0
    assert backend.rater.executed[0][1] == {
        "customers": [
            {
                "customer": "acme",
                "plan": "pro",
                "external_ids": {"stripe": "cus_1"},
                "addons": [{"addon": "seats", "quantity": "3"}],
            },
            {"customer": "globex"},
        ]
    }


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("c.csv", b"customer\na,b\n", "c.csv:2"),
        ("c.csv", b"customer\n\xff\n", "UTF-8"),
        ("c.csv", b"custmer\na\n", "custmer"),
        ("c.jsonl", b'{"customer": "a"}\n{\n', "c.jsonl:2"),
        ("c.jsonl", b"[1]\n", "c.jsonl:1"),
        ("c.txt", b"", ".csv"),
    ],
)
def test_a_bad_customer_file_is_refused_whole(
    run: Run, backend: FakeBackend, name: str, content: bytes, words: str
) -> None:
    Path(name).write_bytes(content)
    result = run("customers", "import", name)
    assert (result.exit_code, backend.rater.executed) == (2, [])
    assert words in result.stderr


def test_span_rules_are_checked_here_and_their_text_travels(run: Run, backend: FakeBackend) -> None:
    good = "rules: [{rule: pages, meter: page, when: {name: page}}]\n"
    Path("meters.yaml").write_text(good, encoding="utf-8")
    Path("bad.yaml").write_text("rules: [{rule: pages, meter: input, when: {name: page}}]\n", encoding="utf-8")
    assert run("meters", "check", "meters.yaml").exit_code == 0
    wrong = run("meters", "check", "bad.yaml", "--format", "json")
    assert (wrong.exit_code, json.loads(wrong.stdout)[0]["line"]) == (1, 1)
    assert {row["meter"] for row in json.loads(run("meters", "built-in", "--format", "json").stdout)} >= {"tool_call"}
    assert (backend.opened, backend.checked) == ([], [])
    assert run("meters", "apply", "meters.yaml", "--note", "n").exit_code == 0
    sent = {"file": good, "name": "meters.yaml", "note": "n"}
    assert backend.rater.executed == [("meters.apply", sent, "default", backend.rater.executed[0][3])]


def test_init_copies_example_pricing_with_its_folders(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package/examples/plans").mkdir(parents=True)
    (tmp_path / "package/examples/plans/pro.yaml").write_text("a: 1\n", encoding="utf-8")
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path / "package")
    assert run("init", "new").exit_code == 0
    assert Path("new/pricing/plans/pro.yaml").read_text(encoding="utf-8") == "a: 1\n"


def test_import_sends_every_file_and_ends_with_the_audit(run: Run, backend: FakeBackend) -> None:
    Path("a.jsonl").write_text("one", encoding="utf-8")
    result = run("import", "a.jsonl", "-", stdin="two")
    assert result.exit_code == 0, result.output
    assert [entry[0] for entry in backend.rater.imported] == ["a.jsonl", "-"]
    assert "a.jsonl: 3 bytes" in result.stderr
    assert backend.rater.asked == [("audit", {}, "default")]


def test_an_import_that_left_lines_out_says_how_many_and_ends_with_1(run: Run, backend: FakeBackend) -> None:
    Path("a.jsonl").write_text("one", encoding="utf-8")
    backend.rater.unread = ("line 3: no", "line 7: neither")
    result = run("import", "a.jsonl")
    assert result.exit_code == 1
    assert "a.jsonl: 3 bytes, 2 not read" in result.stderr
    assert "a.jsonl: not read: line 7: neither" in result.stderr
    assert backend.rater.asked == [("audit", {}, "default")]


def test_export_writes_lines_and_a_manifest_once(run: Run, backend: FakeBackend) -> None:
    assert run("export", "csv", "--period", "2026-11", "--out", "november").exit_code == 0
    assert backend.rater.asked == [("lines", {"period": "2026-11"}, "default")]
    said = json.loads(Path("november/manifest.json").read_text(encoding="utf-8"))
    assert (said["file"], said["rows"], said["as_of"]) == ("lines.csv", 2, 7)
    assert run("export", "csv", "--out", "november").exit_code == 2


def test_serve_hands_over_the_configuration_in_force(run: Run, backend: FakeBackend) -> None:
    assert run("serve", "--grpc", "127.0.0.1:0", "--pricing", "p", "--data", "d").exit_code == 0
    (resolved,) = backend.served
    assert resolved.config.listen.grpc == "127.0.0.1:0"
    assert (str(resolved.config.pricing), str(resolved.config.data)) == ("p", "d")
    assert resolved.sources["listen.grpc"] == "flag --grpc"


def test_init_writes_once_and_keeps_what_is_there(run: Run) -> None:
    assert "written" in run("init", "new").stdout
    Path("new/tollspan.yaml").write_text("tenant: mine\n", encoding="utf-8")
    assert "kept" in run("init", "new").stdout
    assert Path("new/tollspan.yaml").read_text(encoding="utf-8") == "tenant: mine\n"
    rows = json.loads(run("config", "show", "--config", "new/tollspan.yaml", "--format", "json").stdout)
    assert {row["key"]: (row["value"], row["source"]) for row in rows}["tenant"] == ("mine", "new/tollspan.yaml")


@pytest.mark.parametrize("argv", [("--tenant", "t", "--data", "d", "usage"), ("usage", "--tenant", "t", "--data", "d")])
def test_global_options_stand_before_or_after_the_command(
    run: Run, backend: FakeBackend, argv: tuple[str, ...]
) -> None:
    assert run(*argv).exit_code == 0
    assert backend.rater.asked[0][2] == "t"
    assert str(backend.opened[0].config.data) == "d"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("no"), 2),
        (errors.NotFoundError("call", "x", "Look\nagain."), 2),
        (errors.StoreDeadError("dead"), 2),
        (errors.FolderBusyError("d", "process 7"), 3),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    run: Run, backend: FakeBackend, error: errors.TollspanError, code: int
) -> None:
    backend.rater.error = error
    result = run("usage")
    assert result.exit_code == code
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("tollspan: ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("usage --by custmer", "did you mean 'customer'?"),
        ("usage --from yesterday", "2026-11-01"),
        ("usage --top many", "whole number"),
        ("invoice", "exactly one of: customer, all"),
        ("invoice acme --all", "exactly one of: customer, all"),
        ("invoice acme --period 2026-13", "2026-11"),
        ("quarantine replay", "exactly one of"),
        ("quarantine replay 1:1 --all", "exactly one of"),
        ("customers set acme --zone Mars/Base", "Mars/Base"),
        ("customers set acme --from 2026-01-01", "plan"),
        ("customers set acme --external-id stripe", "SYSTEM=ID"),
        ("keys create --scope customer-query", "customer"),
        ("usage --config none.yaml", "none.yaml"),
        ("serve --grpc 0.0.0.0:4317", "auth.required"),
        ("serve --grpc nowhere", "HOST:PORT"),
        ("pricing check .", ".yaml"),
        ("dialects klingon", "klingon"),
    ],
)
def test_a_wrong_command_line_is_refused_with_a_remedy(run: Run, backend: FakeBackend, line: str, words: str) -> None:
    result = run(*line.split())
    assert result.exit_code == 2
    assert words in result.stderr
    assert (backend.rater.executed, backend.rater.asked, backend.served) == ([], [], [])


def test_a_difference_ends_with_1(run: Run, backend: FakeBackend) -> None:
    backend.rater.answer = replace(ANSWER, ok=False)
    assert run("audit").exit_code == 1


LEAVES = [(path, text) for path, command, text in commands() if not hasattr(command, "commands")]


@pytest.mark.parametrize(("path", "text"), LEAVES)
def test_every_help_has_an_example_that_is_a_command(run: Run, path: str, text: str) -> None:
    assert "Example:" in text
    assert path.removeprefix("tollspan ").split()[0] in text.partition("Example:")[2]
    assert run(*path.split()[1:], "--help").exit_code == 0


def test_every_command_is_in_a_table_above() -> None:
    named = {line for line, *_ in [*ASKING, *SENDING, *READING_AGAIN]} | {
        "backup", "restore", "keys create", "customers import", "import", "revenue import", "pricing check",
        "pricing schema", "pricing diff", "pricing simulate", "pricing apply", "close",
        "meters check", "meters built-in", "meters apply",
        "correct void", "correct amend", "correct reattribute", "correct restore",
        "export csv", "export jsonl", "export parquet", "export focus", "export plan", "export run",
        "doctor", "serve", "init", "config show", "demo", "dialects",
    }  # fmt: skip
    for path, _text in LEAVES:
        name = path.removeprefix("tollspan ")
        assert any(line == name or line.startswith(name + " ") for line in named), name


def test_version(run: Run) -> None:
    assert run("--version").stdout.startswith("tollspan, version ")
