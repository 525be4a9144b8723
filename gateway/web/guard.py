"""What stands before every page: only this machine's names as Host, bounded addresses, strict headers.

And before what changes something: that it comes from a page of ours and is of a bounded length.
"""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUERY_BYTES = 4096
PATH_CHARACTERS = 256
BODY_BYTES = 5 * 1024 * 1024
"""The largest file the office may send, and the form around it."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

_WRONG_HOST = "このアドレスでは開けません。127.0.0.1 で開いてください。 / Not by this address. Open it as 127.0.0.1.\n"
_ELSEWHERE = (
    "ほかのページからは登録できません。このアドレスの画面を開いてやり直してください。 / "
    "Not from another site. Open the page at this address and try again.\n"
)
_NO_LENGTH = "長さの書かれていない送信は受け付けません。 / What is sent must state its length.\n"
_TOO_LARGE = "送られたものが大きすぎます。ファイルを分けてください。 / What was sent is too large. Divide the file.\n"
_READS = ("GET", "HEAD")
_TOO_LONG = (
    "アドレスが長すぎます。番号でさがしてください。 / The address is too long. Look for an order by its number.\n"
)


class Guard:
    """ASGI middleware. A page that needs another policy (a printed ticket's inline SVG) sets its own header."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what nobody asks honestly: a foreign Host is another site's script in our browser (DNS rebinding)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer: ASGIApp = self._app
        headers = Headers(scope=scope)
        if host_name(headers.get("host", "")) not in self._hosts:
            answer = PlainTextResponse(_WRONG_HOST, status_code=421)
        elif scope["method"] not in _READS and (refusal := _refusal(headers)):
            answer = refusal
        elif len(scope["query_string"]) > QUERY_BYTES or len(scope["path"]) > PATH_CHARACTERS:
            answer = PlainTextResponse(_TOO_LONG, status_code=414)
        await answer(scope, receive, guarded)


def _refusal(headers: Headers) -> PlainTextResponse | None:
    """Return why something that would change anything is refused; None if it may pass."""
    if not from_here(headers):
        return PlainTextResponse(_ELSEWHERE, status_code=403)
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        return PlainTextResponse(_NO_LENGTH, status_code=411)
    if len(length) > 12 or int(length) > BODY_BYTES:
        return PlainTextResponse(_TOO_LARGE, status_code=413)
    return None


def from_here(headers: Headers) -> bool:
    """Whether a request that changes something comes from a page of this very address.

    No page can make a browser lie in these two headers; who sends neither is no browser.
    """
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == headers.get("host", "").strip().lower()


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port.

    >>> host_name("127.0.0.1:8471"), host_name("[::1]:8471"), host_name("evil.example")
    ('127.0.0.1', '::1', 'evil.example')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
