import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LINE = re.compile(r"^ +(.+?) {2,}(\S+) {2,}(\S+) {2,}(yes|NO) *$", re.MULTILINE)
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("TOLLSPAN_")}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tollspan_rater", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )


def test_a_small_demo_proves_its_bills_through_a_kill_and_keeps_its_data(tmp_path: Path) -> None:
    done = run(tmp_path, "demo", "--calls", "300", "--customers", "12", "--keep", "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 calls were made with the real OpenAI and Anthropic SDKs" in done.stdout
    assert "Killed the rater with SIGKILL" in done.stdout
    assert compared_in(done.stdout)["calls"] == ("344", "344")
    assert "Nothing lost, nothing counted twice" in done.stdout
    audit = run(tmp_path, "audit", "--data", "kept", "--full", "--format", "csv")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert (tmp_path / "kept" / "serve.log").exists()


def compared_in(printed: str) -> dict[str, tuple[str, str]]:
    found = {what: (counted, answered) for what, counted, answered, _equal in LINE.findall(printed)}
    assert len(found) >= 12, printed
    assert all(counted == answered for counted, answered in found.values()), printed
    return found


def test_a_trace_over_two_months_comes_out_alone_and_to_the_token(tmp_path: Path) -> None:
    rows = [f"2023-10-31 23:{n:02}:00.5,{1000 + n},{n}" for n in range(30, 60)]
    rows += [f"2023-11-01 00:{n:02}:00,{2000 + n},{n + 1}" for n in range(30)]
    (tmp_path / "trace.csv").write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]), encoding="utf-8")
    done = run(tmp_path, "demo", "--trace", "trace.csv", "--customers", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no SDK calls" in done.stdout
    compared = compared_in(done.stdout)
    assert [compared[what][1] for what in ("calls", "input tokens", "output tokens")] == ["60", "91,770", "1,800"]
    assert compared["bills equal to the last digit"] == ("10", "10")


@pytest.mark.shared_data
def test_the_published_traces_come_out_to_the_token(tmp_path: Path) -> None:
    folder = Path(os.environ.get("TOLLSPAN_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "azure"
    files = [folder / f"AzureLLMInferenceTrace_{kind}.csv" for kind in ("code", "conv")]
    if not all(file.exists() for file in files):
        pytest.skip(f"SKIPPED: {folder} is not here; set TOLLSPAN_SHARED_DATA to the folder of the published data")
    done = run(tmp_path, "demo", "--trace", str(files[0]), "--trace", str(files[1]))
    assert done.returncode == 0, done.stdout + done.stderr
    compared = compared_in(done.stdout)
    said = [compared[what][1] for what in ("calls", "input tokens", "output tokens")]
    assert said == ["28,185", "40,421,844", "4,334,561"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trace", "nothing.csv"), "does not exist"),
        (("--trace", "bad.csv"), "bad.csv:2: input tokens 'many' are no whole number"),
        (("--keep", "."), "is not empty"),
        (("--calls", "0"), "--calls"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "bad.csv").write_text("time,input,output\n2023-11-16,many,2\n", encoding="utf-8")
    done = run(tmp_path, "demo", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
