"""The equations of corrections: between calls as their spans alone say and calls as they count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tollspan_rater.query.check import Check, values
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import plain

_SUMS: Final = "count(*), sum(input), sum(output), sum(quantity)"
_NAMES: Final = ("number", "input", "output", "unit measures")
_ALL: Final = "SELECT {sums} FROM {view} WHERE tenant = $tenant"
_VOID: Final = f"""
    SELECT {_SUMS} FROM uncorrected_calls ANTI JOIN calls USING (tenant, call_id) WHERE tenant = $tenant
"""  # noqa: S608 - our text
# Only an amendment may change quantities: what another correction changed of them is left over and breaks the equation.
_AMENDED: Final = """
    SELECT 0, sum(coalesce(was.input, 0) - coalesce(now.input, 0)),
           sum(coalesce(was.output, 0) - coalesce(now.output, 0)), sum(was.quantity - now.quantity)
    FROM uncorrected_calls AS was JOIN calls AS now USING (tenant, call_id)
    WHERE tenant = $tenant AND list_contains(now.flags, 'amended')
"""
_NAMED: Final = """
    WITH undone AS (SELECT undoes AS correction, call_id FROM corrections WHERE tenant = $tenant),
    held AS (
        SELECT DISTINCT correction, call_id, kind, meter, members
        FROM corrections ANTI JOIN undone USING (correction, call_id)
        WHERE tenant = $tenant AND kind <> 'restore'
    ),
    named AS (
        SELECT DISTINCT coalesce(meter, '') AS meter, kind = 'void' AS is_void,
               unnest(CASE kind WHEN 'amend' THEN members[1:1] ELSE members END)[1:32] AS trace_id
        FROM held
    ),
    member AS (
        SELECT was.call_id, coalesce(was.meter, '') AS meter, unnest(was.trace_ids) AS trace_id,
               now.call_id IS NULL AS is_void, list_has_any(now.flags, ['amended', 'reattributed']) AS says_so
        FROM uncorrected_calls AS was LEFT JOIN calls AS now USING (tenant, call_id)
        WHERE tenant = $tenant
    )
    SELECT (SELECT count(*) FROM uncorrected_calls WHERE tenant = $tenant),
           count(DISTINCT call_id), count(DISTINCT call_id) FILTER (WHERE is_void)
    FROM member JOIN named USING (meter, trace_id, is_void) WHERE is_void OR says_so
"""
_MADE: Final = """
    SELECT count(DISTINCT correction) FILTER (WHERE kind <> 'restore'),
           count(DISTINCT correction) FILTER (WHERE kind = 'restore') FROM corrections WHERE tenant = $tenant
"""


def of_corrections(scope: Scope) -> Iterator[Check]:
    """What calls are as their spans say is what counts, what is void, and what amendments took away."""
    tenant = scope.accounts.tenant
    settled, standing = (
        values(scope, _ALL.format(sums=_SUMS, view=view), tenant=tenant) for view in ("settled_calls", "calls")
    )
    void, amended = values(scope, _VOID, tenant=tenant), values(scope, _AMENDED, tenant=tenant)
    for at, name in enumerate(_NAMES):
        yield Check(
            f"calls as their spans say = calls + void + amended away ({name})",
            settled[at],
            standing[at] + void[at] + amended[at],
            f"void {plain(void[at])}, amended away {plain(amended[at])}",
        )
    corrected, named, voided = values(scope, _NAMED, tenant=tenant)
    made, taken_back = values(scope, _MADE, tenant=tenant)
    yield Check(
        "corrected calls = calls that a correction in force names",
        corrected,
        named,
        f"{voided} void, {named - voided} other; corrections made {made}, and {taken_back} that take some back",
    )
