from collections.abc import Iterator
from pathlib import Path

import pytest

from tollspan_rater.demo.child import LOG_FILE, Server
from tollspan_rater.demo.stage import Interruption
from tollspan_rater.errors import DemoError


class Target:
    """Counts kills."""

    def __init__(self) -> None:
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1


@pytest.mark.parametrize(
    ("told", "killed_after"),
    [((10, 49), None), ((10, 50), 50), ((10, 60, 70, 100), 60), ((), None)],
)
def test_the_kill_comes_once_when_half_is_acknowledged(told: tuple[int, ...], killed_after: int | None) -> None:
    target = Target()
    interruption = Interruption(target, after=50)
    for acknowledged in told:
        interruption(acknowledged)
    assert interruption.killed_after == killed_after
    assert target.kills == (killed_after is not None)
    assert interruption.killed.is_set() == (killed_after is not None)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.stop()


def test_a_server_that_ends_at_once_is_told_with_its_last_words(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tollspan.yaml").write_text("no: such key\n", encoding="utf-8")
    with pytest.raises(DemoError, match=r"did not become ready: tollspan: .*no"):
        server.start()
    assert (tmp_path / LOG_FILE).read_text(encoding="utf-8")


def test_a_server_that_is_not_there_has_no_door(server: Server) -> None:
    (server.data / LOG_FILE).touch()
    with pytest.raises(DemoError, match="left no run"):
        server.door()
