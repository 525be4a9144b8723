"""What stands in a payload: a value of its JSON, or all of it. Of any bytes; nothing is raised but ValueError."""

import json

from edge.drivers.values import Scalar

_TEXT_MOST = 500


class Payload:
    """One payload, read as JSON at most once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._json: object = None
        self._read = False

    def at(self, path: str) -> Scalar | None:
        """Return what stands at a path such as `ENERGY.Power` or `meters.0.power`; None if nothing does.

        An empty path is the whole payload. Raises ValueError if it is not text, or with a path not JSON.

        >>> Payload(b'{"meters": [{"power": 12.5}]}').at("meters.0.power")
        12.5
        """
        if not path:
            return self._whole()
        if not self._read:
            self._json, self._read = _json(self._data), True
        found = self._json
        for key in path.split("."):
            match found:
                case dict():
                    found = found.get(key)
                case list() if key.isdecimal() and key.isascii() and len(key) < 5 and int(key) < len(found):
                    found = found[int(key)]
                case _:
                    return None
        return found[:_TEXT_MOST] if isinstance(found, str) else found if isinstance(found, int | float) else None

    def at_or_whole(self, path: str) -> Scalar | None:
        """Return what stands at a path, or the whole payload where it is no JSON: one firmware says it either way."""
        try:
            value = self.at(path)
        except ValueError:
            value = None
        return self._whole() if value is None else value

    def _whole(self) -> Scalar | None:
        text = self._data.decode("utf-8").strip("\x00\r\n\t ")
        if text.startswith('"'):
            quoted = _json(text.encode())
            text = quoted if isinstance(quoted, str) else text
        return text[:_TEXT_MOST] or None


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
