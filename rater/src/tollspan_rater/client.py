"""The HTTP API from Python: questions with their types, row by row where answers are long.

>>> with Client("http://127.0.0.1:4319", "tsk_...") as tollspan:
...     for row in tollspan.rows("usage", by=["customer", "day"], from_="2026-11-01"):
...         print(row["customer"], row["charge"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import httpx

from tollspan_rater.api.client import LONGEST_ADDRESS, received
from tollspan_rater.api.wire import ANSWER_TYPE, unpack_answer
from tollspan_rater.errors import TollspanError
from tollspan_rater.query.answer import Answer, Cell

Value = str | int | bool | date | Sequence[str] | Mapping[str, Any]
Given = dict[str, Any]  # of text, lists of text and mappings
TIMEOUT_S: Final = 60.0
PAGE: Final = 1_000


class Client:
    """Asks a server with one key; what the key may not see is refused with a ``TollspanError``.

    Args:
        url: where ``tollspan serve`` answers, for example ``http://127.0.0.1:4319``.
        key: an API key, as ``tollspan keys create`` shows it once.
        timeout_s: how long one answer may take, in seconds.
        transport: another way to send requests than the network.
    """

    def __init__(
        self, url: str, key: str, *, timeout_s: float = TIMEOUT_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}", "Accept": ANSWER_TYPE}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def ask(self, question: str, **params: Value) -> Answer:
        """Ask a question of the reference: decimals come as ``Decimal``, unknown as ``None``.

        ``from_`` stands for ``from``; several values are a list, a pricing folder is a mapping of names to texts.

        Raises:
            TollspanError: what the server says is wrong, as the class that it raised; or nobody answers.
        """
        path, said = f"/v1/{question}", _given(params)
        if _addressable(said):
            return self._page(path, said)[0]
        response = received(lambda: self._reached(lambda: self._http.post(path, json=said)))
        return unpack_answer(response.json())

    def rows(self, question: str, *, page_size: int = PAGE, **params: Value) -> Iterator[Mapping[str, Cell]]:
        """Yield all rows of an answer, page by page; all pages are of one journal position.

        Parameters that fit into no address come back in one answer.

        Raises:
            TollspanError: as :meth:`ask`; also for a question without pages.
        """
        said = {**_given(params), "page_size": str(page_size)}
        if not _addressable(said):
            yield from self.ask(question, **params).rows
            return
        page, following = self._page(f"/v1/{question}", said)
        yield from page.rows
        while following is not None:
            page, following = self._page(following)
            yield from page.rows

    def _page(self, address: str, said: Given | None = None) -> tuple[Answer, str | None]:
        """Return an answer and the address of the next page; that one says its parameters itself."""
        response = received(lambda: self._reached(lambda: self._http.get(address, params=said)))
        return unpack_answer(response.json()), response.links.get("next", {}).get("url")

    def _reached(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            return request()
        except httpx.ConnectError as error:
            at = str(self._http.base_url).rstrip("/")
            raise TollspanError(
                f"nobody answers at {at}: {error}. Start tollspan serve there, or correct the address."
            ) from error


def _given(params: Mapping[str, Value]) -> Given:
    return {name.rstrip("_"): _sent(value) for name, value in params.items()}


def _sent(value: Value) -> str | list[str] | dict[str, Any]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else list(value)


def _addressable(said: Given) -> bool:
    """Tell whether an address can hold the parameters."""
    return len(urlencode(said, doseq=True)) <= LONGEST_ADDRESS and not any(isinstance(v, dict) for v in said.values())
