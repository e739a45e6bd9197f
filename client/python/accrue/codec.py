"""Messages to frames and back: one MessagePack array [protocol version, message type, fields in fixed order].

A message is a dataclass with a TYPE, a part of one a dataclass without; its annotations, in order, are its fields, and
drive both directions. One that has had fields added at its end says by FIELDS_AT_FIRST how many it began with: a writer
leaves out, from the end, those that have their default, and a reader fills them in.

Answers to queries (results.py) are values for users: the number of the request, which stands before their fields on
the wire, is not among them.

Functions may be called from any thread. Errors: Unreadable.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

PROTOCOL_VERSION = 1

U32 = Annotated[int, 2**32 - 1]  # an integer, and the largest it can be
_MAX_U64 = 2**64 - 1

Float64s = NDArray[np.float64]  # a bin of little-endian numbers
Points = Annotated[NDArray[np.float64], "points"]  # of a History: an array of rows of numbers; nil is NaN
_INTEGERS = 3  # of a point, which come first


class Unreadable(Exception):
    """A frame is not a message that this client knows."""


class Codec(NamedTuple):
    put: Callable[[Any], Any]  # what MessagePack writes of a value
    get: Callable[[Any], Any]  # the value of what MessagePack has read; raises _Wrong


class _Wrong(Exception):
    pass


_messages: dict[int, type] = {}
_answers: dict[int, type] = {}


def message(cls: type) -> type:
    """Lets decode() read a dataclass."""
    _messages[cls.TYPE] = cls  # type: ignore[attr-defined]
    return cls


def answer(cls: type) -> type:
    """Lets decode_answer() read a dataclass."""
    _answers[cls.TYPE] = cls  # type: ignore[attr-defined]
    return cls


def encode(value: Any, *, request: int | None = None) -> bytes:
    """The frame of a message; of an answer, with the number of the request that it answers."""
    head = [PROTOCOL_VERSION, value.TYPE] if request is None else [PROTOCOL_VERSION, value.TYPE, request]
    frame: bytes = msgpack.packb(head + _part(type(value)).put(value))
    return frame


def encode_fields(value: Any, begin: int) -> tuple[int, bytes]:
    """How many fields a message is written with, and the bytes of those from `begin` on."""
    fields = _part(type(value)).put(value)
    return len(fields), b"".join(map(msgpack.packb, fields[begin:]))


def decode(frame: bytes) -> Any:
    """The message of a frame."""
    items = _parse(frame)
    return _read(_messages, items[1], items[2:])


def decode_answer(frame: bytes) -> tuple[int, Any]:
    """The number of the request that a frame answers, and the answer: one of results.py, or an error."""
    items = _parse(frame)
    if items[1] in _messages:
        said = decode(frame)
        return getattr(said, "request", 0), said
    if len(items) < 3 or type(items[2]) is not int:
        raise Unreadable(_WRONG_FIELDS)
    return items[2], _read(_answers, items[1], items[3:])


_WRONG_FIELDS = "a wrong number of fields, or one of the wrong type or range"


def _parse(frame: bytes) -> list[Any]:
    try:
        # A name that somebody has cut in the middle of a letter is no reason not to read the message.
        items = msgpack.unpackb(frame, unicode_errors="backslashreplace", strict_map_key=False)
    except (ValueError, msgpack.UnpackException):
        raise Unreadable("not a well-formed MessagePack value") from None
    if type(items) is not list or len(items) < 2 or {type(items[0]), type(items[1])} != {int}:
        raise Unreadable("not an array that begins with a protocol version and a message type")
    if items[0] != PROTOCOL_VERSION:
        raise Unreadable("a protocol version this build does not speak")
    return items


def _read(known: dict[int, type], number: int, fields: list[Any]) -> Any:
    if number not in known:
        raise Unreadable(f"message type {number}")
    try:
        return _part(known[number]).get(fields)
    except _Wrong:
        raise Unreadable(_WRONG_FIELDS) from None


def _part(cls: Any) -> Codec:
    """Of a dataclass."""
    codec = _parts.get(cls)
    if not codec:
        codec = _parts[cls] = _make_part(cls)
    return codec


_parts: dict[Any, Codec] = {}


def _make_part(cls: Any) -> Codec:
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = dataclasses.fields(cls)
    names = [field.name for field in fields]
    codecs = [_codec(hints[name]) for name in names]
    fewest = getattr(cls, "FIELDS_AT_FIRST", len(fields))
    defaults = [
        field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        for field in fields
    ]

    def put(value: Any) -> list[Any]:
        values = [getattr(value, name) for name in names]
        count = len(values)
        while count > fewest and _same(values[count - 1], defaults[count - 1]):
            count -= 1
        return [codec.put(each) for codec, each in zip(codecs, values[:count], strict=False)]

    def get(items: Any) -> Any:
        if type(items) is not list or not fewest <= len(items) <= len(names):
            raise _Wrong
        return cls(**{name: codec.get(item) for name, codec, item in zip(names, codecs, items, strict=False)})

    return Codec(put, get)


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, np.ndarray):
        return np.array_equal(value, default)
    return bool(value == default)


def _codec(hint: Any) -> Codec:
    simple = _SIMPLE.get(hint)
    if simple:
        return simple
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _integer(arguments[1])
    if origin in (typing.Union, types.UnionType):
        return _optional(_codec(arguments[0]))
    if origin is list:
        return _list(_codec(arguments[0]))
    if isinstance(hint, type) and issubclass(hint, enum.IntEnum):
        return _enum(hint)
    return _part(hint)


def _of_type(kind: type, put: Callable[[Any], Any] = lambda value: value) -> Codec:
    def get(item: Any) -> Any:
        if type(item) is not kind:  # noqa: E721
            raise _Wrong
        return item

    return Codec(put, get)


def _integer(most: int) -> Codec:
    def get(item: Any) -> int:
        if type(item) is not int or not 0 <= item <= most:
            raise _Wrong
        return item

    return Codec(int, get)


def _get_number(item: Any) -> float:
    if type(item) is not float and type(item) is not int:
        raise _Wrong
    return float(item)


def _optional(codec: Codec) -> Codec:
    return Codec(
        lambda value: None if value is None else codec.put(value),
        lambda item: None if item is None else codec.get(item),
    )


def _list(codec: Codec) -> Codec:
    def get(items: Any) -> list[Any]:
        if type(items) is not list:
            raise _Wrong
        return list(map(codec.get, items))

    return Codec(lambda values: list(map(codec.put, values)), get)


def _enum(kind: type[enum.IntEnum]) -> Codec:
    def get(item: Any) -> enum.IntEnum:
        try:
            return kind(_SIMPLE[int].get(item))
        except ValueError:
            raise _Wrong from None

    return Codec(int, get)


def _get_numbers(item: Any) -> Float64s:
    if type(item) is not bytes or len(item) % 8:
        raise _Wrong
    return np.frombuffer(item, "<f8").copy()  # which can be written to


def _get_pairs(items: Any) -> dict[str, str]:
    pairs = _codec(list[list[str]]).get(items)
    if any(len(pair) != 2 for pair in pairs):
        raise _Wrong
    return dict(pairs)


def _put_points(points: NDArray[np.float64]) -> list[list[float | None]]:
    return [
        [*map(int, row[:_INTEGERS]), *(None if number != number else number for number in row[_INTEGERS:])]
        for row in points.tolist()
    ]


def _get_points(items: Any) -> NDArray[np.float64]:
    try:
        points = np.array(_SIMPLE[list].get(items), np.float64)
    except (TypeError, ValueError):
        raise _Wrong from None
    if points.size and points.ndim != 2:
        raise _Wrong
    return points


_SIMPLE: dict[Any, Codec] = {
    bool: _of_type(bool, bool),
    int: _integer(_MAX_U64),
    float: Codec(float, _get_number),
    str: _of_type(str),
    bytes: _of_type(bytes),
    list: _of_type(list),
    Float64s: Codec(lambda numbers: np.asarray(numbers, "<f8").tobytes(), _get_numbers),
    Points: Codec(_put_points, _get_points),
    dict[str, str]: Codec(lambda pairs: [list(pair) for pair in pairs.items()], _get_pairs),
}
