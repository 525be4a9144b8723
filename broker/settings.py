"""Reading a TOML file into frozen models, every error at once, in sentences; and the connection both sides make.

Nothing here opens what a setting names.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

M = TypeVar("M", bound=BaseModel)


class Settings(BaseModel):
    """Frozen; unknown keys are errors, so that a misspelt key is not silently a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds one sentence each: file, key, reason, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Tls(Settings):
    """Files of the TLS connection; read again at every connection, so that a renewed certificate needs no restart."""

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _certificate_and_key_together(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together: give both or neither")
        return self


class Mqtt(Settings):
    """Where the broker is and who we are to it. `password_file` holds the password alone."""

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    version: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password_file: Path | None = None
    tls: Tls | None = None
    keepalive_seconds: Annotated[int, Field(ge=5, le=600)] = 30
    reconnect_seconds_max: Annotated[float, Field(gt=0, le=600)] = 30.0

    @model_validator(mode="after")
    def _plain_text_stays_on_this_machine(self) -> Self:
        if self.tls is None and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"{self.host} is another machine and needs TLS: add a [mqtt.tls] table with ca_file")
        return self

    def password(self) -> str | None:
        """Return the password, read now. Raises OSError if the file cannot be read."""
        return self.password_file.read_text().strip() if self.password_file else None


_REASONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda _: "is missing. Add it",
    "extra_forbidden": lambda _: "is no setting of Mawashi. Check the spelling or remove it",
    "string_pattern_mismatch": lambda e: f"is {e['input']!r}, which does not match {e['ctx']['pattern']}. Change it",
}


def load(model: type[M], path: Path) -> M:
    """Read and validate a settings file. Raises SettingsError with every problem; nothing has been opened then."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError([f"{path}: there is no such file. Copy the sample from config/ and edit it."]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {error}. Check its permissions and that it is UTF-8."]) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: is not TOML: {error}. Mend that line."]) from None
    return validate(model, data, str(path))


def validate(model: type[M], data: dict[str, Any], source: str) -> M:
    """Validate settings that were read already; `source` stands at the head of each sentence."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise SettingsError([_problem(source, dict(item)) for item in error.errors(include_url=False)]) from None


def _problem(source: str, error: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the file"
    if reason := _REASONS.get(error["type"]):
        return f"{source}: {key}: {reason(error)}."
    if error["type"] == "value_error":
        return f"{source}: {key}: {str(error['ctx']['error']).removesuffix('.')}."
    return f"{source}: {key}: is {error['input']!r}: {error['msg']}. Change it."
