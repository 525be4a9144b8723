"""Reading a TOML file into frozen models, every error at once, in sentences; and the connection both sides make.

Nothing here opens what a setting names.
"""

import difflib
import os
import re
import textwrap
import tomllib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from broker.events import ID_PATTERN

M = TypeVar("M", bound=BaseModel)


class Settings(BaseModel):
    """Frozen; unknown keys are errors, so that a misspelt key is not silently a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds one sentence each: file, key, reason, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def beside(path: Path, info: ValidationInfo) -> Path:
    """Return where a path is meant: a relative one starts at the settings file's folder."""
    return Path(os.path.normpath((info.context or {}).get("folder", Path()) / path))


Place = Annotated[Path, AfterValidator(beside)]
"""A path that does not depend on the folder in which a command is typed."""


class Tls(Settings):
    """Files of the TLS connection; read again at every connection, so that a renewed certificate needs no restart."""

    ca_file: Place
    cert_file: Place | None = None
    key_file: Place | None = None

    @model_validator(mode="after")
    def _certificate_and_key_together(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError(
                "cert_file と key_file は両方書くか、両方なくしてください / "
                "cert_file and key_file go together: give both or neither"
            )
        return self


class Connection(Settings):
    """Where an MQTT broker is and who we are to it. `password_file` holds the password alone."""

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    version: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password_file: Place | None = None
    tls: Tls | None = None
    keepalive_seconds: Annotated[int, Field(ge=5, le=600)] = 30

    @model_validator(mode="after")
    def _plain_text_stays_on_this_machine(self) -> Self:
        if self.tls is None and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(
                f"{self.host} は別の機械なので TLS が要ります。tls に ca_file を書いてください / "
                f"{self.host} is another machine and needs TLS: add a table tls with ca_file"
            )
        return self

    def password(self) -> str | None:
        """Return the password, read now. Raises OSError if the file cannot be read."""
        return self.password_file.read_text().strip() if self.password_file else None


class Mqtt(Connection):
    """The connection between edges and gateway, which is made again and again."""

    reconnect_seconds_max: Annotated[float, Field(gt=0, le=600)] = 30.0


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} という時間帯はありません。Asia/Tokyo のように書いてください / "
            f"{name!r} is no time zone this machine knows: give one such as Asia/Tokyo"
        ) from None
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""A name of the IANA database that this machine knows."""

_WHOLE = ("整数ではありません。直してください", "which is no whole number. Change it")
_NUMBER = ("数ではありません。直してください", "which is no number. Change it")
_TEXT = ("文字ではありません。引用符で囲んでください", "which is no text. Put it in quotation marks")
_TABLE = ("表ではありません。[ ] の見出しの下に書いてください", "which is no table. Write it under a heading in [ ]")
_LIST = ("並びではありません。[ と ] で囲んでください", "which is no list. Put it between [ and ]")
_ONE_OF = ("{expected} のどれかにしてください", "and must be one of {expected}. Change it")
_REASONS: dict[str, tuple[str, str]] = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "string_type": _TEXT,
    "path_type": _TEXT,
    "model_type": _TABLE,
    "tuple_type": _LIST,
    "greater_than": ("{gt} より大きくしてください", "and must be more than {gt}. Change it"),
    "greater_than_equal": ("{ge} 以上にしてください", "and must be {ge} or more. Change it"),
    "less_than_equal": ("{le} 以下にしてください", "and must be {le} or less. Change it"),
    "literal_error": _ONE_OF,
    "enum": _ONE_OF,
    "union_tag_invalid": (
        "driver を {expected_tags} のどれかにしてください",
        "whose driver must be one of {expected_tags}. Change it",
    ),
    "string_pattern_mismatch": (
        "{allowed_ja}直してください",
        "{allowed_en}. Change it",
    ),
    "string_too_short": ("{min_length} 文字以上にしてください", "and must be at least {min_length} long"),
    "string_too_long": ("{max_length} 文字以内にしてください", "and must be at most {max_length} long"),
}
"""By pydantic's name for what is wrong: what follows the value that stands there, in both languages."""


