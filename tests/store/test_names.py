"""Names lie in one place, and a forgotten one is gone from it for good."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tollspan_rater.errors import FolderError, FormatVersionError
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.names import Names


def fixed_key(count: int) -> bytes:
    return bytes(range(count))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "data")
    folder.create()
    return folder


@pytest.fixture
def names(folder: Folder) -> Iterator[Names]:
    with closing(Names(folder, fixed_key)) as names:
        yield names


def test_an_id_is_fixed_by_key_tenant_and_name(names: Names) -> None:
    assert names.subject_id("acme", "ada@example.com") == "u_376b0ef03dac5fbd"
    assert names.subject_id("acme", "ada@example.com") != names.subject_id("other", "ada@example.com")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5, unique=True))
def test_different_people_have_different_ids(names: Names, people: list[tuple[str, str]]) -> None:
    assert len({names.subject_id(tenant, name) for tenant, name in people}) == len(people)


def test_ids_stay_over_a_restart(folder: Folder) -> None:
    with closing(Names(folder)) as names:
        before = names.subject_id("acme", "ada")
    with closing(Names(folder)) as names:
        assert names.subject_id("acme", "ada") == before


def test_names_come_back_by_id_within_their_tenant_and_kind(names: Names) -> None:
    names.remember("acme", {"u_1": "ada", "u_2": "bob\0'; drop table name"})
    names.remember("acme", {"u_1": "Acme Ltd"}, kind="customer")
    names.remember("other", {"u_1": "eve"})
    assert names.name_of("acme", ["u_1", "u_2", "u_3"]) == {"u_1": "ada", "u_2": "bob\0'; drop table name"}
    assert names.name_of("acme", ["u_1"], kind="customer") == {"u_1": "Acme Ltd"}
    assert names.name_of("nobody", ["u_1"]) == {}


def test_many_names_at_once(names: Names) -> None:
    many = {f"u_{number}": f"name {number}" for number in range(1234)}
    names.remember("acme", many)
    names.remember("acme", many)
    assert names.name_of("acme", many) == many


def test_a_customer_can_be_renamed(names: Names) -> None:
    names.remember("acme", {"c1": "Old"}, kind="customer")
    names.remember("acme", {"c1": "New"}, kind="customer")
    assert names.name_of("acme", ["c1"], kind="customer") == {"c1": "New"}


def test_a_forgotten_person_is_never_remembered_and_keeps_the_id(names: Names, folder: Folder) -> None:
    key = names.subject_id("acme", "ada")
    names.remember("acme", {key: "ada"})
    assert names.forget("acme", "ada") == key
    names.remember("acme", {key: "ada"})
    assert names.name_of("acme", [key]) == {}
    assert names.subject_id("acme", key) == key
    names.close()
    with closing(Names(folder)) as again:
        assert again.subject_id("acme", key) == key
        assert again.subject_id("acme", "ada") == key
        assert again.forget("acme", key) == key


def test_the_bytes_of_a_forgotten_name_are_gone_from_the_disk(names: Names, folder: Folder) -> None:
    secret = "forget-me-please" * 20
    others = {f"u_{number}": f"other {number}" for number in range(200)}
    key = names.subject_id("acme", secret)
    names.remember("acme", {**others, key: secret})
    assert b"forget-me" in folder.names.read_bytes()
    assert names.forget("acme", key) == key
    assert not [path for path in folder.path.rglob("*") if path.is_file() and b"forget-me" in path.read_bytes()]


def test_what_was_never_known_is_not_forgotten(names: Names) -> None:
    assert names.forget("acme", "nobody") is None
    names.remember("acme", {names.subject_id("acme", "nobody"): "nobody"})
    assert names.forget("other", "nobody") is None
    assert list(names.name_of("acme", [names.subject_id("acme", "nobody")]).values()) == ["nobody"]


def test_a_customers_name_is_forgotten_by_its_id(names: Names) -> None:
    names.remember("acme", {"c1": "Person GmbH"}, kind="customer")
    assert names.forget("acme", "c1", kind="customer") == "c1"
    names.remember("acme", {"c1": "Person GmbH"}, kind="customer")
    assert names.name_of("acme", ["c1"], kind="customer") == {}


def test_an_unknown_value_in_the_shape_of_an_id_is_a_name_until_it_is_known(names: Names) -> None:
    shaped = "u_0123456789abcdef"
    assert names.subject_id("acme", shaped) != shaped
    names.remember("acme", {shaped: "ada"})
    assert names.subject_id("acme", shaped) == shaped
    assert names.subject_id("other", shaped) != shaped


def test_files_are_private(names: Names, folder: Folder) -> None:
    names.remember("acme", {"u_1": "ada"})
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir() if path.is_file()} == {0o600}


def test_a_lost_key_is_not_replaced(names: Names, folder: Folder) -> None:
    names.close()
    folder.subject_key.unlink()
    with pytest.raises(FolderError, match="key of the names beside it is missing"):
        Names(folder)


def test_a_damaged_key_is_refused(folder: Folder) -> None:
    folder.subject_key.write_bytes(b"short")
    with pytest.raises(FolderError, match="5 bytes instead of 32"):
        Names(folder)


def test_a_newer_format_is_refused(names: Names, folder: Folder) -> None:
    names.close()
    with closing(sqlite3.connect(folder.names)) as db:
        db.execute("pragma user_version = 2")
    with pytest.raises(FormatVersionError):
        Names(folder)


def test_a_damaged_file_is_named(names: Names, folder: Folder) -> None:
    names.close()
    folder.names.write_bytes(b"garbage" * 1000)
    with pytest.raises(FolderError, match="cannot be read"):
        Names(folder)
