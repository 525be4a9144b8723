"""Installs what people use today beside us, on demand, into `var/peers`: nothing of it belongs to Mawashi.

`make clean` removes it. What cannot be had on this machine raises MissingError with one sentence why.
"""

import shutil
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ROOT

FOLDER = ROOT / "var" / "peers"
NODE_RED = "4.1.15"
"""The newest that runs on Debian 12's Node.js 18; 5.x wants 22.9."""
NODE_RED_INFLUXDB = "0.7.0"
THINGSBOARD_GATEWAY = "3.8.5"


class MissingError(Exception):
    """It cannot be had here; the text says why, for the person who reads the table."""


def node_red() -> Path:
    """Return the program that Node.js runs; install it if need be."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise MissingError("Node-RED needs Node.js and npm (Debian: apt-get install nodejs npm).")
    folder = FOLDER / f"node-red-{NODE_RED}"
    packages = [f"node-red@{NODE_RED}", f"node-red-contrib-influxdb@{NODE_RED_INFLUXDB}"]
    _once(
        folder,
        [
            [
                "npm",
                "install",
                "--silent",
                "--no-fund",
                "--no-audit",
                "--ignore-scripts",
                "--prefix",
                str(folder),
                *packages,
            ]
        ],
    )
    return folder / "node_modules" / "node-red" / "red.js"


def thingsboard_gateway() -> Path:
    """Return the Python it is installed for, an environment of its own."""
    folder = FOLDER / f"thingsboard-gateway-{THINGSBOARD_GATEWAY}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    _once(folder, [[*pip, f"thingsboard-gateway=={THINGSBOARD_GATEWAY}"]])
    return python


def _once(folder: Path, commands: Sequence[Sequence[str]]) -> None:
    """Run these unless they have succeeded before."""
    done = folder / ".installed"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for command in commands:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            last = (ended.stderr or ended.stdout).strip().splitlines()[-1:] or ["no reason given"]
            raise MissingError(f"{folder.name} could not be installed: {last[0][:200]}")
    done.touch()
