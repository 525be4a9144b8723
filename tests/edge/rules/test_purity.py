"""The rules and drivers are pure: what they may import is written down here."""

import ast
from pathlib import Path

import pytest

EDGE = Path(__file__).parents[3] / "edge"
ALLOWED = {
    "broker.clock": {"Reading"},
    "broker.codes": None,
    "broker.events": None,
    "broker.messages": None,
    "broker.words": None,
}
"""Modules of the contract that the rules may use; where names are given, those only."""
STANDARD = {
    "collections.abc",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "json",
    "math",
    "re",
    "struct",
    "sys",
    "typing",
    "zoneinfo",
}

SANS_IO = {
    "collections",
    "h11",
    "itertools",
    "pymodbus.framer",
    "pymodbus.pdu",
    "pymodbus.pdu.bit_message",
    "pymodbus.pdu.register_message",
    "urllib.parse",
    "xml.parsers",
}
"""What drivers may use besides: they are fed bytes and hand bytes back."""
SETTINGS = {"broker.settings", "broker.words", "difflib", "ipaddress", "pathlib", "pydantic"}
"""What their settings are made of, and checked with."""


@pytest.mark.parametrize("path", sorted((EDGE / "rules").glob("*.py")), ids=lambda path: path.stem)
def test_a_module_of_the_rules_imports_nothing_that_could_look_at_the_world(path: Path) -> None:
    for module, names in imports(path):
        if module.startswith("edge"):
            assert module.startswith("edge.rules") or module == "edge.drivers.readings"
        elif module.startswith("broker"):
            allowed = ALLOWED[module]
            assert allowed is None or names <= allowed
        else:
            assert module in STANDARD


@pytest.mark.parametrize(
    "path",
    sorted((EDGE / "drivers").glob("**/*.py")),
    ids=lambda path: f"{path.parent.name} {path.stem}",
)
def test_a_driver_imports_nothing_that_could_look_at_the_world(path: Path) -> None:
    loads = {"importlib"} if path.name == "table.py" else set()  # a driver, when the settings name one of its kind
    for module, _ in imports(path):
        assert module in {*STANDARD, *SANS_IO, *SETTINGS, *loads, "edge.rules", "broker.events"} or module.startswith(
            ("edge.drivers", "edge.rules")
        )


def imports(path: Path) -> list[tuple[str, set[str]]]:
    """What a module imports: modules, and the names taken from each."""
    found: list[tuple[str, set[str]]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(name.name, set()) for name in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {name.name for name in node.names}
            below = node.module in ("broker", "edge.rules")
            found += (
                [(f"{node.module}.{name}", set()) for name in names]
                if below and path.parent.name == "rules"
                else [(node.module, names)]
            )
    return found
