"""Questions that one page asks: all as of one journal position, each as far as the reader may ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tollspan_rater.api.access import Denied, allowed_params, visible
from tollspan_rater.domain.identity import Identity
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question
from tollspan_rater.query.rater import RaterDoor


@dataclass(frozen=True, slots=True)
class Reply:
    """What the reader may see of an answer, and how to go on from it.

    ``bill`` is the frame of the first bill in it (period, zone, from, to, state), ``cursor`` where the rest begins.
    """

    answer: Answer
    bill: Mapping[str, str] = field(default_factory=dict)
    cursor: str | None = None


class Asking:
    """Asks for one page; the first answer fixes the position of those that follow."""

    def __init__(self, rater: RaterDoor, identity: Identity, as_of: str | None) -> None:
        self._rater, self.identity, self._as_of = rater, identity, as_of
        self.kept = as_of  # the moment that the reader asked for; links carry it on
        self.position: int | None = None
        self.zone = "UTC"

    def ask(self, name: str, **params: str | None) -> Answer:
        """Answer a question with what the reader may see of it; parameters that are None are left out.

        Raises:
            Denied: the reader may not ask it.
            TollspanError: it cannot be answered.
        """
        return self.told(name, **params).answer

    def told(self, name: str, **params: str | None) -> Reply:
        """Answer as ``ask`` does, with what is needed to go on."""
        asked = question(name)
        given = {key.rstrip("_"): [value] for key, value in params.items() if value is not None}
        timed = self._as_of is not None and any(param.name == "as_of" for param in asked.params)
        if timed:
            given["as_of"] = [str(self._as_of)]
        allowed = allowed_params(self.identity, asked, given)
        whole = self._rater.ask(name, asked.read(allowed), tenant=self.identity.tenant)
        if timed:  # its last note says the position, as the page does once for all its parts
            whole = replace(whole, notes=whole.notes[:-1])
        if self.position is None:
            self.position, self.zone = whole.as_of, whole.zone
            self._as_of = str(whole.as_of)
        bill = next((one for one in whole.details.values() if isinstance(one, Mapping)), {})
        cursor = whole.details.get("cursor")
        return Reply(
            visible(self.identity, asked, whole),
            {key: str(bill[key]) for key in ("period", "zone", "from", "to", "state") if key in bill},
            None if cursor is None else str(cursor),
        )

    def may(self, name: str) -> bool:
        """Tell whether the reader may ask a question at all."""
        try:
            allowed_params(self.identity, question(name), {})
        except Denied:
            return False
        return True