def load(model: type[M], path: Path) -> M:
    """Read and validate a settings file. Raises SettingsError with every problem; nothing has been opened then."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        ja, en = "ファイルがありません。config/ の見本を写して書き換えてください", "there is no such file"
        raise SettingsError([f"{path}: {ja} / {en}. Copy the sample from config/ and edit it."]) from None
    except (OSError, UnicodeDecodeError) as error:
        ja, en = "読めません。権限と、UTF-8 であることを確かめてください", f"cannot be read: {error}"
        raise SettingsError([f"{path}: {ja} / {en}. Check its permissions and that it is UTF-8."]) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: {_not_toml(text, str(error))}"]) from None
    return validate(model, data, str(path), folder=path.absolute().parent)


def validate(model: type[M], data: dict[str, Any], source: str, *, folder: Path | None = None) -> M:
    """Validate settings that were read already; `source` stands at the head of each sentence."""
    try:
        return model.model_validate(data, context={"folder": folder} if folder else None)
    except ValidationError as error:
        found = [dict(item) for item in error.errors(include_url=False)]
        unknown = {item["loc"] for item in found if item["type"] == "extra_forbidden"}
        raise SettingsError([_problem(source, data, item, unknown) for item in found]) from None


def _not_toml(text: str, error: str) -> str:
    """Say which line is no TOML, and what the usual slips are; `error` is tomllib's sentence."""
    place = re.search(r" \(at line (\d+), column \d+\)$", error)
    if place is None:
        return (
            "TOML として読めません。終わりの行の引用符と括弧を確かめてください / "
            f"is not TOML: {error}. See the quotation marks and brackets of its last line."
        )
    lines = text.splitlines()
    line = lines[min(int(place[1]), len(lines)) - 1].strip() if lines else ""
    shown = textwrap.shorten(line, 60, placeholder="...")
    return (
        f'{place[1]} 行目が TOML として読めません：{shown} ── 文字は半角の " " で囲み、同じ名前は二度書けません / '
        f'line {place[1]} is not TOML ({error.removesuffix(place[0])}): {shown} -- text stands between two plain ", '
        "and a key only once. Mend that line."
    )


def _problem(source: str, data: dict[str, Any], error: dict[str, Any], unknown: Collection[object]) -> str:
    where = f"{source}: {_where(data, error) or '全体 / the file'}"
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"{where}: ありません。書いてください / is missing. Add it."
        case "extra_forbidden":
            if meant := _meant(data, error["loc"], unknown):
                return f"{where}: そういう設定はありません。{meant} ですか / is no setting of Mawashi. Is it {meant}?"
            return (
                f"{where}: そういう設定はありません。つづりを確かめるか、消してください / "
                "is no setting of Mawashi. Check the spelling or remove it."
            )
        case "value_error":
            return f"{where}: {str(context['error']).removesuffix('.')}."
        case "tuple_type" if isinstance(error["input"], dict):
            heading = f"[[{error['loc'][-1]}]]"
            return f"{where}: 見出しを {heading} と二重の括弧にしてください / write its heading as {heading}."
        case "string_pattern_mismatch":
            context = _allowed(context["pattern"])
    ja, en = _REASONS.get(error["type"], ("直してください", f"{error['msg']}. Change it"))
    value = textwrap.shorten(repr(error["input"]), 60, placeholder="...")
    return f"{where}: いまは {value}。{ja.format(**context)} / is {value}, {en.format(**context)}."


def _allowed(pattern: str) -> dict[str, str]:
    """Say for people what a pattern allows."""
    if pattern == ID_PATTERN:
        return {
            "allowed_ja": "使えるのは小文字の a-z、数字、- だけ、32 文字までです。",
            "allowed_en": "and may hold only small letters a-z, digits and -, at most 32",
        }
    return {"allowed_ja": f"書き方 {pattern} に合いません。", "allowed_en": f"which does not match {pattern}"}


def _where(data: Any, error: dict[str, Any]) -> str:
    """Return the place of a mistake as whoever wrote the file calls it: tables of a list by their id or name."""
    names, at = [], data
    for n, part in enumerate(error["loc"]):
        if isinstance(at, list) and isinstance(part, int) and part < len(at):
            at = at[part]
            name = (at.get("id") or at.get("name")) if isinstance(at, dict) else None
            names.append(name if isinstance(name, str) and name else f"{part + 1} 番目 / no. {part + 1}")
        elif isinstance(at, dict) and part in at:
            at = at[part]
            names.append(str(part))
        elif error["type"] == "missing" and n == len(error["loc"]) - 1:
            names.append(str(part))  # else the name of a kind among several, which stands in no file
    return ".".join(names)


def _meant(data: Any, loc: Sequence[int | str], unknown: Collection[object]) -> str | None:
    """Return the key that a misspelt one is likely to be, of those its table may have and has not; None if none is."""
    table = data
    for part in loc[:-1]:
        if isinstance(table, dict):
            table = table.get(part, table)  # else the name of a kind among several
        elif isinstance(table, list) and isinstance(part, int):
            table = table[part]
    if not isinstance(table, dict):
        return None
    known = {key for key in table if (*loc[:-1], key) not in unknown}
    fitting = {
        name
        for model in _models(Settings)
        if known <= model.model_fields.keys() and _is_of_driver(model, table.get("driver"))
        for name in model.model_fields
    }
    return next(iter(difflib.get_close_matches(str(loc[-1]), sorted(fitting - known), 1, 0.7)), None)


def _models(model: type[Settings]) -> Iterator[type[Settings]]:
    for one in model.__subclasses__():
        yield one
        yield from _models(one)


def _is_of_driver(model: type[Settings], driver: object) -> bool:
    field = model.model_fields.get("driver")
    return driver is None or field is None or driver in get_args(field.annotation)
