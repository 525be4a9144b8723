"""Sparkplug B payloads: so much of protobuf as they need, read and never trusted; and the one that is ever written.

Source: Protocol Buffers, encoding (protobuf.dev); field numbers of sparkplug_b.proto in Sparkplug 3.0, 6.4.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

METRICS_MOST = 5_000
REBIRTH = "Node Control/Rebirth"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_BOOLEAN = 11
_KEY_BYTES_MOST = 5
"""A key has 32 bits; protobuf's own libraries refuse a longer one, whatever is in it."""
_WIDTH = {1: 8, 2: 16, 3: 32, 4: 64}
"""Bits of the signed datatypes Int8 to Int64, which stand in unsigned fields. Source: Sparkplug 3.0, 6.4.16."""

Value = int | float | bool | str


@dataclass(slots=True)
class Metric:
    """One metric. In births it has name and datatype, later perhaps only its alias; no scalar is no `value`."""

    name: str = ""
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int = 0
    historical: bool = False
    null: bool = False
    value: Value | None = None


@dataclass(slots=True)
class Payload:
    """One message's content."""

    timestamp_ms: int | None = None
    seq: int | None = None
    metrics: list[Metric] = field(default_factory=list)

    def named(self, name: str) -> Metric | None:
        """Return a metric by its name."""
        return next((one for one in self.metrics if one.name == name), None)


def payload_of(data: bytes) -> Payload:
    """Read a payload. Raises ValueError for what is no protobuf; fields nobody knows are passed over, as it demands."""
    found = Payload()
    for number, kind, value in _fields(data):
        match number, kind, value:
            case 1, 0, int():
                found.timestamp_ms = value
            case 2, 2, bytes():
                found.metrics.append(_metric(value))
                if len(found.metrics) > METRICS_MOST:
                    raise ValueError("too many metrics")
            case 3, 0, int():
                found.seq = value
    return found


def signed(value: Value | None, datatype: int) -> Value | None:
    """Return a value with its sign: Int8 to Int64 are carried as unsigned numbers.

    >>> [signed(0xFB, 1), signed(0xFFFFFFFB, 1), signed(5, 7)]
    [-5, -5, 5]
    """
    width = _WIDTH.get(datatype)
    if width is None or isinstance(value, bool) or not isinstance(value, int):
        return value
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


def rebirth(timestamp_ms: int) -> bytes:
    """Return the payload that asks an edge node to say everything anew: a timestamp, one metric, no seq.

    Source: Sparkplug 3.0, 6.4.21 (NCMD).
    """
    name = REBIRTH.encode()
    metric = _key(1, _BYTES) + _varint(len(name)) + name
    metric += _key(4, _VARINT) + _varint(_BOOLEAN) + _key(14, _VARINT) + _varint(1)
    return _key(1, _VARINT) + _varint(timestamp_ms) + _key(2, _BYTES) + _varint(len(metric)) + metric


def _metric(data: bytes) -> Metric:
    found = Metric()
    for number, kind, value in _fields(data):
        match number, kind, value:
            case 1, 2, bytes():
                found.name = value.decode("utf-8")
            case 2, 0, int():
                found.alias = value
            case 3, 0, int():
                found.timestamp_ms = value
            case 4, 0, int():
                found.datatype = value & 0xFFFFFFFF
            case 5, 0, int():
                found.historical = bool(value)
            case 7, 0, int():
                found.null = bool(value)
            case 10, 0, int():
                found.value = value & 0xFFFFFFFF
            case 11, 0, int():
                found.value = value
            case 12, 5, bytes():
                found.value = struct.unpack("<f", value)[0]
            case 13, 1, bytes():
                found.value = struct.unpack("<d", value)[0]
            case 14, 0, int():
                found.value = bool(value)
            case 15, 2, bytes():
                found.value = value.decode("utf-8")
            case 16 | 17 | 18 | 19, 2, bytes():
                found.value = None
    return found


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield number, wire type and value of each field. Raises ValueError; groups, long out of use, are an error."""
    at = 0
    while at < len(data):
        began = at
        key, at = _read_varint(data, at)
        if at - began > _KEY_BYTES_MOST:
            raise ValueError("a key is too long")
        number, kind = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise ValueError("no field has this number")
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield number, kind, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("no such wire type")
        if at + size > len(data):
            raise ValueError("cut short")
        yield number, kind, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError("a number without end")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)
