"""What an OTLP answer says was rejected, read without the generated classes, which take long to import.

``opentelemetry/proto/collector/trace/v1/trace_service.proto``: field 1 of the answer is ``partial_success``, field 1 of
that the number of rejected spans.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _LENGTH_DELIMITED = 0, 2
_KIND, _LOW_BITS, _MORE = 0x7, 0x7F, 0x80


def rejected_spans(answer: bytes) -> int:
    """Return the number of rejected spans; 0 where the answer says nothing of it.

    Raises:
        IndexError: the answer breaks off.
    """
    partial = next((value for number, value in _fields(answer) if number == 1 and isinstance(value, bytes)), b"")
    return next((value for number, value in _fields(partial) if number == 1 and isinstance(value, int)), 0)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield numbers and values of fields, up to one of a kind that these messages have none of."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if tag & _KIND == _LENGTH_DELIMITED:
            yield tag >> 3, data[at : at + value]
            at += value
        elif tag & _KIND == _VARINT:
            yield tag >> 3, value
        else:
            return


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & _LOW_BITS) << shift, shift + 7, at + 1
        if byte < _MORE:
            return value, at
