"""The agent: the composition of scanners, rules, outbox, uplink, views and panel, and the only supervisor loop.

One thread works; the scanners' and the link's threads only fill its inbox. What a scan means is decided in
`edge.rules`, what is sent in `edge.sending`.
"""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from queue import Empty

from broker.clock import Reading
from broker.events import MachineState
from broker.messages import DeviceView, Loose, OpenSession, StationView
from edge import panel as words
from edge.books import is_damage
from edge.devices import Devices
from edge.inbox import (
    Inbox,
    Item,
    MachineFound,
    MachineLost,
    PortLost,
    PortOpen,
    Remarked,
    Scanned,
    ScansFirst,
    Sensed,
    Stop,
    Typed,
)
from edge.lamp import LampPort
from edge.log import Log
from edge.machines import Machines
from edge.outbox import RefusedError
from edge.panel import Panel, Picture
from edge.port import Port
from edge.rules import Answer, Feedback, Session, Tone, read, tick
from edge.salvage import rescue
from edge.settings import Edge
from edge.store import Store
from edge.tap import Taps

_TICK_SECONDS = 1.0
_STATUS_SECONDS = 2.0
_READINGS_SECONDS = 6.0
"""What machines say alone is written no more often: a memory card wears out."""


class Agent:
    """Runs until told to stop."""

    def __init__(self, settings: Edge, *, log: Log, panel: Panel) -> None:
        self._settings, self._log, self._panel = settings, log, panel
        self._inbox: Inbox = ScansFirst()
        self._store = Store(settings, inbox=self._inbox, log=log)
        self._desks = settings.desks
        self._taps = Taps(settings.data_dir, tuple(settings.places), settings.raw.kept_bytes, log)
        self._ports = {
            one.id: Port(one, self._inbox, self._taps.by_device[one.id], machines=settings.machine_ports)
            for one in settings.scanner
        }
        self._lamps = {one.beside: LampPort(one, log, others=settings.ports) for one in settings.lamp}
        self._lost = {one.id: "not opened yet" for one in settings.scanner}
        self._said_lost: set[str] = set()
        self._machines = Machines(settings, self._store, self._inbox, self._taps.by_device, log)
        self._devices = Devices(settings, self._ports, self._machines, self._taps.by_device)
        self._pictured: dict[str, object] = dict.fromkeys(
            [
                *(station for one in settings.scanner for station in one.stations),
                *(one.station for one in settings.machine),
            ]
        )
        self._feedback: Feedback | None = None
        self._refusing = False
        self._tick_at = time.monotonic()
        self._status: dict[str, object] = {}
        self._status_at = 0.0

    def run(self) -> None:
        """Work until a Stop arrives. Raises sqlite3.DatabaseError if the outbox's file turns out to be damaged."""
        self._panel.show(Picture(Feedback(Tone.NOTHING, f"{words.NOT_READY.ja} / {words.NOT_READY.en}")))
        self._store.withdraw_pictures()
        self._store.uplink.start()
        for lamp in self._lamps.values():
            lamp.start()
        for port in self._ports.values():
            port.start()
        self._machines.start()
        self._taps.start()
        self._pictures()
        counts = {"scanners": len(self._ports), "machines": len(self._machines.lost)}
        self._log("INFO", "ready", **counts, waiting=self._store.uplink.sending.waiting)
        while True:
            self._show()
            try:
                item = self._inbox.get(timeout=min(_TICK_SECONDS, self._store.uplink.due_seconds() + 0.001))
            except Empty:
                item = None
            if isinstance(item, Stop):
                return
            if item is not None:
                self._take(item)
            self._tick()
            self._store.work()

    def stop(self) -> None:
        """Ask it to end; may be called from a signal handler."""
        self._inbox.put(Stop())

    def close(self) -> None:
        """Release everything; all lines are asked at once, so that nobody waits for one after the other."""
        for port in self._ports.values():
            port.leave()
        self._machines.leave()
        for port in self._ports.values():
            port.stop()
        for lamp in self._lamps.values():
            lamp.stop()
        self._machines.stop()
        self._taps.stop()
        self._store.close()
        self._panel.close()

    def _take(self, item: Item) -> None:
        match item:
            case Scanned(scanner, text):
                now, desk = self._store.clock.read(), self._desks[scanner]
                self._machines.flush(desk.stations, now)
                self._answer(
                    desk.scanner,
                    read(
                        self._store.memory,
                        desk,
                        text,
                        now,
                        orders=self._store,
                        next_ref=self._store.outbox.next_ref,
                        machines=self._machines,
                    ),
                    now,
                )
            case PortOpen(scanner):
                self._lost.pop(scanner, None)
                self._said_lost.discard(scanner)
                self._log("INFO", f"scanner {scanner} is read")
            case PortLost(scanner, reason):
                self._lost[scanner] = reason
                self._said_lost.add(scanner)
                self._log("WARNING", reason)
            case Remarked(scanner, why):
                self._log("WARNING", f"scanner {scanner}: {why}")
            case Sensed() | MachineFound() | MachineLost():
                if self._machines.take(item, self._store.clock.read()):
                    self._pictures()
            case Typed():
                pass
            case _:
                self._store.take(item)

    def _tick(self) -> None:
        if time.monotonic() < self._tick_at:
            return
        self._tick_at = time.monotonic() + _TICK_SECONDS
        now = self._store.clock.read()
        for desk in self._desks.values():
            if answer := tick(self._store.memory, desk, now):
                self._answer(desk.scanner, answer, now)
        changed = [self._machines.tick(now), self._machines.look(now), self._devices.tick(self._lost, now)]
        if any(changed):
            self._pictures()
        self._write_status()

    def _answer(self, scanner: str, answer: Answer, now: Reading) -> None:
        """Commit, and only then say it."""
        try:
            marks = self._machines.marks(answer.events, self._store.outbox.next_ref)
            self._store.accept(answer.memory, answer.events, now, **marks)
        except RefusedError as error:
            self._store.uplink.refuse()
            if not self._refusing:
                self._log("ERROR", str(error))
            self._refusing = True
            self._say(
                scanner,
                Feedback(
                    Tone.STOP,
                    f"{words.REFUSED_1.ja} / {words.REFUSED_1.en}",
                    f"{words.REFUSED_2.ja} / {words.REFUSED_2.en}",
                ),
            )
            return
        if self._refusing:
            self._refusing = False
            self._log("INFO", "scans are recorded again")
        if answer.feedback:
            self._say(scanner, answer.feedback)
        self._pictures()

    def _say(self, scanner: str, feedback: Feedback) -> None:
        self._feedback = feedback
        if port := self._ports.get(scanner):
            port.sound(feedback.tone)
        if lamp := self._lamps.get(scanner):
            lamp.show(feedback.tone)
        self._panel.show(self._picture(), new_feedback=feedback)

    def _show(self) -> None:
        self._panel.show(self._picture())

    def _picture(self) -> Picture:
        uplink = self._store.uplink
        return Picture(
            feedback=self._feedback,
            sessions=self._store.memory.open(),
            waiting=uplink.sending.waiting,
            connected=uplink.connected,
            answered=uplink.answered,
            other_server=uplink.other_server,
            scanners_lost=tuple(sorted(self._said_lost)),
        )

    def _pictures(self) -> None:
        """Publish the stations whose open sessions or machines changed."""
        now, sessions = self._store.clock.read(), self._store.memory.open()
        names = dict.fromkeys([*self._pictured, *(one.station for one in sessions)])
        views = []
        for name in names:
            here = tuple(one for one in sessions if one.station == name)
            machine, since = self._machines.seen(name)
            devices, loose = self._devices.at(name), self._machines.loose(name)
            if self._pictured.get(name) != (here, machine, since, devices, loose):
                self._pictured[name] = here, machine, since, devices, loose
                views.append(
                    station_view(name, here, now.at, machine=machine, machine_at=since, devices=devices, loose=loose)
                )
        self._store.picture(views, now)

    def _write_status(self) -> None:
        """Leave what only a running agent knows where `mawashi-edge status` and `check` find it; only changes."""
        age = time.monotonic() - self._status_at
        if age < _STATUS_SECONDS:
            return
        uplink = self._store.uplink
        status: dict[str, object] = {
            "pid": os.getpid(),
            "connected": uplink.connected,
            "answered": uplink.answered,
            "other_server": uplink.other_server,
            "ignored_receipts": uplink.sending.ignored,
            "refused": uplink.refused,
            "scanners": {name: self._lost.get(name) for name in self._ports},
            "machines": self._machines.lost,
            "malformed": self._machines.malformed,
            "devices": self._devices.status(),
            "dropped": {name: port.tally.malformed for name, port in self._ports.items()},
        }
        if age < _READINGS_SECONDS and status.items() <= self._status.items():
            return
        status["readings"] = self._machines.readings
        if status == self._status:
            return
        self._status, self._status_at = status, time.monotonic()
        path = status_path(self._settings)
        new = path.with_suffix(".new")
        try:
            new.write_text(json.dumps(status))
            new.replace(path)
        except OSError:  # a full disk; the scans were told already
            return


