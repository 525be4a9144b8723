"""InfluxDB's line protocol: a fact as one line. Source: InfluxDB 1.6, "Line protocol reference"."""

import json
from functools import lru_cache

from gateway.state import Point

_CONTROL = dict.fromkeys((*range(32), 127), " ")


def line(point: Point) -> str:
    r"""Return a fact as one line, without its end.

    >>> line(Point("grinding", "order", '[["order", "44 71"]]', 5, '{"part": "a \\"b\\"", "percent": 40}', False, 1))
    'order,order=44\\ 71 part="a \\"b\\"",percent=40i 5'
    """
    fields = json.loads(point.fields)
    if point.void:
        fields["void"] = 1
    text = ",".join([f"{name}={_field(value)}" for name, value in fields.items()])
    return f"{series(point.measurement, point.tags)} {text} {point.at_ns}"


@lru_cache(maxsize=10_000)
def series(measurement: str, tags: str) -> str:
    """Return measurement and tags, escaped; `tags` is JSON as in the state."""
    return ",".join([measurement, *(f"{name}={_tag(value)}" for name, value in json.loads(tags))])


def _tag(text: str) -> str:
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _field(value: str | float) -> str:
    if isinstance(value, str):
        clean = value.translate(_CONTROL).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{clean}"'
    return f"{value}i" if isinstance(value, int) else repr(value)
