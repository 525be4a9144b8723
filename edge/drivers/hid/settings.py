"""The settings of a keyboard scanner or a ten-key pad."""

from typing import Literal, Self

from pydantic import model_validator

from edge.drivers.device import KeyboardPort, Keys
from edge.drivers.hid.keys import Layout
from edge.drivers.hid.parser import Parser
from edge.drivers.reader import Reader
from edge.rules import Tone


class Keyboard(Reader):
    """One keyboard scanner with its stations, or a ten-key pad `beside` a scanner, for the numbers of its scans."""

    driver: Literal["hid"]
    port: KeyboardPort
    layout: Layout = Layout.US
    aim_id: bool = False
    idle_end: bool = False

    @model_validator(mode="after")
    def _stations_or_beside(self) -> Self:
        if bool(self.stations) == bool(self.beside):
            raise ValueError(
                "stations（設備）か beside（横のスキャナの id）のどちらか一つを書いてください / "
                "give either stations, or beside: the id of the scanner it stands beside"
            )
        return self

    @property
    def read_seconds(self) -> float:
        """Short where a pause ends a text."""
        return 0.1 if self.idle_end else super().read_seconds

    @property
    def place(self) -> Keys:
        """Where it is heard."""
        return Keys(self.port)

    def parser(self) -> Parser:
        """See `Reader`."""
        return Parser(self.layout, idle_end=self.idle_end, aim_id=self.aim_id, pad=self.beside is not None)

    def sound(self, tone: Tone) -> bytes:
        """Return nothing: a keyboard hears nothing. What stands `beside` a scanner sounds there."""
        _ = tone
        return b""
