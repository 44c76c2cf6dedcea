"""tollspan beside another instrumentation, with this very environment in place of an isolated one."""

from __future__ import annotations

import sys

import pytest
from conformance.coexistence import BEGIN, END, NEIGHBOURS, PAGE, Beside, stacks, table, written
from conformance.compare import Verdict
from conformance.environment import Environment
from conformance.stack import Stack

from conformance import environment
from conformance import run as run_module

CASES = "anthropic_messages_cached,anthropic_messages_stream_aborted,hooks_are_gone_after_uninstalling"


def here(stack: Stack) -> Environment:
    return Environment((sys.executable, str(environment.SCRIPTS / stack.script)), {})


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Beside]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "prepare", here)
        folder = tmp_path_factory.mktemp("coexistence")
        return [
            Beside(one)
            for one in run_module.run(stacks(["anthropic_native"]), folder, CASES, lambda _stack, _doing: None)
        ]


def test_in_either_order_every_call_is_there_once_for_its_customer(found: list[Beside]) -> None:
    assert [one.result.stack.name for one in found] == [
        "anthropic_native_then_tollspan",
        "tollspan_then_anthropic_native",
    ]
    for one in found:
        assert one.right, one.result
        assert one.count == {Verdict.EXACT: 2, Verdict.MARKED: 1}
        scopes = {span.scope["name"] for case in one.result.cases for span in case.spans}
        assert scopes == {"conformance", "tollspan", "com.anthropic.sdk.python"}, "both saw the calls"


def test_what_is_told_of_them(found: list[Beside]) -> None:
    lines = list(table(found))
    assert lines[2].startswith("| anthropic_native, then tollspan | anthropic  | 3 | 2 | 2 | 2 | 1 | 0 | 0 | 0 | 0 |")
    page = written(f"before\n{BEGIN}\n{END}after\n", found)
    assert page == f"before\n{BEGIN}\n" + "\n".join(lines) + f"\n\n{END}after\n"


def test_what_did_not_run_again_stays_on_the_page(found: list[Beside]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    renewed = written(page, found)
    changed = set(renewed.splitlines()) ^ set(page.splitlines())
    assert {line.split("|")[1].strip() for line in changed} <= {
        "anthropic_native, then tollspan",
        "tollspan, then anthropic_native",
    }
    assert written(renewed, found) == renewed


def test_every_neighbour_has_its_script_and_both_orders() -> None:
    chosen = stacks()
    assert all((environment.SCRIPTS / stack.script).exists() for stack in chosen)
    assert {stack.name for stack in chosen} >= {f"{name}_then_tollspan" for name in NEIGHBOURS[:7]}
    assert all("tollspan" in stack.packages for stack in chosen)


def test_the_page_shows_the_last_run() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in NEIGHBOURS:
        assert f"| {name}" in page
