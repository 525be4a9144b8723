"""A form as a browser sends it without a script: a few short texts of bounded length; and who typed it last."""

from urllib.parse import parse_qsl, quote, unquote

from fastapi import HTTPException, Request, Response

from broker.words import Word

FORM_BYTES = 64 * 1024
_FIELDS = 100
_WHO = "mawashi_who"
_YEAR_SECONDS = 365 * 24 * 3600
_TYPE = "application/x-www-form-urlencoded"
_NOT_READABLE = Word(
    "入力を読み取れませんでした。このページを開き直して、もう一度入れてください。",
    "The form could not be read. Open the page again and enter it once more.",
)


async def read_form(request: Request) -> dict[str, str]:
    """Return what was typed, by field; of a field sent twice the last. Raises HTTPException 413 or 422."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HTTPException(422, _NOT_READABLE)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES:
            raise HTTPException(413, _NOT_READABLE)
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=_FIELDS)
    except ValueError:
        raise HTTPException(422, _NOT_READABLE) from None
    return dict(fields)


def remember_who(answer: Response, who: str) -> None:
    """Let this browser remember who typed, so that the name need not be typed again."""
    answer.set_cookie(_WHO, quote(who), max_age=_YEAR_SECONDS, httponly=True, samesite="strict", path="/")


def who_wrote_last(request: Request) -> str:
    """Return who typed last in this browser; nothing if nobody did."""
    return unquote(request.cookies.get(_WHO, ""))
