"""The shared server's settings: one TOML file, read once at start."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationInfo, field_validator

from broker.events import Id
from broker.settings import Mqtt, Place, Settings, TimeZone, beside
from gateway.orders.stickers import Stickers


class Influx(Settings):
    """Where InfluxDB is. A database a firm, named `<prefix><firm>`; the user needs the right to create them."""

    url: str = "http://127.0.0.1:8086"
    version: Literal["1"] = "1"
    username: str | None = None
    password_file: Place | None = None
    database_prefix: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")] = "mawashi_"
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0


class Web(Settings):
    """Where the pages are served. Only this machine, until accounts and TLS exist."""

    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8471


class Firm(Settings):
    """会社: how a firm is called on screen and paper."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=40)]
    name_en: Annotated[str, Field(max_length=40)] = ""
    telephone: Annotated[str, Field(max_length=20)] = ""
    stations: dict[Id, Annotated[str, Field(max_length=40)]] = Field(default_factory=dict)
    """設備・作業台 by id, and how people call them: labels are printed before any scan."""
    machine_figures: bool = False
    """設備の数字: whether the firm wants ISO 22400 figures of its machines; without it nothing is computed of them."""


class Gateway(Settings):
    """The whole file. `data_dir` holds the socket gateway.sock and, unless they are elsewhere, ledger and state."""

    data_dir: Place
    ledger_url: Annotated[str, Field(validate_default=True)] = ""
    """SQLAlchemy's address of the ledger."""
    state_url: Annotated[str, Field(validate_default=True)] = ""
    """SQLAlchemy's address of the state, which may be deleted at any time."""
    time_zone: TimeZone = "Asia/Tokyo"
    public_url: str | None = None
    first_number: Annotated[int, Field(ge=1)] = 1001
    """The first 共通番号 this ledger counts from."""
    mqtt: Mqtt = Mqtt()
    influx: Influx | None = None
    web: Web = Web()
    stickers: Stickers = Stickers()
    """The sheets of labels that blank tickets are printed on."""
    firms: tuple[Firm, ...] = ()

    @field_validator("ledger_url", "state_url")
    @classmethod
    def _address(cls, url: str, info: ValidationInfo) -> str:
        """Fill in the file in `data_dir`; refuse what is no store, and a password where anybody may read it."""
        if not url:
            name = str(info.field_name).removesuffix("_url")
            return f"sqlite:///{info.data.get('data_dir', Path()) / name}.sqlite"
        if url.startswith("sqlite:///"):
            return f"sqlite:///{beside(Path(url.removeprefix('sqlite:///')), info)}"
        try:
            parts = urlsplit(url)
            known = parts.scheme == "postgresql+psycopg" and len(parts.path) > 1 and (parts.port or True)
        except ValueError:
            known = False
        if not known:
            raise ValueError(
                "postgresql+psycopg://利用者@ホスト/データベース か sqlite:///ファイル と書いてください / "
                "write postgresql+psycopg://USER@HOST/DATABASE or sqlite:///FILE"
            )
        if parts.password is not None or "password" in parse_qs(parts.query):
            raise ValueError(
                "パスワードはここに書かず、ファイルに入れて ?passfile=ファイル と書いてください / "
                "the password does not belong here: put it into a file and add ?passfile=FILE"
            )
        return url

    @field_validator("firms")
    @classmethod
    def _each_firm_once(cls, firms: tuple[Firm, ...]) -> tuple[Firm, ...]:
        for name, count in Counter(firm.id for firm in firms).items():
            if count > 1:
                raise ValueError(
                    f"id が {name} の会社が {count} つあります。別々にしてください / "
                    f"{count} firms have the id {name}: give each its own"
                )
        return firms

    @property
    def socket(self) -> Path:
        """The gateway's own API, readable by its owner only."""
        return self.data_dir / "gateway.sock"

    def wants_figures(self, firm: str) -> bool:
        """Say whether a firm has turned on the figures of its machines."""
        return any(known.id == firm and known.machine_figures for known in self.firms)

    def firm_name(self, firm: str) -> str:
        """Return how to call a firm; its id if it is not listed."""
        return next((known.name for known in self.firms if known.id == firm), firm)
