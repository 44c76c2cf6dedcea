"""tollspan's own spans: the wire contract of ``tollspan.semconv``."""

from __future__ import annotations

from typing import Final

from tollspan import event_fields, semconv
from tollspan_rater.extract.dialects.semconv import KEYS, ROLES
from tollspan_rater.extract.dialects.table import OWN, OWN_RAW, Dialect, RawUsage, merged

OWN_SPANS: Final = Dialect(
    name="tollspan",
    version=1,
    rank=OWN,
    raw_rank=OWN_RAW,
    source="this repository: docs/reference/wire-contract.md",
    traps=("a retrieve of a stored response repeats the usage of the call that made it",),
    scopes=(semconv.SCOPE_NAME,),
    keys=merged(
        {
            "outcome": (semconv.OUTCOME,),
            "quality": (semconv.QUALITY,),
            "record_id": (semconv.RECORD_ID,),
            "process_id": (semconv.PROCESS_ID,),
            "seq": (semconv.SEQ,),
            "attempt": (semconv.ATTEMPT,),
            "retry_of": (semconv.RETRY_OF,),
            "usage_api": (semconv.USAGE_API,),
            "meter": (semconv.METER,),
            "quantity": (semconv.QUANTITY,),
            "trace_sampled": (semconv.TRACE_SAMPLED,),
        },
        KEYS,
    ),
    roles=ROLES,
    raw=(RawUsage(semconv.USAGE_RAW),),
    zero_is_unknown=False,
    attributes_fill_raw=True,
    kept_prefixes=("tollspan.",),
)

EVENTS: Final = Dialect(
    name="tollspan.events",
    version=1,
    rank=OWN,
    source="this repository: docs/reference/events.md",
    traps=("tokens without a split are of neither direction, so that they have a price only where both cost the same",),
    scopes=(event_fields.SCOPE_NAME,),
    keys=merged(
        {
            "outcome": (semconv.OUTCOME,),
            "record_id": (semconv.RECORD_ID,),
            "attempt": (semconv.ATTEMPT,),
            "retry_of": (semconv.RETRY_OF,),
            "meter": (semconv.METER,),
            "quantity": (semconv.QUANTITY,),
            "unit.tokens": (event_fields.UNSPLIT_TOKENS,),
            "cost": (event_fields.COST_USD,),
        },
        KEYS,
    ),
    roles=ROLES,
    zero_is_unknown=False,
    currency="USD",
    kept_prefixes=("tollspan.",),
)
