"""Flag over environment over file over default, and every value says where it came from."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from tollspan_rater.config.keys import KEYS
from tollspan_rater.config.sources import resolve
from tollspan_rater.config.text import commented_file, json_schema
from tollspan_rater.errors import ConfigError, UsageError

KEY = "listen.grpc"


def write(folder: Path, text: str) -> Path:
    path = folder / "tollspan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("flag", "env", "file", "value", "source"),
    [
        ("[::1]:4", "localhost:3", "127.0.0.1:2", "[::1]:4", "flag --grpc"),
        (None, "localhost:3", "127.0.0.1:2", "localhost:3", "environment TOLLSPAN_LISTEN_GRPC"),
        (None, None, "127.0.0.1:2", "127.0.0.1:2", "tollspan.yaml"),
        (None, "", "127.0.0.1:2", "127.0.0.1:2", "tollspan.yaml"),
        (None, None, None, "127.0.0.1:4317", "default"),
    ],
)
def test_precedence(
    tmp_path: Path, flag: str | None, env: str | None, file: str | None, value: str, source: str
) -> None:
    if file:
        write(tmp_path, f"listen:\n  grpc: {file}\n")
    resolved = resolve({KEY: flag} if flag else {}, {} if env is None else {"TOLLSPAN_LISTEN_GRPC": env}, tmp_path)
    assert resolved.config.listen.grpc == value
    assert resolved.sources[KEY].removeprefix(f"{tmp_path}/") == source


@pytest.mark.parametrize(
    ("written", "value"), [("yes", "yes"), ("no", "no"), ("24", "24"), ("'024'", "024"), ("us-east-1", "us-east-1")]
)
def test_options_of_an_export_need_no_quotes(tmp_path: Path, written: str, value: str) -> None:
    write(tmp_path, f"exports:\n  billing: {{target: csv, options: {{one: {written}}}}}\n")
    assert resolve({}, {}, tmp_path).config.exports["billing"].options == {"one": value}


@pytest.mark.parametrize("name", KEYS)
def test_every_key_can_be_set_in_the_environment(tmp_path: Path, name: str) -> None:
    value = {
        "zone": "Europe/Berlin", "listen.grpc": "[::1]:1", "listen.http": "[::1]:1", "listen.api": "[::1]:1",
        "auth.on_failure": "reject", "auth.required": "true", "close.automatic": "true", "allocation.rule": "equal",
        "limits.message_bytes": "2MiB",
        "limits.in_flight_bytes": "2MiB", "limits.value_bytes": "2MiB", "pressure.min_free_disk": "2MiB",
        "trace_out.endpoint": "http://h:1", "trace_out.protocol": "http",
        "exports": '{"billing": {"target": "csv"}}',
    }.get(name, "3")  # fmt: skip
    tls = {"TOLLSPAN_TLS_CERT_FILE": "c", "TOLLSPAN_TLS_KEY_FILE": "k"} if name.startswith("tls.") else {}
    resolved = resolve({}, {**tls, KEYS[name].variable: value}, tmp_path)
    assert str(resolved.values()[name]).lower() == value.lower()
    assert resolved.sources[name] == f"environment {KEYS[name].variable}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listn: {grpc: '127.0.0.1:1'}", "listn.grpc = '127.0.0.1:1' (from FILE) cannot be used: no such key; did you"),
        ("limits:\n  mesage_bytes: 1\n", "did you mean limits.message_bytes?"),
        ("zzz: 1\n", "known are data, tenant"),
        ("listen: 5\n", "listen = 5"),
        ("limits:\n  message_bytes: 1GiB\n", "limits.message_bytes = '1GiB' (from FILE)"),
        ("auth:\n  on_failure: shrug\n", "auth.on_failure = 'shrug' (from FILE)"),
        ("zone: Mars/Base\n", "IANA"),
        ("exports:\n  billing: {mapping: m.yaml}\n", "exports.billing.target = {'mapping': 'm.yaml'} (from FILE)"),
        ("exports:\n  billing: {target: csv, url: 'ftp://x'}\n", "give an http:// or https:// address"),
        ("exports:\n  Bill ing: {target: csv}\n", "exports.Bill ing"),
        ("tenant: '../x'\n", "tenant"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_itself_its_source_and_a_remedy(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        resolve({}, {}, tmp_path)
    assert words.replace("FILE", str(path)) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [\n", "FILE:2"),
        ("- a\n", "FILE:1"),
        ("listen:\n  api: 0.0.0.0:1\n", "auth.required"),
        ("listen:\n  http: rater.example:1\n", "auth.required"),
        ("tls:\n  cert_file: a\n", "tls.key_file"),
        ("tls:\n  client_ca_file: a\n", "tls.cert_file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        resolve({}, {}, tmp_path)
    assert words.replace("FILE", str(path)) in str(caught.value)


def test_keys_open_other_addresses(tmp_path: Path) -> None:
    write(tmp_path, "listen: {grpc: '0.0.0.0:4317'}\nauth: {required: true}\n")
    assert resolve({}, {}, tmp_path).config.auth.required


def test_another_file_is_named_by_flag_or_environment(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("tenant: other\n", encoding="utf-8")
    write(tmp_path, "tenant: here\n")
    assert resolve({}, {}, tmp_path, other).config.tenant == "other"
    assert resolve({}, {"TOLLSPAN_CONFIG": str(other)}, tmp_path).config.tenant == "other"
    with pytest.raises(UsageError, match=r"none\.yaml"):
        resolve({}, {}, tmp_path, tmp_path / "none.yaml")


def test_the_commented_file_says_the_defaults_and_fits_its_schema(tmp_path: Path) -> None:
    write(tmp_path, commented_file())
    assert set(resolve({}, {}, tmp_path).sources.values()) == {"default"}
    text = "\n".join(line.removeprefix("# ") for line in commented_file().splitlines()[3:])
    write(tmp_path, "\n".join(line for line in text.splitlines() if not line.endswith(".")))
    assert resolve({}, {}, tmp_path).values() == resolve({}, {}, tmp_path / "none").values()
    document = {key: value for key, value in yaml.safe_load((tmp_path / "tollspan.yaml").read_text()).items() if value}
    jsonschema.validate(document, json.loads(json_schema()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"listn": {}}, json.loads(json_schema()))
