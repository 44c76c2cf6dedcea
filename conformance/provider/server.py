"""The HTTP side: every request belongs to a case, every attempt stands on the bill.

A client's base address is ``{url}/STACK/CASE/TRAITS``: the path says whom a request belongs to, so that no SDK must
be taught a header. Traits are joined by ``+``: faults (:mod:`conformance.provider.fault`), and what a call uses or
states: ``cached``, ``reasoning``, ``tool-prompt``, ``ttl`` (cache writes by lifetime), ``audio``, ``image``,
``web-search``, ``web-fetch``, ``compaction``, ``geo``, ``fast``, ``seconds``, ``tier-NAME``, ``as-VENDOR``;
``pending-once``, ``one-errored``, ``one-expired`` and ``in-file`` (Gemini) for what is fetched later; ``json``: what is
written is a JSON document.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from conformance.bill import Attempt
from conformance.provider import fault, form, realtime
from conformance.provider.account import Account, CaseDesk
from conformance.provider.api import endpoint_of, on_its_terms
from conformance.provider.endpoint import Api, Call, Errand, Payload, Request
from conformance.provider.vendors import VENDORS
from tollspan_rater.demo.provider.answer import WORDS
from tollspan_rater.demo.provider.loopback import LoopbackHandler, LoopbackServer

THINKING_S = 0.02  # calls take a little while, so that parallel ones overlap


class Provider:
    """The provider on 127.0.0.1, serving while it is entered.

    ``requests`` are the headers of all requests, lower-cased. ``thinking_s`` passes before a call is answered.
    """

    def __init__(self, *, thinking_s: float = THINKING_S) -> None:
        self.account = Account()
        self.requests: list[dict[str, str]] = []
        self.thinking_s = thinking_s
        self.closing = threading.Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        """The address before ``/STACK/CASE/TRAITS``."""
        return self._server.url

    @property
    def attempts(self) -> list[Attempt]:
        """The bill, oldest first."""
        return self.account.attempts

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_about: object) -> None:
        self.closing.set()
        self._server.__exit__()


class _Server(LoopbackServer):
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    server: _Server

    def get(self) -> None:
        """Answer a request that fetches something."""
        self._serve({})

    def post(self) -> None:
        """Answer a call of a case."""
        body = self.read_body()
        self._serve(form.document(body, self.headers.get("content-type") or ""))

    def _serve(self, body: Mapping[str, Any]) -> None:
        provider, split = self.server.provider, urlsplit(self.path)
        provider.requests.append({name.lower(): value for name, value in self.headers.items()})
        path = unquote(split.path)
        parts = path.split("/", 4)
        if (self.headers.get("upgrade") or "").lower() == "websocket":
            self._speak(parts, dict(parse_qsl(split.query)))
            return
        found = endpoint_of(self.command, f"/{parts[-1]}", body) if len(parts) > 4 else None  # noqa: PLR2004 - "", stack, case, traits, the API's path
        if found is None:
            self.answer_nothing_here(path)
            return
        endpoint, named = found
        url = f"{provider.url}{'/'.join(parts[:4])}"
        query = dict(parse_qsl(split.query))
        request = Request(parts[1], parts[2], frozenset(parts[3].split("+")), body, named, query, url)
        if request.vendor not in VENDORS:
            self.answer_nothing_here(f"{path}: no such vendor")
        elif isinstance(endpoint, Errand):
            self._errand(endpoint, request)
        else:
            self._call(endpoint, request)

    def _speak(self, parts: list[str], query: Mapping[str, str]) -> None:
        account = self.server.provider.account
        self.close_connection = True
        request = Request(parts[1], parts[2], frozenset(parts[3].split("+")), {}, {}, query)

        def admit(api: Api, request: Request) -> Call:
            return account.admit(on_its_terms(api, request), request).call

        realtime.serve(self.connection, self.path, dict(self.headers.items()), request, admit)

    def _errand(self, errand: Errand, request: Request) -> None:
        account = self.server.provider.account
        answer = errand.run(request, CaseDesk(account, request, account.shelf(request)))
        if answer is None:
            self.answer_nothing_here(self.path)
        elif isinstance(answer, Payload):
            self.answer(fault.OK, answer.data, {"Content-Type": answer.content_type})
        else:
            self.answer_json(fault.OK, fault.robbed(answer, request.traits), _ids(account.new_id(request, "e")))

    def _call(self, api: Api, request: Request) -> None:
        provider = self.server.provider
        api = on_its_terms(api, request)
        admitted = provider.account.admit(api, request)
        call = admitted.call
        time.sleep(provider.thinking_s)
        if admitted.status != fault.OK:
            headers = {"retry-after-ms": "1", "x-amzn-errortype": "ThrottlingException"}
            self.answer_json(admitted.status, fault.error_body(admitted.status), headers)
            return
        if fault.hangs(request.traits, first=admitted.first):
            provider.closing.wait(fault.HANG_S)
        if api.answers_in_events(request):
            self._stream(api, call)
            return
        answer = api.whole(call)
        if isinstance(answer, Payload):
            headers = {"Content-Type": answer.content_type, **_ids(call.response_id), **answer.headers}
            self.answer(fault.OK, answer.data, headers)
        else:
            document = fault.robbed(_said(answer, request.traits), request.traits)
            self.answer_json(fault.OK, document, _ids(call.response_id))

    def _stream(self, api: Api, call: Call) -> None:
        traits = call.request.traits
        self.begin_stream(api.stream.content_type, _ids(call.response_id))
        for number, event in enumerate(api.events(call) if api.events else ()):
            if number == fault.EVENTS_BEFORE_FAULT and "cut" in traits:
                self.close_connection = True
                return
            if number == fault.EVENTS_BEFORE_FAULT and "error-event" in traits:
                self.chunk(api.stream.encode(api.stream.failure))
                break
            if "slow" in traits and self.server.provider.closing.wait(fault.SLOW_S):
                return
            self.chunk(api.stream.encode(replace(event, data=fault.robbed(event.data, traits))))
        self.chunk(b"")


def _said(answer: Any, traits: Collection[str]) -> Any:
    """Return an answer with the text that the case wants."""
    if "json" not in traits:
        return answer
    return json.loads(json.dumps(answer).replace(json.dumps("".join(WORDS)), json.dumps(json.dumps({"said": "x"}))))


def _ids(response_id: str) -> dict[str, str]:
    return dict.fromkeys(("x-request-id", "request-id", "x-amzn-requestid"), f"req_{response_id}")
