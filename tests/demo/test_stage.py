from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.plans import planned
from tests.demo.receiver import receiving
from tollspan_rater.demo import child
from tollspan_rater.demo.child import LOG_FILE, Server
from tollspan_rater.demo.records import by_sender
from tollspan_rater.demo.sending import Request
from tollspan_rater.demo.stage import Interruption, deliver
from tollspan_rater.errors import DemoError


class Target:
    """Counts kills and starts; an endpoint behind it goes on taking requests."""

    def __init__(self, otlp_url: str = "") -> None:
        self.otlp_url = otlp_url
        self.kills = self.starts = 0

    def kill(self) -> None:
        self.kills += 1

    def start(self) -> float:
        self.starts += 1
        return 0.5


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


RECORDS = by_sender(planned(300), 1, seed=1)[0]


@pytest.mark.parametrize("sizes", [(10, 10, 10), (10, 10, 200), (200, 10, 10), (7,)])
def test_the_server_is_there_again_wherever_the_kill_fell(sizes: tuple[int, ...]) -> None:
    queue = [Request(tuple(RECORDS[:size])) for size in sizes]
    seen: list[int] = []
    with receiving() as endpoint:
        target = Target(endpoint.url)
        delivery = deliver(target, [queue], seen.append)
    assert (target.kills, target.starts, delivery.restart_s) == (1, 1, 0.5)
    assert delivery.sent.acknowledged == len(endpoint.spans) == sum(sizes) == seen[-1]
    assert sum(sizes) // 2 <= delivery.killed_after <= sum(sizes)


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


def test_a_server_that_takes_too_long_is_told_apart_from_one_that_ended(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "READY_S", 0.0)
    with pytest.raises(DemoError, match=r"was not ready after 0 s; is the machine busy\?"):
        server.start()


def test_a_server_that_is_not_there_has_no_door(server: Server) -> None:
    (server.data / LOG_FILE).touch()
    with pytest.raises(DemoError, match="left no run"):
        server.door()
