"""One GET and its answer, by h11: which bytes to send, and the parts of what comes back. Sans-io.

What is asked, and what an answer means, is decided in `edge.drivers.mtconnect.parser`.
"""

import re
from dataclasses import dataclass

import h11

HEAD_BYTES_MOST = 65_536


@dataclass(frozen=True, slots=True)
class Head:
    """An answer has begun. `ends`: by a length or by chunks, so that its end is seen without the line being cut."""

    status: int
    multipart: bool
    encoded: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class End:
    """The answer is complete. `keeps`: the line may be asked again; `rest` came after it."""

    rest: bytes
    keeps: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """What came is not HTTP; `rest` is what was not looked at."""

    rest: bytes


Part = Head | bytes | End | Broken


class Exchange:
    """A question and its answer. `close`: the agent is asked to cut the line after it."""

    def __init__(self, target: str, host: str, *, close: bool = False) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MOST)
        headers = [
            ("Host", re.sub(r"[^A-Za-z0-9.:_-]", "-", host) or "localhost"),
            ("Accept", "text/xml, application/xml, multipart/x-mixed-replace"),
            ("User-Agent", "mawashi-edge"),
            *([("Connection", "close")] if close else []),
        ]
        request = h11.Request(method="GET", target=target, headers=headers)
        self.question = (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def feed(self, data: bytes) -> list[Part]:
        """Return the parts that these bytes complete; nothing follows an `End` or a `Broken`."""
        found: list[Part] = []
        if data:  # to h11 no bytes mean that the line was cut
            self._http.receive_data(data)
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                return [*found, Broken(self._http.trailing_data[0])]
            match event:
                case h11.Response():
                    found.append(_head(event))
                case h11.Data():
                    found.append(bytes(event.data))
                case h11.EndOfMessage():
                    keeps = self._http.their_state is h11.DONE
                    return [*found, End(self._http.trailing_data[0], keeps)]
                case h11.InformationalResponse():
                    pass
                case _:
                    return found


def _head(response: h11.Response) -> Head:
    said = {bytes(name): bytes(value).lower().strip() for name, value in response.headers}
    return Head(
        status=response.status_code,
        multipart=said.get(b"content-type", b"").startswith(b"multipart/"),
        encoded=said.get(b"content-encoding", b"identity") not in (b"", b"identity"),
        ends=b"content-length" in said or b"transfer-encoding" in said or response.status_code in (204, 304),
    )
