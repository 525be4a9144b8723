"""Measure the appender: drain to receipt of a backlog, against a bare paho consumer that commits nothing.

Run it alone on the machine: `python tests/bench/bench_appender.py [--events 200000] [--messages 30000]`.
Prints one JSON object. Design 9: bundles >= 15,000 events/s; one event a message >= 0.3 x the bare consumer.
"""

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from broker.clock import clock
from broker.messages import BUNDLE_EVENTS, Bundle, Header, Receipt, new_epoch, new_nonce
from gateway.ledger import Ledger

EDGES = 20
LINE = (
    b'{"v":1,"at":"2026-11-22T03:01:26.747849Z","mono_ms":123456,"boot":"0f","clock":"synced","kind":"work",'
    b'"action":"start","ticket":"7K3Q9F","operation":20,"station":"lathe-1","good":{"n":%07d,"q":"counted"}}'
)


def payloads(total: int, each: int) -> dict[str, list[bytes]]:
    """Bundles of `each` events for every edge, `total` events in all."""
    now = clock().read()
    made: dict[str, list[bytes]] = {}
    for place in range(EDGES):
        epoch, nonce, edge = new_epoch(), new_nonce(), f"edge-{place}"
        made[edge] = [
            Bundle(
                Header(
                    firm="firm", edge=edge, epoch=epoch, first=first, count=each, nonce=nonce,
                    at=now.at, mono_ms=now.mono_ms, boot=now.boot, clock=now.clock,
                ),
                tuple(LINE % (first + one) for one in range(each)),
            ).encode()
            for first in range(1, total // EDGES + 1, each)
        ]  # fmt: skip
    return made


def client(name: str, port: int, *, keep: bool = False) -> paho.Client:
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not keep, manual_ack=keep)
    made.max_inflight_messages_set(1000)
    made.max_queued_messages_set(0)
    made.connect("127.0.0.1", port)
    return made


def publish(port: int, backlog: dict[str, list[bytes]]) -> None:
    """Give the broker the whole backlog, the edges in turn, and wait for the last PUBACK."""
    publisher = client("bench-publisher", port)
    publisher.loop_start()
    last = None
    for turn in zip(*backlog.values(), strict=True):
        for edge, payload in zip(backlog, turn, strict=True):
            last = publisher.publish(f"mw/1/firm/{edge}/events", payload, qos=1)
    assert last
    last.wait_for_publish(300)
    publisher.disconnect()
    publisher.loop_stop()


def bare(port: int, backlog: dict[str, list[bytes]]) -> float:
    """Messages a second that a consumer drains which acknowledges at once and does nothing else."""
    name, total = "bench-bare", sum(map(len, backlog.values()))
    first = client(name, port, keep=True)
    first.subscribe("mw/1/+/+/events", 1)
    first.loop_start()
    time.sleep(0.5)
    first.loop_stop()
    first.disconnect()
    publish(port, backlog)
    done, times = threading.Event(), [0.0, 0.0]
    count = 0

    def on_message(it: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        nonlocal count
        it.ack(message.mid, 1)
        times[0] = times[0] or time.perf_counter()
        count += 1
        if count == total:
            times[1] = time.perf_counter()
            done.set()

    drain = client(name, port, keep=True)
    drain.on_message = on_message
    drain.loop_start()
    assert done.wait(300)
    drain.loop_stop()
    drain.disconnect()
    forget = client(name, port)
    forget.loop(1)
    forget.disconnect()
    return total / (times[1] - times[0])


def appender(port: int, folder: Path, backlog: dict[str, list[bytes]], events: int) -> float:
    """Events a second from the appender's connection to its last receipt, the ledger in WAL FULL."""
    folder.mkdir()
    settings = folder / "gateway.toml"
    settings.write_text(f'data_dir = "{folder}"\n[mqtt]\nport = {port}\nversion = "3.1.1"\n')
    command = [sys.executable, "-m", "gateway.appender", "--settings", str(settings)]
    connected: list[float] = []

    def run() -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        for line in process.stderr:
            if "connected to the broker" in line:
                connected.append(time.perf_counter())
                return process
        raise SystemExit("the appender did not connect")

    process = run()
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    publish(port, backlog)
    reach: dict[str, int] = {}
    done = threading.Event()

    def on_message(_c: paho.Client, _u: object, message: paho.MQTTMessage) -> None:
        receipt = Receipt.decode(message.payload)
        reach[message.topic] = max(reach.get(message.topic, 0), receipt.epochs[0].upto)
        if sum(reach.values()) == events:
            done.set()

    watcher = client("bench-watcher", port)
    watcher.on_message = on_message
    watcher.subscribe("mw/1/+/+/receipt", 1)
    watcher.loop_start()
    process = run()
    assert done.wait(300), f"{sum(reach.values())} of {events} receipted"
    took = time.perf_counter() - connected[-1]
    watcher.loop_stop()
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    with Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}") as ledger:
        assert ledger.last_position() == events
    forget = client("mw.gateway.appender", port)
    forget.loop(1)
    forget.disconnect()
    return events / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--messages", type=int, default=30_000)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=Path.cwd()))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\nuser root\n"
    )
    broker = subprocess.Popen(["mosquitto", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        events = given.events // (EDGES * BUNDLE_EVENTS) * EDGES * BUNDLE_EVENTS
        messages = given.messages // EDGES * EDGES
        bundles, singles = payloads(events, BUNDLE_EVENTS), payloads(messages, 1)
        result = {
            "bare_messages_a_second": round(bare(port, singles)),
            "single_events_a_second": round(appender(port, folder / "single", singles, messages)),
            "bundled_events_a_second": round(appender(port, folder / "bundled", bundles, events)),
        }
        result["single_to_bare"] = round(result["single_events_a_second"] / result["bare_messages_a_second"], 2)  # type: ignore[assignment]
        print(json.dumps(result))
    finally:
        broker.terminate()
        broker.wait(10)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
