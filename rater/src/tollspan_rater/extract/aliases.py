"""Whom a call was made for, in everyone's words: attribute names and what they say, in order of precedence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract.numbers import text, truth

ALIAS_PREFIX: Final = "alias."  # what a foreign name says stands below everything that tollspan's own names say
TAGS: Final = "tags."

# Foreign names per key, best first. A key of tollspan's own always stands above them.
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "customer": (
        "customer.id",
        "customer_id",
        "traceloop.association.properties.customer_id",
        "langfuse.trace.metadata.customer_id",
        "langfuse.observation.metadata.customer_id",
        "ai.telemetry.metadata.customerId",
        "ai.telemetry.metadata.customer_id",
        "tenant.id",
        "app.customer.id",
        "metadata.user_api_key_end_user_id",
    ),
    "user": (
        "user.id",
        "enduser.id",
        "langfuse.user.id",
        "traceloop.association.properties.user_id",
        "ai.telemetry.metadata.userId",
        "ai.telemetry.metadata.user_id",
        "session.user",
        "metadata.user_api_key_user_id",
    ),
    "organization": (
        "organization.id",
        "traceloop.association.properties.organization_id",
        "metadata.user_api_key_org_id",
    ),
    "project": ("project.id", "traceloop.association.properties.project_id", "metadata.user_api_key_project_id"),
    "workspace": (
        "workspace.id",
        "traceloop.association.properties.workspace_id",
        "metadata.user_api_key_team_id",
    ),
    "feature": ("feature.name", "traceloop.association.properties.feature", "ai.telemetry.functionId"),
    "feature_flag": ("feature_flag.key",),
    "workflow": ("gen_ai.workflow.name", "traceloop.workflow.name"),
    "run": ("traceloop.association.properties.run_id",),
    "prompt": ("gen_ai.prompt.name", "langfuse.observation.prompt.name", "traceloop.prompt.key"),
    "prompt_version": ("gen_ai.prompt.version", "langfuse.observation.prompt.version", "traceloop.prompt.version"),
    "environment": (
        "deployment.environment.name",
        "deployment.environment",
        "langfuse.environment",
        "traceloop.association.properties.environment",
    ),
    "region": ("cloud.region",),
    "agent": ("gen_ai.agent.name", "gen_ai.agent.id", "agent_name"),
    "subscription": (
        "subscription.id",
        "subscription_id",
        "plan.id",
        "plan.name",
        "traceloop.association.properties.subscription_id",
        "traceloop.association.properties.plan",
    ),
}

Place = tuple[str, int]


def _places() -> dict[str, Place]:
    own = {semconv.attribution_attribute(key): (key, 0) for key in semconv.ATTRIBUTION_KEYS}
    foreign = {name: (ALIAS_PREFIX + key, order) for key, names in ALIASES.items() for order, name in enumerate(names)}
    return own | foreign


PLACES: Final[Mapping[str, Place]] = _places()
"""Attribute name -> what it says and its order among the names that say the same."""


class Said:
    """Collects what the attributes of one span or resource say; the best name of a key wins on it."""

    __slots__ = ("_orders", "flags", "said", "tags")

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.tags: dict[str, AttributeValue] = {}
        self.flags: list[str] = []
        self._orders: dict[str, int] = {}

    def hear(self, place: Place, value: AttributeValue) -> None:
        """Take one attribution attribute in; blank values say nothing."""
        key, order = place
        if key in self.said and self._orders[key] <= order:
            return
        heard = text(value)
        if heard is None:
            return
        if key == "billable":
            known = truth(value)
            if known is None:
                self.flags.append("bad_billable")
                return
            heard = "true" if known else "false"
        self.said[key] = self._bounded(key, heard)
        self._orders[key] = order

    def finished(self) -> dict[str, str]:
        """Return what was said, own tags included: at most 16, the first by name."""
        if not self.tags:
            return self.said
        for name in sorted(self.tags)[: semconv.MAX_TAGS]:
            heard = text(self.tags[name])
            if heard is not None:
                self.said[TAGS + name] = self._bounded(TAGS + name, heard)
        if len(self.tags) > semconv.MAX_TAGS:
            self.flags.append("tags_dropped")
        return self.said

    def _bounded(self, key: str, value: str) -> str:
        if 4 * len(value) <= semconv.MAX_ATTRIBUTION_VALUE_BYTES:
            return value
        data = value.encode("utf-8", "surrogatepass")
        if len(data) <= semconv.MAX_ATTRIBUTION_VALUE_BYTES:
            return value
        self.flags.append(f"cut:{key}")
        return data[: semconv.MAX_ATTRIBUTION_VALUE_BYTES].decode("utf-8", "ignore")


def said_by(attributes: Mapping[str, AttributeValue]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read the attribution out of attributes (of a resource): what they say, and flags."""
    heard = Said()
    for key, value in attributes.items():
        place = PLACES.get(key)
        if place is not None:
            heard.hear(place, value)
        elif key.startswith(semconv.TAG_PREFIX):
            heard.tags[tag_name(key)] = value
    return heard.finished(), tuple(heard.flags)


@lru_cache(maxsize=4096)
def tag_name(key: str) -> str:
    """Return the name of a free dimension out of its attribute name."""
    return key.removeprefix(semconv.TAG_PREFIX)


USER_NAMES: Final[frozenset[str]] = frozenset(
    name for name, (slot, _) in PLACES.items() if slot in {"user", ALIAS_PREFIX + "user"}
)
"""The attributes that name a person; their values become subject ids before anything is stored."""
