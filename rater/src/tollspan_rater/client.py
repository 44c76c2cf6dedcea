"""The HTTP API from Python: questions with their types, row by row where answers are long.

>>> with Client("http://127.0.0.1:4319", "tsk_...") as tollspan:
...     for row in tollspan.rows("usage", by=["customer", "day"], from_="2026-11-01"):
...         print(row["customer"], row["charge"])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Final, Self

import httpx

from tollspan_rater.api.client import received
from tollspan_rater.api.wire import ANSWER_TYPE, unpack_answer
from tollspan_rater.errors import TollspanError
from tollspan_rater.query.answer import Answer, Cell

Value = str | int | bool | date | Sequence[str]
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

        ``from_`` stands for ``from``; several values are a list.

        Raises:
            TollspanError: what the server says is wrong, as the class that it raised; or nobody answers.
        """
        return self._page(f"/v1/{question}", _given(params))[0]

    def rows(self, question: str, *, page_size: int = PAGE, **params: Value) -> Iterator[Mapping[str, Cell]]:
        """Yield all rows of an answer, page by page; all pages are of one journal position.

        Raises:
            TollspanError: as :meth:`ask`; also for a question without pages.
        """
        address: str | None = f"/v1/{question}"
        said: Mapping[str, str | list[str]] | None = {**_given(params), "page_size": str(page_size)}
        while address is not None:
            page, address = self._page(address, said)
            said = None  # the address of the next page says all of it
            yield from page.rows

    def _page(self, address: str, said: Mapping[str, str | list[str]] | None) -> tuple[Answer, str | None]:
        response = received(lambda: self._get(address, said))
        return unpack_answer(response.json()), response.links.get("next", {}).get("url")

    def _get(self, address: str, said: Mapping[str, str | list[str]] | None) -> httpx.Response:
        try:
            return self._http.get(address, params=said)
        except httpx.ConnectError as error:
            at = str(self._http.base_url).rstrip("/")
            raise TollspanError(
                f"nobody answers at {at}: {error}. Start tollspan serve there, or correct the address."
            ) from error


def _given(params: Mapping[str, Value]) -> dict[str, str | list[str]]:
    return {name.rstrip("_"): _text(value) for name, value in params.items()}


def _text(value: Value) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    return value.isoformat() if isinstance(value, date) else list(value)
