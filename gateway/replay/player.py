"""The played edge: a `mawashi-edge play` process of our own, fed line by line, its answers read as they come."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.settings import Mqtt
from gateway.replay.issued import EDGE
from gateway.replay.script import Line

_END_SECONDS = 10.0


class PlayFailed(Exception):  # noqa: N818 - what is the case
    """The played edge could not do it; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Played:
    """How it went. `resumed_after` lines were played before; `odd` are answers that the history did not expect."""

    resumed_after: int
    accepted: int
    receipted: int
    odd: tuple[str, ...]


def write_settings(folder: Path, *, firm: str, edge: str, time_zone: str, mqtt: Mqtt) -> Path:
    """Write the played edge's settings file and return its path."""
    lines = [
        "# Made by mawashi replay.",
        f"firm = {_toml(firm)}",
        f"edge = {_toml(edge)}",
        f"data_dir = {_toml(str((folder / 'edge').absolute()))}",
        f"time_zone = {_toml(time_zone)}",
        'panel = "off"',
    ]
    said = mqtt.model_dump(mode="json", exclude_none=True)
    tls = said.pop("tls", None)
    lines += ["", "[mqtt]", *(f"{key} = {_toml(value)}" for key, value in said.items())]
    if tls:
        lines += ["", "[mqtt.tls]", *(f"{key} = {_toml(value)}" for key, value in tls.items())]
    path = folder / EDGE
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def play(settings: Path, lines: Sequence[Line], *, progress: Callable[[int], None]) -> Played:
    """Have the lines played and wait until the gateway has receipted every event. `progress` hears each line's number.

    Raises PlayFailed.
    """
    process = subprocess.Popen(
        [_program(), "play", "--settings", str(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        bufsize=1 << 16,
    )
    try:
        return _converse(process, lines, progress)
    finally:
        _end(process)


def _converse(process: "subprocess.Popen[str]", lines: Sequence[Line], progress: Callable[[int], None]) -> Played:
    assert process.stdout, "asked for"
    resumed = int(_answer(process, process.stdout.readline())["resume_after"])
    progress(resumed)
    expected = {line.n: line for line in lines if line.n > resumed}
    feeder = threading.Thread(target=_feed, args=(process, tuple(expected.values())), name="feed", daemon=True)
    feeder.start()
    odd: list[str] = []
    for text in process.stdout:
        answer = _answer(process, text)
        if "accepted" in answer:
            feeder.join()
            if process.wait(_END_SECONDS) != 0 or expected:
                raise PlayFailed(_ended(process))
            return Played(resumed, int(answer["accepted"]), int(answer["receipted"]), tuple(odd))
        line = expected.pop(int(answer["n"]))
        if answer["tone"] != line.tone:
            odd.append(f"{line.row}行目 {line.at.isoformat()} {' '.join(line.reads)}: {answer['line1']}")
        progress(line.n)
    raise PlayFailed(_ended(process))


def _feed(process: "subprocess.Popen[str]", lines: Sequence[Line]) -> None:
    """Write every line; the pipe holds us back while the edge is busy. That it ended is said by its answers' reader."""
    assert process.stdin, "asked for"
    try:
        with process.stdin as stdin:
            for line in lines:
                stdin.write(json.dumps({"n": line.n, "at": line.at.isoformat(), "reads": line.reads}) + "\n")
    except BrokenPipeError:
        pass


def _answer(process: "subprocess.Popen[str]", text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        raise PlayFailed(_ended(process)) from None
    if not isinstance(answer, dict):
        raise PlayFailed(_ended(process))
    return answer


def _ended(process: "subprocess.Popen[str]") -> str:
    try:
        status = process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        return "再生用の現場端末の答えが読めません / The played edge answers what nobody understands"
    return (
        f"再生用の現場端末が途中で終わりました（状態{status}）。上の行を見て、もう一度実行すると続きから始まります / "
        f"The played edge ended early (status {status}). See the lines above; run it again to go on where it stopped"
    )


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program() -> str:
    """Return the edge's command: the one installed beside ours, else one on the path. Raises PlayFailed."""
    beside = Path(sys.executable).with_name("mawashi-edge")
    found = str(beside) if beside.exists() else shutil.which("mawashi-edge")
    if found is None:
        raise PlayFailed(
            "mawashi-edge がありません。pip install 'mawashi[edge]' をしてください / "
            "There is no mawashi-edge beside this command. Install it: pip install 'mawashi[edge]'"
        )
    return found


def _toml(value: object) -> str:
    """Return a string, number or truth value as TOML, which writes them as JSON does."""
    return json.dumps(value, ensure_ascii=False)
