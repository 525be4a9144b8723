"""What a machine was heard to say, and what to do where it says nothing: the words of `check`, `status` and `try`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.words import MACHINE_STATES, Word
from edge.drivers.device import CANNOT_BE_SET, Gpio, Place, Serial, Tcp, Topics
from edge.drivers.readings import Reading, State, Text, Total
from edge.rules.turn import escaped

NOT_YET = Word("まだ何も言いません", "nothing said yet")
_COUNTERS_MOST = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """How a device was heard: in the words of the floor's page, or `mute` where it is understood and tells nothing.

    `why`: the sentence of the line or of the driver itself; `told`: what it says.
    """

    state: str
    why: str = ""
    told: Word | None = None


def told(readings: Sequence[Reading]) -> Word | None:
    """Return what readings say in a few words; None if they say neither a state nor a number nor a code."""
    states = [one.state.value for one in readings if isinstance(one, State)]
    counters = {one.signal: one.value for one in readings if isinstance(one, Total)}
    texts = [one for one in readings if isinstance(one, Text)]
    if texts and not states and not counters:
        return Word("読み取り", "a scan")
    return in_words(states[-1] if states else None, counters)


def in_words(state: str | None, counters: Mapping[str, object]) -> Word | None:
    """Return a state and counters in a few words; None if there are none."""
    word = MACHINE_STATES.get(state or "")
    said = [] if word is None else [word]
    said += [
        (_PIECES if name == "parts" else _NUMBER).filled(name=escaped(name), n=n)
        for name, n in list(counters.items())[:_COUNTERS_MOST]
    ]
    return Word("、".join(one.ja for one in said), ", ".join(one.en for one in said)) if said else None


def unheard(place: Place | None, heard: Asked) -> Word | None:
    """Return what to do about a device whose line is open; None if it is heard. Its driver's own words come first."""
    remedy = _REMEDIES.get((heard.state, type(place))) or _REMEDIES.get((heard.state, None))
    if remedy is None:
        return None
    if not heard.why:
        return remedy
    ja, _, en = heard.why.partition(" / ")
    own = Word(ja, en or ja)
    if heard.state == "mute":
        return own
    return Word(f"{own.ja}。{remedy.ja}", f"{own.en.rstrip('?')}; {remedy.en}")


def away(place: Place, why: str) -> Word:
    """Return what to do about a device whose line cannot be opened, or is gone."""
    match place:
        case Serial(port):
            if not port.exists():
                return _NO_PORT
            if CANNOT_BE_SET in why:
                return Word(
                    "この口はその速さか枠にできません。変換器を FTDI の物に替えるか、framing を直してください", why
                )
            return Word(
                "開けません。線を差し、ほかのプログラムを止め、port を mawashi-edge ports と見比べてください",
                f"{why}. Plug it in, close other programs, compare port with: mawashi-edge ports",
            )
        case Gpio():
            return Word(
                "ピンが使えません。gpio を gpioinfo と見比べ、利用者を gpio に入れてください",
                f"{why}. Compare gpio with: gpioinfo; add the user to the group: usermod -aG gpio USER",
            )
        case Topics():
            return Word(
                "ブローカーにつながりません。動いているか、host、port、username、password_file を確かめてください",
                f"broker: {why}. See that it runs, and mend host, port, username, password_file of this table",
            )
        case _:
            return Word(
                "つながりません。機械の電源と LAN の線、[[machine]] の address（Modbus は unit も）を確かめてください",
                f"{why}. See that it is switched on and connected, and mend address in [[machine]]",
            )


def nothing(place: Place, driver: str) -> Word | None:
    """Return what to do where `try` heard nothing that could be read, though the line is open."""
    if isinstance(place, Topics):
        return _REMEDIES["waiting", Topics]
    return _MODBUS if driver == "modbus" else _NOTHING


_PIECES, _NUMBER = Word("個数 {n}", "{n} pieces"), Word("{name} {n}", "{name} {n}")
_NO_PORT = Word(
    "その名前の口がありません。差して、port を mawashi-edge ports と見比べてください（別の変換器なら名前も違います）",
    "there is no such port. Plug it in and compare port with: mawashi-edge ports (another adapter has another name)",
)
_NOTHING = Word(
    "読める物が届きません。電源と線、driver が合うか、listen で何が来るか（速さ、枠）を見てください",
    "nothing that could be read arrived. See power and cable, that the driver is the right one, "
    "and what comes: mawashi-edge listen",
)
_MODBUS = Word(
    "Modbus は聞く値が決まっていないと何も聞けません。[[machine.signal]] を edge.toml に書き、"
    "mawashi-edge try modbus --input ID --machine ID",
    "Modbus can ask for nothing before its values are named: write [[machine.signal]] in edge.toml, "
    "then mawashi-edge try modbus --input ID --machine ID. With those written: see power, unit, baud, A and B",
)
_REMEDIES: dict[tuple[str, type[object] | None], Word] = {
    ("garbage", None): Word(
        "信号は来ますが読めません。mawashi-edge listen で速さと枠を調べ、baud、framing、driver を直してください",
        "bytes come, none understood. Find the speed with mawashi-edge listen; mend baud, framing, driver",
    ),
    ("garbage", Tcp): Word(
        "信号は来ますが読めません。別の装置のアドレスか、driver が違います。mawashi-edge listen で見て直してください",
        "bytes come, none understood: the address of another device, or the wrong driver. See with mawashi-edge "
        "listen; mend address, driver",
    ),
    ("garbage", Topics): Word(
        "届きますが読めません。mosquitto_sub -v で来る物と topic、path、driver を見比べてください",
        "messages come, none understood: compare topic, path and driver with what mosquitto_sub -v shows",
    ),
    ("waiting", None): Word(
        "つながりますが、答えません。機械の電源、通信の設定（baud、framing、unit など）を取扱説明書と比べてください",
        "it connects and does not answer. See that it is switched on; compare its settings with its manual",
    ),
    ("waiting", Tcp): Word(
        "つながりますが、答えません。機械の電源、address の番号（ポート）、driver、Modbus なら unit を確かめてください",
        "it connects and does not answer. See that it is switched on, and that the port number in address, "
        "the driver and, for Modbus, the unit are its own",
    ),
    ("waiting", Topics): Word(
        "まだ何も届きません。トピックの名前は合っていますか。mosquitto_sub -v -t '#' で見比べてください",
        "nothing came yet. Is the topic's name right? Compare with: mosquitto_sub -v -t '#'",
    ),
    ("silent", None): Word(
        "つながっていますが返事がなくなりました。機械の電源を確かめてください",
        "connected, and it answers no more. See that the machine is switched on",
    ),
    ("mute", None): Word(
        "読めますが、状態も個数も言いません。機械の電源と、設定の項目名や番地を、装置の言う物と見比べてください",
        "it is understood, but tells neither state nor pieces. See that the machine is on, and compare the names and "
        "addresses in its settings with what it says",
    ),
    ("mute", Topics): Word(
        "届きますが、状態も個数もまだありません。name、topic、path、state、count は mosquitto_sub -v のとおりですか",
        "messages come, with neither state nor count so far. Compare name, topic, path, state, count with what "
        "mosquitto_sub -v shows",
    ),
}
"""What to do, by how a device is heard and by its kind of line (None: any)."""
