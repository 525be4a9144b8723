"""The gateway's own API: commands and web ask the appender, the ledger's only writer, over a Unix socket.

One request and one answer a connection, each a line of JSON. The socket is readable by its owner alone.
"""

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from broker.events import EVENT_LIMIT_BYTES, Model, sentence
from broker.messages import Range
from gateway.ledger.given import Appended, Minted, NumbersClosed, ReadAgain, Unless

LINE_BYTES = 16 * 1024 * 1024
"""A request or an answer; an import of 10,000 orders has about 10 MiB."""
_ANSWER_SECONDS = 20.0
_PATIENCE_SECONDS = 30.0
_SOCKET_PATH_BYTES = 107
"""unix(7): sun_path has 108 bytes with its terminating zero."""

T = TypeVar("T", bound=Model)
_Said = Annotated[str, Field(min_length=1, max_length=200)]
_CLOSED_AT_ONCE = 1000


class Append(Model):
    """Commit events of the gateway's own, all or none; not if somebody else wrote about the same thing meanwhile."""

    do: Literal["append"] = "append"
    events: Annotated[tuple[Annotated[str, Field(pattern=r"^[^\n]+$")], ...], Field(min_length=1)]
    unless: Unless | None = None


class Mint(Model):
    """Give out numbers and ticket ids."""

    do: Literal["mint"] = "mint"
    numbers: Annotated[int, Field(ge=0, le=10_000)] = 0
    tickets: Annotated[int, Field(ge=0, le=10_000)] = 0


class Discard(Model):
    """Drop the bytes of something set aside; who and why stay."""

    do: Literal["discard"] = "discard"
    id: int
    by: _Said
    why: _Said


class Again(Model):
    """Try something set aside again, with what this version understands."""

    do: Literal["again"] = "again"
    id: int
    by: _Said


class Close(Model):
    """Close numbers that nobody can send any more; who and why stay."""

    do: Literal["close"] = "close"
    author: str
    epoch: str
    ranges: Annotated[tuple[Range, ...], Field(min_length=1, max_length=_CLOSED_AT_ONCE)]
    by: _Said
    why: _Said


class Done(Model):
    """The answer to a discard: whether there was something to drop."""

    done: bool


class Refused(Model):
    """The answer to a request that was not carried out; nothing was written."""

    error: str
    changed: bool = False


Request = Append | Mint | Discard | Again | Close
Answer = Appended | Minted | Done | ReadAgain | NumbersClosed
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="do")])


class GatewayAway(Exception):  # noqa: N818 - what is the case, as the floor would say it
    """The appender did not carry out a request; the message is a sentence that says what to do."""


class ChangedMeanwhile(GatewayAway):
    """Somebody else wrote about the same thing since it was looked at; nothing was written."""


CHANGED_MEANWHILE = (
    "この受注は、その間にほかの人が変えました。いまの内容を見て、もう一度入れてください / "
    "Somebody else has changed this order meanwhile. See how it stands now, then enter it again"
)
_SEE_FIRST = "記録されたかもしれません。いまの内容を見てから、もう一度入れてください"
_SEE_FIRST_EN = "It may have been recorded: see how things stand, then ask again"
_BUSY = (
    "共有サーバーがいま記録を書けません。何も記録していません。少し待って、もう一度入れてください / "
    "The records cannot be written just now. Nothing was recorded; wait a moment and try again"
)


