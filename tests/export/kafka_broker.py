"""The Kafka target against a real broker that is killed in mid-export: ``python -m tests.export.kafka_broker [ITEMS]``.

Needs Java and Maven; the broker comes from Maven Central and is kept in the cache.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import httpx
from kafka import KafkaConsumer

from tests.export.book import MemoryBook
from tests.export.invoice import AMOUNTS
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.draft import item_id
from tollspan_rater.export.exporter import Exporter
from tollspan_rater.export.item import Item
from tollspan_rater.export.pace import Pace
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Mapped, Outcome, Sending, Target
from tollspan_rater.export.targets import target

POM = Path(__file__).parent / "kafka" / "pom.xml"
START_S, SECOND = 60, 1_000_000_000
TOPIC = "bills"
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{control}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
auto.create.topics.enable=true
"""


def fetched() -> Path:
    """Return the folder of the broker's parts, from Maven Central when it is not there yet."""
    folder = Path(os.environ.get("TOLLSPAN_CACHE", Path.home() / ".cache" / "tollspan")) / "kafka" / "4.1.0"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
            libs = Path(aside) / "libs"
            copy = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={libs}"]
            subprocess.run(copy, check=True)
            libs.replace(folder)
    return folder


@dataclass
class Broker:
    """A broker on loopback with a folder of its own."""

    folder: Path
    libs: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self._java(), "kafka.Kafka", str(self.folder / "server.properties")],
            stdout=(self.folder / "broker.log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise TimeoutError((self.folder / "broker.log").read_text()[-2000:])

    def format(self, control: int) -> None:
        config = self.folder / "server.properties"
        config.write_text(_PROPERTIES.format(port=self.port, control=control, folder=self.folder))
        run = [*self._java(), "kafka.tools.StorageTool"]
        name = subprocess.run([*run, "random-uuid"], check=True, capture_output=True, text=True).stdout.split()[-1]
        subprocess.run([*run, "format", "-t", name, "-c", str(config)], check=True, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _java(self) -> list[str]:
        return ["java", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{self.libs}/*"]


class Killing:
    """A target whose broker dies after some batches, and comes back after the next."""

    def __init__(self, made: Target, broker: Broker) -> None:
        self._made, self._broker = made, broker
        self.batches, self.kills = 0, 0
        self.contract = replace(made.contract, batch=50)

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        self.batches += 1
        if self.batches % 5 == 3:
            self._broker.kill()
            self.kills += 1
        outcomes = self._made.send(sendings)
        if self.batches % 5 == 3:
            self._broker.start()
        return outcomes

    def __getattr__(self, name: str) -> object:
        return getattr(self._made, name)


def items(made: Target, wanted: int) -> list[Item]:
    """Return so many lines as items."""
    drafts = [replace(AMOUNTS[n % len(AMOUNTS)], component=f"line-{n}") for n in range(wanted)]
    named = [(draft, item_id("t", "kafka", draft)) for draft in drafts]
    return [
        Item(name, place, draft, draft.service.start_ns, made.element(draft, name, 0, Mapped({}, {})))
        for place, (draft, name) in enumerate(named)
    ]


def read(port: int) -> list[tuple[str, Decimal]]:
    """Return keys and amounts of all records of the topic."""
    asked = {"bootstrap_servers": f"127.0.0.1:{port}", "auto_offset_reset": "earliest", "consumer_timeout_ms": 8_000}
    with KafkaConsumer(TOPIC, **asked) as records:
        return [(one.key.decode(), Decimal(json.loads(one.value)["data"]["amount"])) for one in records]


def main() -> int:
    """Export through kills of the broker, read the topic, compare; 1 when a line is missing or a sum differs."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with tempfile.TemporaryDirectory() as name, socket.socket() as one, socket.socket() as other:
        for asked in (one, other):
            asked.bind(("127.0.0.1", 0))
        broker = Broker(Path(name), fetched(), one.getsockname()[1])
        control = other.getsockname()[1]
        one.close()
        other.close()
        broker.format(control)
        broker.start()
        try:
            return verdict(broker, wanted)
        finally:
            broker.kill()


def verdict(broker: Broker, wanted: int) -> int:
    """Print what was sent and what is there."""
    clock = FixedClock(time.time_ns())
    settings = Settings("kafka", httpx.Client(), clock, url=f"127.0.0.1:{broker.port}", options={"topic": TOPIC})
    made = Killing(target("kafka", settings), broker)
    book = MemoryBook()
    book.plan(items(made, wanted))  # type: ignore[arg-type] # it is a target by what it hands on
    rounds = 0
    while book.open(-1, 1) and rounds < 50:
        Exporter(book, made, clock, Pace(None, clock, lambda _s: None)).run()  # type: ignore[arg-type] # as above
        clock.set(clock.now_ns() + 3_600 * SECOND)
        rounds += 1
    made.close()  # type: ignore[operator] # as above
    records = read(broker.port)
    keys = Counter(key for key, _ in records)
    first = dict(reversed(records))
    owed = exact_sum(one.draft.amount or Decimal(0) for one in book.items.values())
    there = exact_sum(first.values())
    print(
        f"{wanted} items in {made.batches} batches, {made.kills} kills of the broker: {len(records)} records, "
        f"{len(keys)} different keys, sum {there} of {owed}"
    )
    return 0 if set(keys) == set(book.items) and there == owed else 1


if __name__ == "__main__":
    sys.exit(main())
