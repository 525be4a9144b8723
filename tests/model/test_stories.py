"""Single stories on the model's world: numbers said lost that can be read after all, and a doubled memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy

import pytest

from tests.model.device import Device
from tests.model.machine import Machine


@pytest.fixture
def shop() -> Iterator[Machine]:
    """The model's shop after switching on: every promise is checked at the end, when all has healed."""
    machine = Machine()
    machine.switch_on()
    yield machine
    machine.teardown()


def scanned_offline(shop: Machine, count: int) -> Device:
    device = shop.devices[0]
    device.link.lose()
    shop._scan(device, count)
    return device


def worked(shop: Machine) -> None:
    for _ in range(4):
        shop.time.seconds += 6
        while shop._flow():
            pass


def gaps(shop: Machine) -> list[tuple[int, int]]:
    return [one for status in shop.servers[0].ledger.authors() for one in status.gaps]


def root_of_events(device: Device) -> int:
    with closing(sqlite3.connect(device.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return int(db.execute("SELECT rootpage FROM sqlite_master WHERE name='event'").fetchone()[0])


def test_what_one_card_lost_is_sent_by_an_older_copy_of_it_that_still_holds_it(shop: Machine):
    device = scanned_offline(shop, 20)
    image = device.image(shop.folder / "older")
    shop.card_loses_a_row(0, back=9, count=1, said=False)
    shop._rise(device)
    worked(shop)
    assert gaps(shop) == [(16, 16)]
    shop._exchange(device, image)
    worked(shop)
    assert gaps(shop) == []


def test_a_damaged_page_that_hides_good_rows_calls_none_of_them_lost(shop: Machine):
    device = scanned_offline(shop, 30)
    device.spoil(root_of_events(device) - 1, b"\xff")
    device.open()
    shop._rise(device)
    worked(shop)
    assert device.rescues == 1
    assert (gaps(shop), len(shop.servers[0].rows)) == ([], 36)


def test_an_edge_that_said_what_it_lost_is_done_with_it(shop: Machine):
    device = scanned_offline(shop, 20)
    shop.card_loses_a_row(0, back=9, count=1, said=False)
    shop._rise(device)
    worked(shop)
    (held,) = device.uplink.sending.held.values()
    assert (held.waiting, held.receipted) == ((), 24)
    assert shop.servers[0].ledger.lineage == ()


def twin_of(shop: Machine, device: Device) -> Device:
    """The same machine once more, card and memory, as a snapshot of a running virtual machine makes it."""
    twin = shop._device(device.settings.edge)
    twin.close()
    twin.put_back(device.image(shop.folder / "snapshot"))
    twin.open()
    old, new = device.outbox, twin.outbox
    new._ordinal, new._epoch, new._last, new._ordinals = old._ordinal, old._epoch, old._last, dict(old._ordinals)
    twin.uplink.sending = deepcopy(device.uplink.sending)
    shop.devices.append(twin)
    shop.doubled = True
    return twin


def test_of_two_copies_of_a_running_agent_all_that_arrives_is_kept_and_the_second_is_shown(shop: Machine):
    device = shop.devices[0]
    twin = twin_of(shop, device)
    assert device.outbox.next_ref == twin.outbox.next_ref
    for one in (device, twin, device, twin):
        shop._rise(one)
        shop._scan(one, 1)
        worked(shop)
    server = shop.servers[0]
    shown = [(one.reason, one.seq) for one in server.ledger.set_aside()]
    assert shown == [("number used twice", 4), ("number used twice", 5)]
    assert {line for _, line in server.holding} >= {*device.truth.values(), *twin.truth.values()}
