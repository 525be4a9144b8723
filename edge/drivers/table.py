"""The drivers there are: a dictionary written by hand."""

from collections.abc import Callable, Mapping

from edge.drivers.readings import Parser
from edge.drivers.shdr.parser import Parser as Shdr

DRIVERS: Mapping[str, Callable[[], Parser]] = {
    "shdr": Shdr,
}
