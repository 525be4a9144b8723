"""What devices sent, kept on the edge's disk: bounded, whole after a power cut, never in the way of a scan."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge import raw
from edge.raw import Chunk
from edge.tap import Tap

AT = datetime(2026, 11, 20, 0, 28, tzinfo=UTC)


class Line:
    """An open line of which a test says what arrives."""

    def __init__(self, *arrives: bytes) -> None:
        self.arrives, self.sent = list(arrives), b""

    def read(self, timeout_seconds: float) -> bytes:
        return self.arrives.pop(0) if self.arrives else b""

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        pass


def heard(folder: Path) -> list[bytes]:
    return [chunk.data for chunk in raw.read(folder) if not chunk.sent]


def test_what_goes_over_the_line_is_kept_in_order_both_ways(tmp_path: Path):
    tap, line = Tap(tmp_path / "m1", 80_000), Line(b"READY\n", b"@1 < 9\n\x00\xff")
    wire = tap.on(line)
    assert wire.read(1) == b"READY\n"
    wire.write(b"?Q100\r")
    assert wire.read(1)
    tap.write()
    assert [(chunk.sent, chunk.data) for chunk in raw.read(tmp_path / "m1")] == [
        (False, b"READY\n"),
        (True, b"?Q100\r"),
        (False, b"@1 < 9\n\x00\xff"),
    ]
    assert (tap.received, line.sent) == (15, b"?Q100\r")


def test_the_oldest_goes_and_the_whole_never_grows_beyond_its_limit(tmp_path: Path):
    tap = Tap(tmp_path / "m1", 8000)
    for number in range(400):
        tap.note(b"%05d" % number * 20)
        tap.write()
    kept = heard(tmp_path / "m1")
    assert kept[-1] == b"00399" * 20
    assert kept == [b"%05d" % number * 20 for number in range(400 - len(kept), 400)]
    assert len(raw.files(tmp_path / "m1")) <= raw.FILES
    assert 4000 < sum(file.stat().st_size for file in raw.files(tmp_path / "m1")) < 8000 + raw.FILES * 200


def test_after_a_power_cut_what_was_whole_is_read_and_keeping_goes_on(tmp_path: Path):
    tap = Tap(tmp_path / "m1", 80_000)
    tap.note(b"before")
    tap.write()
    (file,) = raw.files(tmp_path / "m1")
    with file.open("ab") as stream:
        stream.write(raw.encode(Chunk(AT, b"half of this"))[:-5])
    again = Tap(tmp_path / "m1", 80_000)
    again.note(b"after")
    again.write()
    assert heard(tmp_path / "m1") == [b"before", b"after"]


def test_a_device_that_never_stops_talking_fills_no_memory(tmp_path: Path):
    tap = Tap(tmp_path / "m1", 80_000)
    for _ in range(100):
        tap.note(bytes(65_536))
    assert tap.received == 6_553_600
    tap.write()
    assert sum(file.stat().st_size for file in raw.files(tmp_path / "m1")) < 700_000


def test_where_space_is_short_what_was_kept_goes_and_nothing_is_written(tmp_path: Path):
    tap = Tap(tmp_path / "m1", 80_000)
    tap.note(b"one")
    tap.write()
    tap.note(b"two")
    tap.shrink()
    tap.write()
    assert heard(tmp_path / "m1") == []
    tap.note(b"three")
    tap.write()
    assert heard(tmp_path / "m1") == [b"three"]


def test_nothing_is_kept_if_so_set_and_bytes_are_counted_all_the_same(tmp_path: Path):
    tap = Tap(tmp_path / "m1", 0)
    tap.note(b"one")
    tap.write()
    assert tap.received == 3
    assert not (tmp_path / "m1").exists()


def test_a_file_that_is_none_of_ours_is_read_as_nothing(tmp_path: Path):
    (tmp_path / "00000001.raw").write_bytes(b"2026-11-20T09:00:00Z|execution|ACTIVE\n")
    assert list(raw.read(tmp_path)) == []
    for damage in (b"@9999999999999999 < 1\nx\n", b"@1 < 999999\nx\n", b"@1 ? 1\nx\n", b"@253402300800000 < 1\nx\n"):
        (tmp_path / "00000001.raw").write_bytes(raw.FIRST_LINE + raw.encode(Chunk(AT, b"good")) + damage)
        assert list(raw.read(tmp_path)) == [Chunk(AT, b"good")]


def test_times_are_kept_to_the_millisecond():
    later = AT + timedelta(milliseconds=123)
    assert raw.encode(Chunk(later, b"x")) == b"@%d < 1\nx\n" % round(later.timestamp() * 1000)
