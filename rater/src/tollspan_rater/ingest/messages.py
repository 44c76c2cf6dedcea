"""OTLP trace messages with their inner messages left as bytes, so that only what is read is ever built.

Field numbers are those of opentelemetry-proto (trace/v1, common/v1, resource/v1). Text is declared as bytes
too: broken UTF-8 in an attribute that nobody reads then costs nothing. Events and links are not declared.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "tollspan.lazy"
_TYPES = {
    "bytes": _Field.TYPE_BYTES,
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "uint32": _Field.TYPE_UINT32,
    "fixed64": _Field.TYPE_FIXED64,
    "double": _Field.TYPE_DOUBLE,
}

# message -> (field, number, type); "*" repeats, "|" is a member of the message's one-of, other names are messages
_SCHEMA: dict[str, tuple[tuple[str, int, str], ...]] = {
    "Status": (("code", 3, "int32"),),
    "Span": (
        ("trace_id", 1, "bytes"),
        ("span_id", 2, "bytes"),
        ("parent_span_id", 4, "bytes"),
        ("name", 5, "bytes"),
        ("kind", 6, "int32"),
        ("start", 7, "fixed64"),
        ("end", 8, "fixed64"),
        ("attributes", 9, "bytes*"),
        ("dropped_attributes", 10, "uint32"),
        ("status", 15, "Status"),
    ),
    "Resource": (("attributes", 1, "bytes*"),),
    "Scope": (("name", 1, "bytes"), ("version", 2, "bytes")),
    "AnyValue": (
        ("text", 1, "bytes|"),
        ("flag", 2, "bool|"),
        ("integer", 3, "int64|"),
        ("number", 4, "double|"),
        ("array", 5, "bytes|"),
        ("map", 6, "bytes|"),
        ("binary", 7, "bytes|"),
    ),
    "KeyValue": (("key", 1, "bytes"), ("value", 2, "AnyValue")),
    "Values": (("values", 1, "bytes*"),),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="tollspan/lazy.proto", package=_PACKAGE, syntax="proto3")
    for message_name, rows in _SCHEMA.items():
        message = file.message_type.add(name=message_name)
        if any(kind.endswith("|") for _, _, kind in rows):
            message.oneof_decl.add(name="value")
        for name, number, kind in rows:
            field = message.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
            bare = kind.rstrip("*|")
            if kind.endswith("*"):
                field.label = _Field.LABEL_REPEATED
            elif kind.endswith("|"):
                field.oneof_index = 0
            if bare in _TYPES:
                field.type = _TYPES[bare]
            else:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{bare}"
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(_file().SerializeToString())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


SpanMessage: Final[Any] = _message("Span")
ResourceMessage: Final[Any] = _message("Resource")
ScopeMessage: Final[Any] = _message("Scope")
AnyValueMessage: Final[Any] = _message("AnyValue")
KeyValueMessage: Final[Any] = _message("KeyValue")
ValuesMessage: Final[Any] = _message("Values")  # an ArrayValue of AnyValues, or a KeyValueList of KeyValues
