"""MTConnect's times: what adapters and agents write for an instant."""

import re
from datetime import UTC, datetime, timedelta

NOW = datetime.min.replace(tzinfo=UTC)
"""Stands for a stamp that states no instant: empty (now), or milliseconds since the adapter's own beginning."""

_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?(?:@(?:\d+(?:\.\d*)?)?)?", re.ASCII
)
_RELATIVE = re.compile(r"\d+(?:\.\d+)?(?:@(?:\d+(?:\.\d*)?)?)?", re.ASCII)


def stamp_of(text: str) -> datetime | None:
    """Return a stamp's time, `NOW` if it states no instant, None if it is no time at all.

    Fractions of any length are cut to microseconds; without a zone it is UTC, as the standard says.
    """
    text = text.strip()
    if not text or text.startswith("@") or _RELATIVE.fullmatch(text):
        return NOW
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    seconds, fraction, zone = found.groups()
    try:
        at = datetime.fromisoformat(f"{seconds}{'' if zone in (None, 'Z') else zone}")
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at + timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