class Api:
    """A client of the gateway's API. May be used by several threads; each call has its own connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def connect(cls, path: Path) -> "Api":
        """Return a client for the socket at `path`. Raises GatewayAway if nobody answers there."""
        api = cls(path)
        api._open().close()
        return api

    def append(self, events: Sequence[bytes], *, unless: Unless | None = None) -> Appended:
        """Commit events, encoded by `broker.events.encode`, all or none. Raises GatewayAway, or ChangedMeanwhile."""
        return self._ask(Append(events=tuple(event.decode() for event in events), unless=unless), Appended)

    def mint(self, numbers: int = 0, tickets: int = 0) -> Minted:
        """Return 共通番号 and ticket ids that nobody has been given. Raises GatewayAway."""
        return self._ask(Mint(numbers=numbers, tickets=tickets), Minted)

    def discard(self, number: int, *, by: str, why: str) -> bool:
        """Drop something set aside; False if there is no such thing, or it was dropped before. Raises GatewayAway."""
        return self._ask(Discard(id=number, by=by, why=why), Done).done

    def read_again(self, number: int, *, by: str) -> ReadAgain:
        """Try something set aside again; what is understood is committed. Raises GatewayAway."""
        return self._ask(Again(id=number, by=by), ReadAgain)

    def close(self, author: str, epoch: str, ranges: Sequence[Range], *, by: str, why: str) -> NumbersClosed:
        """Close numbers that nobody can send any more, and return which were. Raises GatewayAway."""
        return self._ask(Close(author=author, epoch=epoch, ranges=tuple(ranges), by=by, why=why), NumbersClosed)

    def _open(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(_PATIENCE_SECONDS)
        try:
            client.connect(str(self._path))
        except OSError as error:
            client.close()
            raise GatewayAway(
                f"共有サーバーが動いていません。mawashi gateway を起動してください / The gateway does not answer at "
                f"{self._path} ({error.strerror or error}). Start it: mawashi gateway"
            ) from None
        return client

    def _ask(self, request: Request, answer: type[T]) -> T:
        line = request.model_dump_json().encode() + b"\n"
        if len(line) > LINE_BYTES:
            raise GatewayAway(
                f"一度に送れるのは{LINE_BYTES:,}バイトまでで、{len(line):,}バイトあります。何も記録していません。"
                f"いくつかに分けてください / The request has {len(line):,} bytes, the limit is {LINE_BYTES:,}. Nothing "
                "was recorded. Split it"
            )
        with self._open() as client:
            try:
                client.sendall(line)
                with client.makefile("rb") as file:
                    text = file.readline(LINE_BYTES + 1)
            except OSError as error:
                raise GatewayAway(
                    f"頼んでいる間に共有サーバーとのつながりが切れました（{error}）。{_SEE_FIRST} / "
                    f"The gateway went away while it was asked ({error}). {_SEE_FIRST_EN}"
                ) from None
        return _read(text, answer)


def _read(text: bytes, answer: type[T]) -> T:
    with contextlib.suppress(ValidationError):
        refused = Refused.model_validate_json(text)
        raise (ChangedMeanwhile if refused.changed else GatewayAway)(refused.error)
    try:
        return answer.model_validate_json(text)
    except ValidationError:
        raise GatewayAway(
            f"共有サーバーが答える前に終わりました。{_SEE_FIRST} / "
            f"The gateway ended before it answered. {_SEE_FIRST_EN}"
        ) from None


Serve = Callable[[Request], "Future[Answer]"]


class ApiServer:
    """Listens on the socket in threads of its own; `serve` has each request carried out in the writer's thread."""

    def __init__(self, path: Path, serve: Serve) -> None:
        """Begin to listen. Raises OSError if the path is too long or cannot be made."""
        if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
            raise OSError(f"{path} is longer than {_SOCKET_PATH_BYTES} bytes: choose a shorter data_dir")
        path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = _Server(str(path), serve)
        finally:
            os.umask(mask)
        self._thread = threading.Thread(target=self._server.serve_forever, name="api", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, path: str, serve: Serve) -> None:
        self.serve = serve
        super().__init__(path, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    timeout = _PATIENCE_SECONDS
    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client went away; what was done, was done
            if line := self.rfile.readline(LINE_BYTES + 1):
                self.wfile.write(self._answer(line).model_dump_json().encode() + b"\n")

    def _answer(self, line: bytes) -> Model:
        if not line.endswith(b"\n"):
            return Refused(error=f"A request is one line of at most {LINE_BYTES} bytes.")
        try:
            request = _REQUEST.validate_json(line)
        except ValidationError as error:
            return Refused(error=f"This is no request: {sentence(error)}")
        if isinstance(request, Append) and any(len(one.encode()) > EVENT_LIMIT_BYTES for one in request.events):
            return Refused(error=f"An event is longer than {EVENT_LIMIT_BYTES} bytes.")
        future = self.server.serve(request)
        if not wait([future], timeout=_ANSWER_SECONDS).done and future.cancel():
            return Refused(error=_BUSY)
        try:
            return future.result()  # it is done, or it has begun and will end
        except GatewayAway as error:
            return Refused(error=str(error), changed=isinstance(error, ChangedMeanwhile))
