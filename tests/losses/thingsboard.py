"""ThingsBoard gateway's own storage classes, run by the Python they are installed for.

`python -m tests.losses.thingsboard memory|file|sqlite FOLDER PORT`. It uses nothing of Mawashi. What surrounds the
storage does as its tb_gateway_service.py does (3.8.5): four more tries for what the storage refused; a pack is published
with QoS 1 and leaves the storage when all of it has its PUBACK. The settings are those of the tb_gateway.json it ships.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import thingsboard_gateway
from paho.mqtt.enums import CallbackAPIVersion
from thingsboard_gateway.storage.file.file_event_storage import FileEventStorage
from thingsboard_gateway.storage.memory.memory_event_storage import MemoryEventStorage
from thingsboard_gateway.storage.sqlite.sqlite_event_storage import SQLiteEventStorage
from thingsboard_gateway.tb_utility.tb_logger import TbLogger

TOPIC = "events"
STORAGES = {"memory": MemoryEventStorage, "file": FileEventStorage, "sqlite": SQLiteEventStorage}
TRIES, TRY_SECONDS = 5, 0.1
IDLE_SECONDS = 0.05
"""`minPackSendDelayMS` of its tb_gateway.json."""


def settings(kind: str, folder: str) -> dict[str, Any]:
    """Return the storage settings it ships, for this kind and folder; sqlite reads its own default of 1,000 at a time.

    The shipped 10 suit the files, and SQLite does not keep up with 200 events a second when read in tens.
    """
    shipped = Path(thingsboard_gateway.__file__).parent / "config" / "tb_gateway.json"
    found: dict[str, Any] = json.loads(shipped.read_text())["storage"]
    if kind == "sqlite":
        del found["max_read_records_count"]
    return found | {"type": kind, "data_folder_path": folder + "/", "data_file_path": folder + "/"}


def send(storage: Any, port: int) -> None:
    """Publish pack after pack, for ever."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="sender", clean_session=False)
    client.max_queued_messages_set(0)
    client.reconnect_delay_set(1, 1)
    client.connect_async("127.0.0.1", port, keepalive=10)
    client.loop_start()
    while True:
        if not client.is_connected():
            time.sleep(IDLE_SECONDS)
        elif pack := storage.get_event_pack():
            for published in [client.publish(TOPIC, one, qos=1) for one in pack]:
                published.wait_for_publish()
            storage.event_pack_processing_done()
        else:
            time.sleep(IDLE_SECONDS)


def put(storage: Any, body: str) -> bool:
    """Whether the storage took it at last."""
    for left in reversed(range(TRIES)):
        if storage.put(body):
            return True
        if left:
            time.sleep(TRY_SECONDS)
    return False


def main() -> None:
    _, kind, folder, port = sys.argv
    storage = STORAGES[kind](settings(kind, folder), TbLogger("storage"), threading.Event())
    threading.Thread(target=send, args=(storage, int(port)), daemon=True).start()
    for line in sys.stdin:
        print("accepted" if put(storage, line.rstrip("\n")) else "refused", flush=True)


if __name__ == "__main__":
    main()
