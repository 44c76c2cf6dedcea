"""What an endpoint of the fake provider answers with, before it becomes bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tollspan_rater.demo.provider.bill import Counts

WORDS = ("Every ", "token ", "that ", "is ", "counted ", "once ", "is ", "paid ", "once.")
CREATED = 1_790_000_000  # a fixed time, so that answers are reproducible


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the endpoints see it: its JSON body, the ids and counts drawn for it, and a fault's name."""

    body: Mapping[str, Any]
    response_id: str
    counts: Counts
    fault: str

    @property
    def model(self) -> str:
        """The model that answers, which is the one asked for."""
        return str(self.body.get("model", ""))

    @property
    def tool(self) -> str | None:
        """The name of the first tool offered, which the answer then calls, unless its result is already there."""
        tools = self.body.get("tools")
        if not isinstance(tools, list) or not tools or self._has_result:
            return None
        return str(tools[0].get("name") or tools[0].get("function", {}).get("name"))

    @property
    def _has_result(self) -> bool:
        said = self.body.get("messages") or self.body.get("input")
        turns = [turn for turn in said if isinstance(turn, dict)] if isinstance(said, list) else []
        blocks = [block for turn in turns for block in turn.get("content") or () if isinstance(block, dict)]
        return any(
            item.get("role") == "tool" or item.get("type") in {"tool_result", "function_call_output"}
            for item in (*turns, *blocks)
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its data, and its name where the API names events."""

    data: Mapping[str, Any] | str
    name: str = ""
