"""The faults that are played, by their number in the table of what Mawashi survives (docs/chaos.md)."""

from tests.chaos import bench, cards, house, killed, served, strangers, wired
from tests.chaos.fault import Fault

FAULTS: dict[str, Fault] = {
    "F1": Fault("kill -9 of the edge", killed.edge, alone=True),
    "F2": Fault("kill -9 of the gateway", killed.gateway),
    "F3": Fault("broker killed and wiped", killed.broker, in_tests=True),
    "F4": Fault("the broker's queue is full", wired.full_queue, alone=True),
    "F5": Fault("ledger locked, state deleted", house.ledger_locked),
    "F6": Fault("InfluxDB away or misbehaving", house.influx),
    "F7": Fault("disk full, read-only", cards.full),
    "F8": Fault("repeated and reordered", wired.repeated, in_tests=True),
    "F9": Fault("stale acknowledgement", wired.stale_ack),
    "F10": Fault("receipts lost, repeated, late", wired.receipts),
    "F11": Fault("ledger of yesterday", house.gone_back),
    "F12": Fault("card restored, re-imaged, cloned", cards.moved),
    "F13": Fault("clocks that lie", bench.clocks),
    "F14": Fault("malformed messages", strangers.malformed),
    "F15": Fault("scanner unplugged, garbage", bench.cables),
    "F16": Fault("certificates", strangers.certificates),
    "F17": Fault("slow ledger", house.slow, alone=True),
    "F18": Fault("broker frozen, line flapping", wired.frozen),
    "F19": Fault("power cut in a commit", cards.power, in_tests=True),
    "F20": Fault("flipped bits in the outbox", cards.flipped, in_tests=True),
    "F21": Fault("huge backlog", house.backlog, alone=True),
    "F22": Fault("two gateways, two edges of a name", house.two),
    "F23": Fault("mains cut every evening", killed.mains),
    "F24": Fault("the rules raise", house.rules_raise),
    "F25": Fault("somebody else's receipt", wired.old_receipt),
    "F26": Fault("edge and card gone", cards.gone, in_tests=True),
}
"""Written by hand. What is not in it is said at the end of every run."""

ALL = tuple(f"F{n}" for n in range(1, 27))

ON_POSTGRESQL: dict[str, Fault] = {
    **{number: FAULTS[number] for number in ("F2", "F5", "F8", "F9", "F11", "F17")},
    "F19": Fault("power cut in the server's commit", served.power),
    "F23": FAULTS["F23"],
}
"""Those that injure the ledger, its commits or what hangs on them; played again with ledger and state on a server."""
