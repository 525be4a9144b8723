"""A form as a browser sends it without a script: a few short texts, never more than is bounded."""

from urllib.parse import parse_qsl

from fastapi import HTTPException, Request

from broker.words import Word

FORM_BYTES = 64 * 1024
_FIELDS = 100
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
