"""A pricing folder that cannot be read says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tollspan_rater.config.pricing_folder import read_folder
from tollspan_rater.errors import UsageError


@pytest.mark.parametrize(("name", "words"), [("gone", "there is no folder "), ("empty", "holds no .yaml file")])
def test_a_folder_that_is_not_there_is_not_an_empty_one(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=words):
        read_folder(tmp_path / name)


def test_files_go_by_their_path_within_the_folder(tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "a.yaml").write_text("card: a\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no prices\n", encoding="utf-8")
    assert read_folder(tmp_path) == {"cards/a.yaml": "card: a\n"}
