"""A sorted run finds what it holds, and its file is what was written or nothing."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.store.key_run import KeyRun, mapped, merged, read, sorted_run, write

LONG = st.integers(-(2**63), 2**63 - 1)
KEYS = st.lists(st.none() | st.integers(-3, 3) | LONG, max_size=30)


def a_run(keys: list[int | None], first_row: int = 0, start: int = 0) -> KeyRun:
    return sorted_run(first_row, pa.array(keys, pa.int64()), pa.array(range(start, start + len(keys)), pa.int32()))


def held(run: KeyRun) -> list[tuple[int, int]]:
    return sorted(zip(run.keys.to_pylist(), run.rows.to_pylist(), strict=True))


@given(KEYS, KEYS, st.sets(st.integers(-4, 4) | LONG), st.integers(0, 2**40))
def test_a_run_finds_the_rows_of_any_keys(
    one: list[int | None], other: list[int | None], wanted: set[int], first: int
) -> None:
    run = merged([a_run(one, first), a_run(other, first, start=len(one))])
    asked = pa.array(sorted(wanted), pa.int64())
    everything = one + other
    assert run.keys.to_pylist() == sorted(key for key in everything if key is not None)
    assert run.present(asked) == sorted(wanted & set(everything))
    assert sorted(run.rows_with(asked)) == [first + row for row, key in enumerate(everything) if key in wanted]


@pytest.mark.parametrize("keys", [[], [None], [5, -2, 5, None, 9]])
def test_a_file_gives_the_run_that_was_written(tmp_path: Path, keys: list[int | None]) -> None:
    run, path = a_run(keys, 40), tmp_path / "spans.trace_key.000001"
    write(run, path)
    for found in (read(path, 40), mapped(path, 40)):
        assert found is not None
        assert held(found) == held(run)
        assert found.rows_with(pa.array([5], pa.int64())) == [40, 42] * (5 in keys)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_mapped_run_outlives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run"
    write(a_run([3, 1, 2]), path)
    run = mapped(path, 0)
    path.unlink()
    assert run is not None
    assert held(run) == [(1, 1), (2, 2), (3, 0)]


GOOD = (
    b"tskeys1\n" + b"".join(n.to_bytes(8, "little") for n in (1, 2)) + b"".join(n.to_bytes(4, "little") for n in (0, 1))
)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no file"),
        (b"", "it is empty"),
        (b"tskeys1", "its head is cut off"),
        (GOOD[:-1], "its end is cut off"),
        (b"tskeys2\n" + GOOD[8:], "it is of another format"),
        (GOOD[:8] + GOOD[16:24] + GOOD[8:16] + GOOD[24:], "its keys are not in order"),
    ],
)
def test_what_is_no_run_is_not_read(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "run"
    path.write_bytes(GOOD)
    assert read(path, 0) is not None
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert read(path, 0) is None, why


def test_a_path_that_cannot_be_read_gives_no_run(tmp_path: Path) -> None:
    assert read(tmp_path, 0) is None
    assert mapped(tmp_path, 0) is None
