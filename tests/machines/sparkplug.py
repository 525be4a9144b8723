"""An edge node with one machine that speaks Sparkplug B, to a real broker; encoded by the protobuf library, not by ours."""

import threading
import time

import paho.mqtt.client as paho
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from paho.mqtt.enums import CallbackAPIVersion

_TYPES = {"uint32": 13, "uint64": 4, "float": 2, "double": 1, "bool": 8, "string": 9, "bytes": 12, "message": 11}
_METRIC = (
    ("name", 1, "string"), ("alias", 2, "uint64"), ("timestamp", 3, "uint64"), ("datatype", 4, "uint32"),
    ("is_historical", 5, "bool"), ("is_transient", 6, "bool"), ("is_null", 7, "bool"), ("int_value", 10, "uint32"),
    ("long_value", 11, "uint64"), ("float_value", 12, "float"), ("double_value", 13, "double"),
    ("boolean_value", 14, "bool"), ("string_value", 15, "string"), ("bytes_value", 16, "bytes"),
)  # fmt: skip
_PAYLOAD = (("timestamp", 1, "uint64"), ("metrics", 2, "message"), ("seq", 3, "uint64"), ("uuid", 4, "string"))
"""Names and numbers of sparkplug_b.proto, as the specification prints them (Sparkplug 3.0, 6.4)."""
INT8, INT32, INT64, FLOAT, DOUBLE, BOOLEAN, STRING = 1, 3, 4, 9, 10, 11, 12


def _schema() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug.proto", package="spb", syntax="proto2")
    for name, fields in (("Metric", _METRIC), ("Payload", _PAYLOAD)):
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            message.field.add(
                name=field,
                number=number,
                type=_TYPES[kind],
                label=3 if kind == "message" else 1,
                type_name=".spb.Metric" if kind == "message" else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("spb.Payload"))


Payload = _schema()


def payload(*metrics: dict[str, object], **fields: object) -> bytes:
    """Encode a payload; metrics and fields by the names of the schema."""
    message = Payload(**fields)
    for metric in metrics:
        message.metrics.add(**metric)
    return message.SerializeToString()


class Node:
    """Edge node `cell-1` of the group `shop` with the device `lathe-1`. `commands` are what it was sent."""

    def __init__(self, port: int, group: str = "shop", node: str = "cell-1", device: str = "lathe-1") -> None:
        self.group, self.node, self.device = group, node, device
        self.commands: list[bytes] = []
        self.state, self.count = "READY", 0
        self._port, self._bd_seq, self._seq = port, 0, -1
        self._lock = threading.RLock()
        self._client: paho.Client | None = None

    def start(self) -> "Node":
        """Connect with a will, and be born."""
        up = threading.Event()
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"{self.group}-{self.node}")
        client.will_set(self._topic("NDEATH"), self.death(self._bd_seq), qos=1)
        client.on_subscribe = lambda *_: up.set()
        client.on_message = lambda *arguments: self._command(arguments[-1].payload)
        client.connect("127.0.0.1", self._port, keepalive=5)
        client.loop_start()
        client.subscribe(self._topic("NCMD"))
        assert up.wait(10)
        self._client = client
        self.born()
        return self

    def stop(self) -> None:
        """Cut off without a word: the broker publishes its death."""
        if self._client:
            self._client.loop_stop()
            if sock := self._client.socket():
                sock.close()
            self._client, self._bd_seq = None, (self._bd_seq + 1) % 256

    def born(self) -> None:
        """Say everything anew."""
        with self._lock:
            self._seq = -1
            self.publish(
                self._topic("NBIRTH"),
                {"name": "bdSeq", "datatype": INT64, "long_value": self._bd_seq},
                {"name": "Node Control/Rebirth", "datatype": BOOLEAN, "boolean_value": False},
            )
            self.publish(
                self._topic("DBIRTH", self.device),
                {"name": "Execution", "alias": 7, "datatype": STRING, "string_value": self.state},
                {"name": "PartCount", "alias": 8, "datatype": INT64, "long_value": self.count},
            )

    def run(self) -> None:
        """The machine runs."""
        self._does("ACTIVE")

    def idle(self) -> None:
        """The machine stands still."""
        self._does("READY")

    def piece(self, pieces: int = 1) -> None:
        """So many pieces more, each by itself."""
        for _ in range(pieces):
            self.count += 1
            self.data({"alias": 8, "long_value": self.count})

    def lose(self) -> None:
        """Use a sequence number for a message that nobody gets."""
        self._seq = (self._seq + 1) % 256

    def data(self, *metrics: dict[str, object]) -> None:
        """Publish metrics of the device."""
        self.publish(self._topic("DDATA", self.device), *metrics)

    def publish(self, topic: str, *metrics: dict[str, object]) -> None:
        """Publish with the next sequence number."""
        with self._lock:
            self._seq = (self._seq + 1) % 256
            now = int(time.time() * 1000)
            self.raw(topic, payload(*metrics, timestamp=now, seq=self._seq))

    def raw(self, topic: str, data: bytes, *, retain: bool = False) -> None:
        """Publish anything."""
        assert self._client
        self._client.publish(topic, data, retain=retain)

    def death(self, bd_seq: int) -> bytes:
        """Return the payload of a will."""
        return payload({"name": "bdSeq", "datatype": INT64, "long_value": bd_seq}, timestamp=int(time.time() * 1000))

    def _does(self, state: str) -> None:
        self.state = state
        self.data({"alias": 7, "string_value": state})

    def _command(self, data: bytes) -> None:
        self.commands.append(data)
        asked = Payload.FromString(data)
        if any(one.name == "Node Control/Rebirth" and one.boolean_value for one in asked.metrics):
            self.born()

    def _topic(self, kind: str, *device: str) -> str:
        return "/".join(("spBv1.0", self.group, kind, self.node, *device))
