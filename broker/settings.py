"""Reading a TOML file into frozen models, every error at once, in sentences; and the connection both sides make.

Nothing here opens what a setting names.
"""

import os
import textwrap
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

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
    "literal_error": ("{expected} のどれかにしてください", "and must be one of {expected}. Change it"),
    "union_tag_invalid": (
        "driver を {expected_tags} のどれかにしてください",
        "whose driver must be one of {expected_tags}. Change it",
    ),
    "string_pattern_mismatch": (
        "書き方 {pattern} に合いません。直してください",
        "which does not match {pattern}. Change it",
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
        ja, en = "TOML として読めません。その行を直してください", f"is not TOML: {error}"
        raise SettingsError([f"{path}: {ja} / {en}. Mend that line."]) from None
    return validate(model, data, str(path), folder=path.absolute().parent)


def validate(model: type[M], data: dict[str, Any], source: str, *, folder: Path | None = None) -> M:
    """Validate settings that were read already; `source` stands at the head of each sentence."""
    try:
        return model.model_validate(data, context={"folder": folder} if folder else None)
    except ValidationError as error:
        raise SettingsError([_problem(source, dict(item)) for item in error.errors(include_url=False)]) from None


def _problem(source: str, error: dict[str, Any]) -> str:
    where = f"{source}: {'.'.join(str(part) for part in error['loc']) or '全体 / the file'}"
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"{where}: ありません。書いてください / is missing. Add it."
        case "extra_forbidden":
            return (
                f"{where}: そういう設定はありません。つづりを確かめるか、消してください / "
                "is no setting of Mawashi. Check the spelling or remove it."
            )
        case "value_error":
            return f"{where}: {str(context['error']).removesuffix('.')}."
    ja, en = _REASONS.get(error["type"], ("直してください", f"{error['msg']}. Change it"))
    value = textwrap.shorten(repr(error["input"]), 60, placeholder="...")
    return f"{where}: いまは {value}。{ja.format(**context)} / is {value}, {en.format(**context)}."
