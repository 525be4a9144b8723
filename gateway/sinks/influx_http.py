"""InfluxDB 1.x over HTTP: writing lines, asking InfluxQL. Says what went wrong; what to do about it is the sink's."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import urllib3

from gateway.settings import Influx


class Away(Exception):  # noqa: N818 - it is away, no error of ours
    """InfluxDB cannot take anything now; one sentence that says what to do, if somebody must, and what was met."""

    def __init__(self, sentence: str, reason: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason


class NoDatabase(Exception):  # noqa: N818
    """The database is not there."""


class TooLarge(Exception):  # noqa: N818
    """The request was too large for the server."""


class BadLines(Exception):  # noqa: N818
    """Some of the lines are refused for good; the server has kept the others. The message is the server's reason."""


_STREAM_PATIENCE = 12
"""How many timeouts long a whole measurement is waited for: the server looks through every series before it answers."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Http:
    """One server, one thread."""

    def __init__(self, settings: Influx) -> None:
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False)

    def write(self, database: str, lines: Sequence[str], *, policy: str = "") -> None:
        """Write lines with nanosecond times. Raises BadLines, TooLarge, NoDatabase or Away."""
        where = {"db": database, "precision": "ns", **({"rp": policy} if policy else {})}
        answer = self._post("/write", where, "\n".join(lines).encode())
        if answer.status in (200, 204):
            return
        reason = _reason(answer.data)
        if answer.status == 404 and "database not found" in reason:
            raise NoDatabase(reason)
        if answer.status == 413:
            raise TooLarge(reason)
        if answer.status == 400 and ("partial write" in reason or "unable to parse" in reason):
            raise BadLines(reason)
        raise self._trouble(answer.status, reason)

    def ask(self, query: str, database: str = "") -> list[dict[str, Any]]:
        """Run InfluxQL and return the series of its answer. Raises Away."""
        return [series for part in self._ask(query, database, chunked=False) for series in part]

    def version(self) -> str:
        """Ask something as our user and return the server's version. Raises Away."""
        answer = self._post("/query", {}, urlencode({"q": "SHOW DATABASES"}).encode(), _FORM)
        if answer.status != 200:
            raise self._trouble(answer.status, _reason(answer.data))
        return answer.headers.get("X-Influxdb-Version", "?")

    def stream(self, query: str, database: str) -> Iterator[list[dict[str, Any]]]:
        """Run InfluxQL and yield its series by parts of at most 10,000 points. Raises Away."""
        return self._ask(query, database, chunked=True)

    def _ask(self, query: str, database: str, *, chunked: bool) -> Iterator[list[dict[str, Any]]]:
        asked = {"q": query, "db": database, "epoch": "ns", **({"chunked": "true"} if chunked else {})}
        seconds = self._settings.timeout_seconds * (_STREAM_PATIENCE if chunked else 1)
        answer = self._post("/query", {}, urlencode(asked).encode(), _FORM, preload=False, seconds=seconds)
        try:
            if answer.status != 200:
                raise self._trouble(answer.status, _reason(answer.read()))
            for part in _lines(answer):
                for result in json.loads(part).get("results", ()):
                    if "error" in result:
                        raise self._trouble(answer.status, str(result["error"]))
                    yield result.get("series", [])
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        finally:
            answer.release_conn()

    def _post(
        self,
        path: str,
        parameters: dict[str, str],
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        preload: bool = True,
        seconds: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._url}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
        try:
            return self._pool.request(
                "POST",
                url,
                body=body,
                headers={**self._login(), **(headers or {})},
                preload_content=preload,
                timeout=urllib3.Timeout(total=seconds or self._settings.timeout_seconds),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error

    def _login(self) -> dict[str, str]:
        """Return the header that names us; the password is read anew each time, so that it may be changed."""
        user, file = self._settings.username, self._settings.password_file
        if not user:
            return {}
        password = file.read_text(encoding="utf-8").strip() if file else ""
        return urllib3.make_headers(basic_auth=f"{user}:{password}")

    def _unreachable(self, error: Exception) -> Away:
        return Away(f"InfluxDB at {self._url} does not answer. Points wait until it does.", repr(error))

    def _trouble(self, status: int, reason: str) -> Away:
        if status in (401, 403) or "authoriz" in reason:
            return Away(
                f"InfluxDB at {self._url} refuses our user ({status}: {reason}). Check username and password_file in "
                "[influx]; the user must be an admin, since it makes a database for each firm."
            )
        return Away(f"InfluxDB at {self._url} cannot take points now ({status}: {reason}). They wait until it can.")


def _reason(body: bytes) -> str:
    """Return the server's own words, shortened."""
    try:
        return str(json.loads(body)["error"])[:500]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()[:500]


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield the parts of an answer; a chunked one has one JSON document a line."""
    rest = b""
    for piece in answer.stream(65_536):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (one for one in whole if one.strip())
    if rest.strip():
        yield rest
