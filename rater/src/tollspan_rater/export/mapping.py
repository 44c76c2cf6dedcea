"""What our customers, meters and lines are called in a target: a YAML file, with the master data beside it. Pure.

::

    customers:
      acme: {customer: cus_123}
    meters:
      input: {event_name: input_tokens}
      request: null                       # not handed over, on purpose
    lines:
      - {kind: base_fee, to: {add_on_code: platform}}
      - {meter: input, plan: pro, to: {add_on_code: tokens_pro}}
    default: {add_on_code: usage}         # for what nothing above names
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tollspan_rater.domain.meters import priced_ancestor
from tollspan_rater.errors import MappingError
from tollspan_rater.export.contract import Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.target import Mapped

Words = dict[str, str]
NOTHING: Final[Words] = {}
_READ: Final = frozenset({"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"})
_SAID: Final = {
    "dict_type": "words with their names are needed here, as {customer: cus_1}",
    "string_type": "one word is needed here",
    "extra_forbidden": "no such key; known are customers, meters, lines, default; of a line kind, meter, plan, to",
}


class _AsWritten(yaml.SafeLoader):
    """YAML in which all but ``null`` is text: an account ``012345671234`` is no octal number, ``no`` no falsehood."""


_AsWritten.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in found if tag in _READ]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LineRule(_Shape):
    """Which lines of statements some words are for; what is not given is any. ``to: null`` keeps them back."""

    kind: str | None = None
    meter: str | None = None
    plan: str | None = None
    to: Words | None

    def fits(self, draft: Draft) -> bool:
        """Tell whether a line is one of them."""
        asked = ((self.kind, draft.kind), (self.meter, draft.meter), (self.plan, draft.plan))
        return all(wanted is None or wanted == given for wanted, given in asked)


class MappingFile(_Shape):
    """The content of a mapping file: the target's words for customers, meters and lines."""

    customers: dict[str, Words | None] = Field(default_factory=dict)
    meters: dict[str, Words | None] = Field(default_factory=dict)
    lines: list[LineRule] = Field(default_factory=list)
    default: Words | None = None


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Why a draft is not handed over: the words for a ``what`` are missing, or are kept back ``on_purpose``."""

    what: Literal["customer", "meter", "line"]
    name: str
    missing: tuple[str, ...] = ()

    @property
    def on_purpose(self) -> bool:
        """Whether the mapping says itself that this is not handed over."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Names:
    """The words of one export: its mapping, and the ids of customers that the master data hold for a ``family``.

    ``external_ids`` are the customers', by customer. The name ``stripe`` gives the first word that a target needs of
    a customer, ``lago.subscription`` the word ``subscription``.
    """

    file: MappingFile
    needs: Needs
    family: str
    external_ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def mapped(self, draft: Draft) -> Mapped | Unmapped:
        """Put the customer and the meter or line of a draft in the target's words."""
        customer = self.customer(draft.customer)
        if isinstance(customer, Unmapped):
            return customer
        words = self._meter(draft.meter) if draft.source == "usage" else self._line(draft)
        return words if isinstance(words, Unmapped) else Mapped(customer, words)

    def customer(self, name: str) -> Words | Unmapped:
        """Return the words for a customer."""
        if name in self.file.customers and self.file.customers[name] is None:
            return Unmapped("customer", name)
        ids = self.external_ids.get(name, {})
        known = {need: ids[f"{self.family}.{need}"] for need in self.needs.customer if f"{self.family}.{need}" in ids}
        if self.needs.customer and self.family in ids:
            known.setdefault(self.needs.customer[0], ids[self.family])
        return _complete("customer", name, {**known, **(self.file.customers.get(name) or {})}, self.needs.customer)

    def meter_told(self, meter: str) -> str:
        """Return as what a meter is told: its own name, or the nearest whole that has words and contains it.

        As with prices: a part without words of its own counts as its whole.
        """
        if not self.needs.meter or self.file.default is not None:
            return meter
        return priced_ancestor(meter, frozenset(self.file.meters)) or meter

    def _meter(self, meter: str) -> Words | Unmapped:
        if meter in self.file.meters and self.file.meters[meter] is None:
            return Unmapped("meter", meter)
        return _complete("meter", meter, self.file.meters.get(meter) or self.file.default, self.needs.meter)

    def _line(self, draft: Draft) -> Words | Unmapped:
        name = "/".join(part for part in (draft.kind, draft.meter, draft.plan) if part)
        rule = next((rule for rule in self.file.lines if rule.fits(draft)), None)
        if rule is not None and rule.to is None:
            return Unmapped("line", name)
        return _complete("line", name, self.file.default if rule is None else rule.to, self.needs.meter)


def read_mapping(path: str, text: str) -> MappingFile:
    """Read a mapping file; an empty one names nothing.

    Raises:
        MappingError: it is no YAML, or has a key or value that cannot be used.
    """
    try:
        document: Any = yaml.load(text, Loader=_AsWritten)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the file"
        raise MappingError(path, place, f"this is no YAML: {getattr(error, 'problem', error)}") from error
    try:
        return MappingFile.model_validate({} if document is None else document)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in found["loc"]) or "the file"
        raise MappingError(path, place, _SAID.get(found["type"], found["msg"])) from None


def digest_of(text: str) -> str:
    """Return the version of a mapping file: ``mp_`` and a digest of its text."""
    return "mp_" + hashlib.sha256(text.encode()).hexdigest()[:16]


def _complete(
    what: Literal["customer", "meter", "line"], name: str, words: Words | None, needs: tuple[str, ...]
) -> Words | Unmapped:
    known = NOTHING if words is None else words
    missing = tuple(need for need in needs if not known.get(need))
    return Unmapped(what, name, missing) if missing else known
