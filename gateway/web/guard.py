"""What stands before every page: only this machine's names as Host, bounded addresses, strict headers."""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUERY_BYTES = 4096
PATH_CHARACTERS = 256

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

_WRONG_HOST = "このアドレスでは開けません。127.0.0.1 で開いてください。 / Not by this address. Open it as 127.0.0.1.\n"
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
        if host_name(Headers(scope=scope).get("host", "")) not in self._hosts:
            answer = PlainTextResponse(_WRONG_HOST, status_code=421)
        elif len(scope["query_string"]) > QUERY_BYTES or len(scope["path"]) > PATH_CHARACTERS:
            answer = PlainTextResponse(_TOO_LONG, status_code=414)
        await answer(scope, receive, guarded)


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port.

    >>> host_name("127.0.0.1:8471"), host_name("[::1]:8471"), host_name("evil.example")
    ('127.0.0.1', '::1', 'evil.example')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