def station_view(
    name: str,
    sessions: Sequence[Session],
    at: datetime,
    *,
    machine: MachineState = MachineState.UNKNOWN,
    machine_at: datetime | None = None,
    devices: tuple[DeviceView, ...] = (),
    loose: Loose | None = None,
) -> StationView:
    """Return the picture of one station: its open sessions, what its machine does since when, and its devices."""
    return StationView(
        station=name,
        at=at,
        machine=machine,
        machine_at=machine_at,
        devices=devices,
        loose=loose,
        sessions=tuple(
            OpenSession.model_validate(
                {
                    "ticket": one.ticket,
                    "operation": one.operation,
                    "label": one.label[:40],
                    "phase": one.phase.value,
                    "since": one.since.at,
                    "reason": one.reason,
                }
            )
            for one in sessions
        ),
    )


def status_path(settings: Edge) -> Path:
    """Return where a running agent leaves its status."""
    return settings.data_dir / "status.json"


def run(settings: Edge, *, log: Log) -> None:
    """Run the agent until SIGTERM or SIGINT; a damaged outbox is rescued and the work goes on with what was saved."""
    while True:
        try:
            agent = Agent(settings, log=log, panel=Panel(settings.panel, settings.desk("", ()).zone))
        except sqlite3.DatabaseError as error:
            _rescue(settings, error, log)
            continue
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_, stop=agent.stop: stop())
        try:
            agent.run()
        except sqlite3.DatabaseError as error:
            agent.close()
            _rescue(settings, error, log)
        else:
            agent.close()
            return


def _rescue(settings: Edge, error: sqlite3.DatabaseError, log: Log) -> None:
    """Rescue the outbox if its file is damaged; else it is no matter of ours."""
    if not is_damage(error):
        raise error
    log("ERROR", f"the outbox was damaged: {rescue(settings.outbox_path)}. Replace the card", why=error)
