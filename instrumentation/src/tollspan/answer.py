"""What an answer says about itself: id, model, usage, end; one interpreter of the table of forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tollspan.forms import Form, Stated
from tollspan.json_path import Path, found

_UNFINISHED: Final = frozenset(
    {"in_progress", "queued", "not_finished", "validating", "finalizing", "cancelling"},
)
_CANCELLED: Final = frozenset({"cancelled", "canceled"})
_ERRORS: Final[tuple[Path, ...]] = (("error",), ("response", "error"), ("response", "status_details", "error"))
_KINDS: Final[tuple[Path, ...]] = (("type",), ("code",), ("status",))


@dataclass(slots=True)
class Answer:
    """What is known of an answer so far.

    ``usage`` is the provider's object verbatim; of a stream that states it several times the last value of each
    member, and ``header_usage`` what the headers say of it. ``tallies``: by meter, what stands in no usage object.
    ``terminal``: the provider said that it is done.
    """

    form: Form
    response_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    header_usage: dict[str, Any] = field(default_factory=dict)
    tallies: dict[str, int] = field(default_factory=dict)
    finish_reasons: tuple[str, ...] = ()
    error: str | None = None
    terminal: bool = False

    def absorb(self, document: Any) -> None:
        """Take in a JSON document: a whole body or one event. Lists are taken in one by one."""
        if isinstance(document, list):
            for one in document:
                self.absorb(one)
        if not isinstance(document, dict):
            return
        form = self.form
        self.response_id = self.response_id or _text(document, form.ids)
        self.model = _text(document, form.models) or self.model
        self.service_tier = _text(document, form.tiers) or self.service_tier
        self.finish_reasons = _reasons(document, form) or self.finish_reasons
        self.error = _error(document) or self.error
        for member, value in form.ends:
            self.terminal = self.terminal or _is(document.get(member), value)
        for one in form.usage:
            self._state(one, document)
        for member, path in form.sums.items():
            if counts := [count for count in found(document, path) if type(count) is int]:
                self.usage[member] = sum(counts)
        for tally in form.tallies:
            if number := tally.count(document, self.model or ""):
                self.tallies[tally.meter] = number

    def hear(self, header: Callable[[str], str | None]) -> None:
        """Take the counts that an answer's headers state."""
        for name in self.form.headers:
            if count := header(name):
                self.header_usage[name] = count

    @property
    def settled(self) -> bool:
        """Whether no more usage is to come: the end was told, or a reason for it beside usage."""
        return self.terminal or bool(self.finish_reasons and self.usage)

    @property
    def cancelled(self) -> bool:
        """Whether the provider says that the caller broke it off."""
        return not _CANCELLED.isdisjoint(self.finish_reasons)

    def _state(self, stated: Stated, document: dict[str, Any]) -> None:
        members, largest = stated.members, self.form.largest
        for usage in found(document, stated.at):
            if isinstance(usage, dict):
                for member, value in usage.items():
                    if value is not None and (not members or member in members):
                        self.usage[member] = self._largest(member, value) if largest else value

    def _largest(self, member: str, value: Any) -> Any:
        held = self.usage.get(member)
        return max(held, value) if type(held) is type(value) is int else value


def _text(document: Mapping[str, Any], paths: tuple[Path, ...]) -> str | None:
    for path in paths:
        for value in found(document, path):
            if isinstance(value, str) and value:
                return value
    return None


def _reasons(document: Mapping[str, Any], form: Form) -> tuple[str, ...]:
    values = [value for path in form.finish for value in found(document, path)]
    return tuple([value for value in values if isinstance(value, str) and value and value not in _UNFINISHED])


def _is(value: Any, wanted: str) -> bool:
    """Tell whether a member has a value that ends a stream; the empty one is any."""
    return value == wanted or (wanted == "true" and value is True) or (not wanted and value is not None)


def _error(document: dict[str, Any]) -> str | None:
    """Name the error that a document reports, by the provider's own word for its kind."""
    for path in _ERRORS:
        for error in found(document, path) if path[0] in document else ():
            if isinstance(error, dict):
                return _text(error, _KINDS) or "error"
    if document.get("type") == "error":
        return _text(document, (("code",),)) or "error"
    return None
