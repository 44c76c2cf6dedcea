"""A library is noticed when it is imported, however that happens, and the import system is left as it was."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wrapt

from tollspan.wire import imports
from tollspan.wire.imports import nevermind, when_imported

NAMES = ("imported_here", "imported_here.inner")


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "imported_here"
    folder.mkdir()
    (folder / "__init__.py").write_text("done = True")
    (folder / "inner.py").write_text("done = True")
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.meta_path)
    yield tmp_path
    for name in NAMES:
        nevermind(name)
        sys.modules.pop(name, None)
    assert [type(one) for one in sys.meta_path if type(one).__module__ != "wrapt.importer"] == [
        type(one) for one in before if type(one).__module__ != "wrapt.importer"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_told_once_after_its_code_has_run(name: str) -> None:
    told: list[Any] = []
    when_imported(name, lambda module: told.append((module.__name__, module.done)))
    importlib.import_module(name)
    importlib.import_module(name)
    assert told == [(name, True)]


def test_what_nobody_waits_for_any_more_is_not_told() -> None:
    told: list[Any] = []
    for name in NAMES:
        when_imported(name, told.append)
    nevermind(NAMES[0])
    assert imports._finder in sys.meta_path
    nevermind(NAMES[1])
    assert imports._finder not in sys.meta_path
    importlib.import_module(NAMES[1])
    assert told == []


def test_one_that_breaks_breaks_no_import() -> None:
    when_imported(NAMES[0], lambda _module: 1 / 0)
    assert importlib.import_module(NAMES[0]).done


def test_a_library_that_is_not_there_is_missing_as_before() -> None:
    when_imported("imported_nowhere", lambda _module: None)
    try:
        with pytest.raises(ModuleNotFoundError, match="imported_nowhere"):
            importlib.import_module("imported_nowhere")
    finally:
        nevermind("imported_nowhere")


def test_another_such_hook_is_told_too() -> None:
    told: list[str] = []
    wrapt.register_post_import_hook(lambda _module: told.append("wrapt, before"), NAMES[0])
    when_imported(NAMES[0], lambda _module: told.append("ours"))
    sys.meta_path.insert(0, next(one for one in sys.meta_path if type(one).__module__ == "wrapt.importer"))
    try:
        importlib.import_module(NAMES[0])
    finally:
        sys.meta_path.pop(0)
    assert sorted(told) == ["ours", "wrapt, before"]


def test_a_library_in_an_archive_is_told(library: Path) -> None:
    with zipfile.ZipFile(library / "one.zip", "w") as archive:
        archive.writestr("imported_zipped.py", "done = True")
    sys.path.insert(0, str(library / "one.zip"))
    told: list[Any] = []
    when_imported("imported_zipped", lambda module: told.append(module.done))
    try:
        importlib.import_module("imported_zipped")
    finally:
        sys.path.pop(0)
        nevermind("imported_zipped")
        sys.modules.pop("imported_zipped", None)
    assert told == [True]
