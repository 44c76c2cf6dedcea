"""Result files of batches: one body that reports many calls, each on a line (or in a list) of its own.

A line is read when it is whole and forgotten, so that a file of any size passes through. What failed, expired or was
cancelled states no usage and was no call. Lines are told by what they hold: other files come by the same paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tollspan.answer import Answer
from tollspan.body import WholeBody
from tollspan.document import parsed
from tollspan.forms import FORMS
from tollspan.guarded import log, safely
from tollspan.json_path import Path, found
from tollspan.routes import ResultsIn
from tollspan.semconv import UsageApi

MAX_LINE_BYTES: Final = 32 << 20  # an answer with images fits; what is longer is not read


@dataclass(frozen=True, slots=True)
class Result:
    """A call that a result file reports: its answer as its API gives it, and what the line says of it.

    ``custom_id`` is the caller's own name for the request, ``request_id`` the provider's.
    """

    api: UsageApi
    answer: Answer
    custom_id: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class ResultForm:
    """Where a file has its results: ``items`` in a document that holds them all, without it each line is one.

    ``answer`` is the API's own answer in an item. ``apis`` tells by the answer's ``object`` which API gave it.
    ``ids`` name an item whose answer has no id, as embeddings have none.
    """

    api: UsageApi
    answer: Path
    custom_id: Path
    items: Path = ()
    request_id: Path = ()
    ids: Path = ()
    apis: Mapping[str, UsageApi] = field(default_factory=dict)


# By the name that routes know them by. OpenAI: https://platform.openai.com/docs/guides/batch, Azure OpenAI, Mistral,
# Groq and others alike; Anthropic: https://platform.claude.com/docs/en/build-with-claude/batch-processing; Gemini, in a
# file or inside the batch: https://ai.google.dev/gemini-api/docs/batch-api.
RESULTS: Final[Mapping[ResultsIn, ResultForm]] = {
    "openai file": ResultForm(
        "openai.responses",
        answer=("response", "body"),
        custom_id=("custom_id",),
        request_id=("response", "request_id"),
        ids=("id",),
        apis={
            "chat.completion": "openai.chat",
            "text_completion": "openai.chat",
            "list": "openai.embeddings",
        },
    ),
    "anthropic file": ResultForm(
        "anthropic.messages",
        answer=("result", "message"),
        custom_id=("custom_id",),
    ),
    "gemini file": ResultForm(
        "gemini.generate_content",
        answer=("response",),
        custom_id=("key",),
    ),
    "gemini batch": ResultForm(
        "gemini.generate_content",
        answer=("response",),
        custom_id=("metadata", "key"),
        items=("metadata", "output", "inlinedResponses", "inlinedResponses", "*"),
    ),
}

Take = Callable[[Result], object]


def result_in(form: ResultForm, item: Any, name: str) -> Result | None:
    """Read one item; ``None`` when it is no call that used something. ``name`` stands for an id where there is none."""
    answered = next(iter(found(item, form.answer)), None)
    if not isinstance(answered, dict):
        return None
    api = form.apis.get(str(answered.get("object")), form.api)
    answer = Answer(FORMS[api])
    answer.absorb(answered)
    if not answer.usage:
        return None
    answer.response_id = answer.response_id or _text(item, form.ids) or name
    return Result(api, answer, _text(item, form.custom_id), _text(item, form.request_id))


class ResultLines:
    """Reads results a line each, and hands each on at once.

    ``name`` is what the file is called, so that a result without an id has the same one whenever the file is read.
    """

    streams = False
    overflowed = False

    def __init__(self, form: ResultForm, name: str, take: Take) -> None:
        self._form = form
        self._name = name
        self._take = take
        self._number = 0
        self._pieces: list[bytes] = []
        self._waiting = 0

    def feed(self, chunk: bytes) -> bool:
        """Read a piece of the file; False, for it is looked into line by line."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._keep(end)
            self._read()
        self._keep(rest)
        return False

    def end(self) -> None:
        """Read the last line, which may have no end."""
        if self._waiting:
            self._read()

    def documents(self) -> Iterator[dict[str, Any]]:
        """Return nothing: the lines are gone."""
        return iter(())

    def _keep(self, piece: bytes) -> None:
        self._waiting += len(piece)
        if self._waiting <= MAX_LINE_BYTES:
            self._pieces.append(piece)

    def _read(self) -> None:
        line, size = b"".join(self._pieces), self._waiting
        self._pieces.clear()
        self._waiting = 0
        self._number += 1
        if size > MAX_LINE_BYTES:
            log.error("tollspan: line %d of %s has %d bytes, too many to be read", self._number, self._name, size)
        elif b'"usage' in line:
            safely(self._report, line)

    def _report(self, line: bytes) -> None:
        result = result_in(self._form, parsed(line), f"{self._name}#{self._number}")
        if result is not None:
            self._take(result)


class ResultList(WholeBody):
    """Reads results out of one document that holds all of them."""

    def __init__(self, form: ResultForm, name: str, take: Take) -> None:
        super().__init__(Answer(FORMS[form.api]))
        self._form = form
        self._name = name
        self._take = take
        self._read = False

    def end(self) -> None:
        """Read the document, once."""
        if self._read:
            return
        self._read = True
        items = (item for document in self.documents() for item in found(document, self._form.items))
        for number, item in enumerate(items, 1):
            result = result_in(self._form, item, f"{self._name}#{number}")
            if result is not None:
                self._take(result)


def results_reader(kind: ResultsIn, name: str, take: Take) -> ResultLines | ResultList:
    """Return the reader of a kind of result file."""
    form = RESULTS[kind]
    return ResultList(form, name, take) if form.items else ResultLines(form, name, take)


def _text(item: Any, path: Path) -> str | None:
    value = next(iter(found(item, path)), None) if path else None
    return value if isinstance(value, str) and value else None
