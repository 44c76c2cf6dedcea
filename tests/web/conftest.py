"""The pages before a real rater whose names are full of HTML, with a way in for each key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from starlette.testclient import TestClient
from tests.query.shop import Shop, card, folder_rater, plan

from tollspan_rater.api.app import create_app
from tollspan_rater.api.keys import new_key
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.folder import Folder
from tollspan_rater.web.app import page_routes

LOCAL = "local-token-of-the-tests"
HOSTILE = "<script>alert('x')</script>&amp;\"<img src=x onerror=alert(1)>"
MODEL = "<b>gpt</b>-4.1'\"><svg onload=alert(2)>"


@dataclass
class Pages:
    """The application, the keys by name (a scope or a customer), and browsers that are signed in."""

    rater: Rater
    keys: dict[str, str] = field(default_factory=dict)

    def browser(self, name: str | None = None, peer: str = "127.0.0.1") -> TestClient:
        """A browser at an address of the network, signed in with a key if one is named."""
        names = (f"session-{number}" for number in range(1000))
        pages = page_routes(self.rater, LOCAL, self.rater.clock, lambda: next(names))
        app = create_app(self.rater, LOCAL, more=pages)
        client = TestClient(app, raise_server_exceptions=False, client=(peer, 50000))
        if name is not None:
            client.post("/pages/sign-in", data={"key": self.keys[name]}, follow_redirects=False)
        return client


def key(rater: Rater, name: str, customer: str | None = None) -> str:
    seed = name.encode().ljust(40, b".")
    made = new_key(
        lambda size: seed[-size:] if size == 32 else seed[:size],
        scopes=["customer-query" if customer else name],
        customer=customer,
    )
    rater.execute("key.create", made.body, tenant="default", actor="test")
    return made.token


def fill(shop: Shop) -> None:
    prices = card([{"input": "4", "output": "16"}], per="1M")
    shop.price({"card.yaml": prices, "plan.yaml": plan("pro", included={"tokens": "1000"}, base_fee="9")})
    for number, customer in enumerate(("acme", HOSTILE), 1):
        shop.execute("customer.set", {"customer": customer, "plan": "pro", "name": f"{customer} & <i>sons</i>"})
        shop.send(
            *(
                shop.call(
                    f"2026-{day}T10:30:00Z",
                    {"input": 1_000 * number + count, "output": 100 * number},
                    customer=customer,
                    feature=f"<u>chat {number}</u>",
                    request_model=("gpt-4.1", MODEL)[count % 2],
                )
                for count, day in enumerate(("11-30", "12-01", "12-02", "12-14"))
            )
        )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    resolved, clock = folder_rater(tmp_path_factory.mktemp("pages"))
    folder = Folder(resolved.config.data)
    folder.create()
    with folder.lock("test"):
        rater = Rater(folder, resolved, clock)
        rater.start()
        try:
            keys = {name: key(rater, name) for name in ("usage", "query", "admin", "ingest")}
            keys |= {"acme": key(rater, "acme", "acme"), "local": LOCAL}
            fill(Shop(rater, "default"))
            yield Pages(rater, keys)
        finally:
            rater.close()
