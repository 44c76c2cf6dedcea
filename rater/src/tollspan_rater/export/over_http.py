"""What targets over HTTP have in common, and what they say where their vendor offers nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from tollspan_rater.errors import UntellableError
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Lost, Request
from tollspan_rater.export.rules import silence
from tollspan_rater.export.target import Held, Sending, Sight, Unclear, Wanted
from tollspan_rater.pricing.model import shortest

Rows = Sequence[Mapping[str, Any]]
Following = Callable[[Mapping[str, Any], Request], Request | None]


class Asks(Protocol):
    """Sends requests to one target."""

    def ask(self, request: Request) -> Answer | Lost:
        """Send a request once."""
        ...

    def close(self) -> None:
        """End the connections."""
        ...


def _one_page(_page: Mapping[str, Any], _asked: Request) -> Request | None:
    return None


class OverHttp:
    """A target with its contract and the way to it; as it stands, it can be asked neither for items nor for sums."""

    def __init__(self, contract: Contract, http: Asks) -> None:
        self.contract, self.http = contract, http

    def look(self, sending: Sending) -> Sight:
        """Say that nobody can know."""
        return Unclear(f"{self.contract.name} cannot be asked for {sending.item_id}")

    def held(self, wanted: Wanted) -> Held | Unclear | None:  # noqa: ARG002 - a target has the arguments of every target
        """Say nothing."""
        return None

    def close(self) -> None:
        """End the connections."""
        self.http.close()

    def quantity(self, draft: Draft) -> str:
        """Return a draft's quantity as exact text.

        Raises:
            UntellableError: it is unknown, which is not zero.
        """
        if draft.quantity is None:
            raise UntellableError(self.contract.name, draft.component, "its quantity is not known")
        return f"{shortest(draft.quantity):f}"

    def amount(self, draft: Draft) -> tuple[Decimal, str]:
        """Return a draft's rounded amount and its currency.

        Raises:
            UntellableError: one of them is unknown.
        """
        if draft.amount is None or draft.currency is None:
            raise UntellableError(self.contract.name, draft.component, "its amount or its currency is not known")
        return draft.amount, draft.currency

    def array(self, request: Request) -> Rows | Unclear:
        """Return the rows of an answer that is a list and has no pages; why not, when it is none."""
        answer = self.http.ask(request)
        if not isinstance(answer, Answer) or not answer.ok or not isinstance(answer.body, list):
            return silence(answer)
        return answer.body

    def rows(self, request: Request, name: str, following: Following = _one_page) -> Rows | Unclear:
        """Return the rows of all pages of a list; why not, when one did not come: then nothing is known of the rest.

        ``name`` is where a page has its rows; ``following`` returns how to ask for the page behind it, ``None`` behind
        the last one.
        """
        found: list[Mapping[str, Any]] = []
        asked: Request | None = request
        while asked is not None:
            answer = self.http.ask(asked)
            page = answer.body if isinstance(answer, Answer) and answer.ok else None
            if not isinstance(page, Mapping) or not isinstance(page.get(name, ""), list | None):
                return silence(answer)
            found += page[name] or ()  # some write an empty list as null
            before, asked = asked, following(page, asked)
            if asked == before:
                return Unclear(f"{self.contract.name} does not say where its list goes on")
        return found
