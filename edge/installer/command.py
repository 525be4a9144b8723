"""What the installer's commands print: `ports`, `listen`, `try`. What they find is found elsewhere."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import get_args

from broker.clock import monotonic_ms
from edge.drivers.device import Framing, Keys, Place, Serial, Tcp
from edge.drivers.readings import Parser
from edge.drivers.table import DRIVERS, READERS, usual
from edge.installer.hearing import nothing
from edge.installer.keystrokes import Keystrokes, Typed
from edge.installer.keystrokes import lines as key_lines
from edge.installer.keystrokes import verdict as keys_verdict
from edge.installer.listening import Listening, hear, lines, plain, plain_chunk, verdict
from edge.installer.places import Kept, PlaceError, named, refuse_unreadable
from edge.installer.ports import ports as plugged
from edge.installer.ports import sentences as port_sentences
from edge.installer.trial import Trial, said, sentences
from edge.installer.trying import live, replay
from edge.raw import Chunk
from edge.settings import Edge
from edge.wire import FAILURES

_OK, _AWAY, _MISUSED = 0, 1, 2
_SAID_SECONDS = 5.0


def ports(settings: Edge | None, *, as_json: bool) -> None:
    """Print what is plugged in."""
    known = {str(place): name for name, place in settings.places.items()} if settings else {}
    found = plugged(known=known)
    if as_json:
        print(json.dumps([one.plain() for one in found], ensure_ascii=False))
    else:
        print("\n".join(port_sentences(found)))


def listen(text: str, settings: Edge | None, *, seconds: float, baud: int, framing: str, as_json: bool) -> int:
    """Print what comes over a line until the time is up or Ctrl-C, and then what it looks like."""
    try:
        place = _place(text, settings, baud, framing)
    except PlaceError as error:
        return _fail(str(error), _MISUSED)
    if isinstance(place, Keys) or (isinstance(place, Kept) and place.keys):
        return _listen_to_keys(text, place, seconds=seconds, as_json=as_json)
    listening = Listening(None)
    try:
        with suppress(KeyboardInterrupt):
            for listening, chunk in _until(hear(place), seconds):
                if chunk is not None:
                    _show(listening, chunk, as_json=as_json)
    except FAILURES as error:
        _print_verdict(listening, as_json=as_json)
        return _fail(_away(text, error), _AWAY)
    _print_verdict(listening, as_json=as_json)
    return _OK


def _listen_to_keys(text: str, place: Kept | Place, *, seconds: float, as_json: bool) -> int:
    """Print the keys of a keyboard device and what they type; it is not grabbed. What an agent keeps of one will do."""
    place = replace(place, grab=False) if isinstance(place, Keys) else place
    keystrokes, ending = Keystrokes(), _OK
    try:
        with suppress(KeyboardInterrupt):
            for _, chunk in _until(hear(place), seconds):
                if chunk is not None:
                    _show_keys(keystrokes.take(chunk.data, monotonic_ms()), as_json=as_json)
    except FAILURES as error:
        ending = _fail(_away(text, error), _AWAY)
    plain = {"keys": keystrokes.heard, "ours": dict(keystrokes.ours), "proposal": keystrokes.proposal}
    print(json.dumps(plain) if as_json else keys_verdict(keystrokes), flush=True)
    return ending


def _show_keys(typed: Typed, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"keys": typed.keys, "texts": typed.texts}, ensure_ascii=False), flush=True)
    elif shown := "\n".join(key_lines(typed)):
        print(shown, flush=True)


def try_driver(
    driver: str,
    source: str,
    settings: Edge | None,
    *,
    machine: str,
    seconds: float,
    baud: int,
    framing: str,
    as_json: bool,
) -> int:
    """Print what a driver makes of a recording, or of the device for so many seconds."""
    try:
        parser = _parser(driver, settings, machine)
        place = _place(source, settings, baud, framing)
        _fits(driver, place)
    except PlaceError as error:
        return _fail(str(error), _MISUSED)
    try:
        trial = replay(place, parser) if isinstance(place, Kept) else _live(place, parser, seconds)
    except FAILURES as error:
        return _fail(_away(source, error), _MISUSED if isinstance(place, Kept) else _AWAY)
    print(json.dumps(trial.plain(), ensure_ascii=False) if as_json else "\n".join(sentences(trial)))
    if not trial.readings and not isinstance(place, Kept) and (word := nothing(place, driver)):
        return _fail(f"{word.ja} / {word.en}", _AWAY)
    return _OK


def _live(place: Place, parser: Parser, seconds: float) -> Trial:
    """Hear a device; progress goes to standard error, so that --json stays one object."""
    trial, last = Trial(parser), time.monotonic()
    with suppress(KeyboardInterrupt):
        for found in live(place, trial, seconds):
            for reading in found:
                print(said(reading), file=sys.stderr, flush=True)
            if time.monotonic() - last >= _SAID_SECONDS:
                last, tally = time.monotonic(), parser.tally
                print(f"… {tally.lines} 行 / lines, {tally.malformed} malformed", file=sys.stderr, flush=True)
    return trial


def _parser(driver: str, settings: Edge | None, machine: str) -> Parser:
    if driver not in {**DRIVERS, **READERS}:
        known = ", ".join(sorted({**DRIVERS, **READERS}))
        raise PlaceError(
            f"{driver} という装置の読み方はありません。{known} から選んでください / no driver {driver}: choose {known}"
        )
    if not machine:
        return usual(driver)
    for one in (*settings.machine, *settings.scanner) if settings else ():
        if one.id == machine and driver == ("scanner" if one.driver == "serial" else one.driver):
            return one.parser()
    raise PlaceError(
        f"設定に {machine}（{driver}）がありません。[[machine]]、[[scanner]] の id と driver を確かめてください / "
        f"the settings have no {machine} with the driver {driver}: see id and driver in [[machine]] and [[scanner]]"
    )


def _fits(driver: str, place: Kept | Place) -> None:
    """Raise PlaceError where a driver can hear nothing in such a place: it would be silent, and nobody knew why."""
    if driver in ("mqtt", "sparkplug") and isinstance(place, Tcp | Serial):
        raise PlaceError(
            "ブローカーはこうは聞けません。記録（mosquitto_sub -t '#' -F '%r %x %t' > LOG.txt）を --input に、"
            f"または設定に書いて try {driver} --input ID --machine ID / a broker is not heard so: give a recording "
            "(mosquitto_sub -t '#' -F '%r %x %t' > LOG.txt) as --input LOG.txt, or write the device into the settings "
            f"and run: mawashi-edge try {driver} --input ID --machine ID"
        )
    if isinstance(place, Kept) and place.path.is_file():
        refuse_unreadable(place.path)


def _place(text: str, settings: Edge | None, baud: int, framing: str) -> Kept | Place:
    known: tuple[Framing, ...] = get_args(Framing)
    for one in known:
        if one == framing.upper():
            return named(text, settings, baud=baud, framing=one)
    raise PlaceError(
        f"{framing} という枠はありません。{', '.join(known)} から選んでください / "
        f"no framing {framing}: choose {', '.join(known)}"
    )


def _until(heard: Iterator[tuple[Listening, Chunk | None]], seconds: float) -> Iterator[tuple[Listening, Chunk | None]]:
    deadline = time.monotonic() + seconds if seconds else float("inf")
    for one in heard:
        yield one
        if time.monotonic() >= deadline:
            return


def _show(listening: Listening, chunk: Chunk, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(plain_chunk(listening, chunk), ensure_ascii=False), flush=True)
    else:
        print("\n".join(lines(chunk)), flush=True)
    if chunk.sent:
        return
    before = listening.baud, listening.framing
    listening.take(chunk.data)
    if not as_json and (listening.baud, listening.framing) != before:
        now = f"{listening.baud} {listening.framing}"
        print(f"── 文字になりません。次は {now} / no text at {before[0]} {before[1]}: now trying {now}", flush=True)


def _print_verdict(listening: Listening, *, as_json: bool) -> None:
    print(json.dumps(plain(listening), ensure_ascii=False) if as_json else "\n".join(verdict(listening)), flush=True)


def _away(text: str, error: Exception) -> str:
    return (
        f"{text} が開けません、または切れました。電源と線を確かめ、ほかのプログラムを止めてください / "
        f"{text} cannot be opened, or is gone: see power and cable, close other programs ({error})"
    )


def _fail(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
