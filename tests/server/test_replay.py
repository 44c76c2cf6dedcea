"""A quarantined piece of every kind, read again: the call is there and every equation holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.conftest import DAY, SECOND, T0, Bench, call
from tollspan_rater.domain.entries import NewCommand
from tollspan_rater.errors import NotFoundError
from tollspan_rater.ingest import decode
from tollspan_rater.ingest.limits import Limits
from tollspan_rater.pipeline import reading
from tollspan_rater.server import meaning

Break = Callable[[pytest.MonkeyPatch], None]


def _fewer_attributes(patch: pytest.MonkeyPatch) -> None:
    few = Limits(attributes=4)

    def decode_few(batch: Any, **_further: Any) -> Any:
        return decode.decode(batch, few)

    patch.setattr(meaning, "decode", decode_few)


def _raising(where: Any, name: str) -> Break:
    def broken(patch: pytest.MonkeyPatch) -> None:
        def raises(*_: Any, **__: Any) -> Any:
            raise RuntimeError("a bug of this release")

        patch.setattr(where, name, raises)

    return broken


def _settle_raises(patch: pytest.MonkeyPatch) -> None:
    def settle(spans: Any) -> Any:
        if any(span.record_id == "r2" for span in spans):
            raise RuntimeError("a bug of this release")
        return real(spans)

    real = meaning.MEANING.settle
    patch.setattr(
        "tollspan_rater.server.rater.MEANING", meaning.Meaning(settle, meaning.link_ids, meaning.from_evidence)
    )


def _rejects(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(meaning, "extract", lambda _span: reading.Rejected("bad_usage", "not read by this release"))


def as_json(number: int) -> bytes:
    attributes = {
        one.key: {"intValue": one.value.int_value} if one.value.int_value else {"stringValue": one.value.string_value}
        for one in call(number).resource_spans[0].scope_spans[0].spans[0].attributes
    }
    span = {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "startTimeUnixNano": str(T0),
        "endTimeUnixNano": str(T0 + SECOND), "kind": 3, "name": "chat",
        "attributes": [{"key": key, "value": value} for key, value in attributes.items()],
    }  # fmt: skip
    scoped = {"scope": {"name": "tollspan"}, "spans": [span]}
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [scoped]}]}).encode()


CASES: dict[str, tuple[Break, str, str]] = {
    "undecodable": (_fewer_attributes, "too_many_attributes", "otlp-proto"),
    "undecodable JSON": (_fewer_attributes, "too_many_attributes", "otlp-json"),
    "rejected": (_rejects, "bad_usage", "otlp-proto"),
    "a fault in extraction": (_raising(meaning, "extract"), "fault", "otlp-proto"),
    "a fault in settlement": (_settle_raises, "fault", "otlp-proto"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_better_release_reads_is_there_after_a_replay(case: str, bench: Bench) -> None:
    broken, reason, encoding = CASES[case]
    with pytest.MonkeyPatch.context() as patch:
        broken(patch)
        bench.rater  # noqa: B018 - opened with the broken release
        bench.send(call(2) if encoding == "otlp-proto" else as_json(2), encoding)  # type: ignore[arg-type]
        listed = bench.ask("quarantine.list").rows
        assert [(row["id"], row["reason"]) for row in listed] == [("1:0", reason)]
        assert bench.execute("quarantine.replay", id="1:0").body == {"replayed": 1, "still_quarantined": 1}
        bench.close()
    assert bench.fates() == {"quarantined": 1}
    assert bench.execute("quarantine.replay", reason=reason).body == {"replayed": 1, "still_quarantined": 0}
    assert bench.fates() == {"stored": 1}
    assert bench.usage() == {"acme": (1, 102)}
    assert bench.ask("audit", full="true").ok
    bench.send(call(2))
    assert bench.fates() == {"duplicate": 1, "stored": 1}
    with pytest.raises(NotFoundError):
        bench.execute("quarantine.replay", id="1:0")


def test_a_span_of_the_future_is_read_when_its_time_has_come(bench: Bench) -> None:
    bench.send(call(2, start_ns=T0 + DAY))
    assert bench.fates() == {"quarantined": 1}
    assert bench.execute("quarantine.replay", reason="future").body["still_quarantined"] == 1
    bench.clock.set(T0 + DAY)
    receipt = bench.execute("quarantine.replay", reason="future")
    assert receipt.body["still_quarantined"] == 0
    assert bench.usage() == {"acme": (1, 102)}
    assert bench.ask("audit", full="true").ok
    legs = bench.rater.database.reader().execute("SELECT position FROM legs").fetchall()
    assert legs == [(receipt.position,)], "it counts from the replay on"
    assert bench.execute("rebuild").body["same"]


def test_what_still_cannot_be_read_stays_once(bench: Bench) -> None:
    damaged = call(2)
    damaged.resource_spans[0].scope_spans[0].spans[0].trace_id = b"short"
    bench.send(damaged)
    bench.send(b"\xff no request")
    for _ in range(2):
        assert bench.execute("quarantine.replay").body == {"replayed": 2, "still_quarantined": 2}
    assert bench.rater.database.reader().execute("SELECT count(*) FROM quarantine").fetchall() == [(2,)]
    assert bench.fates() == {"quarantined": 2}
    assert bench.ask("audit", full="true").ok


def test_a_corrected_copy_that_came_meanwhile_wins(bench: Bench) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _rejects(patch)
        bench.send(call(2))
        bench.close()
    bench.send(call(2, gen_ai__usage__output_tokens=11))
    bench.execute("quarantine.replay")
    assert bench.fates() == {"conflict": 1, "stored": 1}
    assert bench.ask("audit").ok


def test_a_piece_that_was_replayed_already_is_left_alone(bench: Bench) -> None:
    bench.send(call(2, start_ns=T0 + DAY))
    bench.clock.set(T0 + DAY)
    again = NewCommand(T0 + DAY, "default", "test", "quarantine.replay", {"pieces": ["1:0"]})
    bench.rater.append([again, again])
    assert bench.fates() == {"stored": 1}
    assert bench.ask("audit").ok


def test_an_unreadable_kept_piece_does_not_stop_the_rater(bench: Bench) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "set_aside", lambda span, why: reading.SetAside(
            why.reason, why.error, span.trace_id, span.span_id, "evidence", b'{"ro": "no such role", "start_ns": 1}'
        ))  # fmt: skip
        _rejects(patch)
        bench.send(call(2))
        bench.close()
    assert bench.execute("quarantine.replay").body["still_quarantined"] == 1
    bench.send(call(3))
    assert bench.usage() == {"acme": (1, 103)}


def test_many_bad_spans_do_not_multiply_a_large_resource(bench: Bench) -> None:
    request = call(2)
    request.resource_spans[0].resource.attributes.add(key="padding").value.string_value = "x" * 5_000
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = b"short"
    bench.send(request)
    ((size,),) = bench.rater.database.reader().execute("SELECT octet_length(raw) FROM quarantine").fetchall()
    assert size < 1_000
