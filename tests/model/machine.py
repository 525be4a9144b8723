"""What may befall the shop: each class is a field of troubles, and a machine has those it inherits."""

import sqlite3
from contextlib import closing, suppress

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from broker.messages import Bundle, Header, new_nonce
from broker.topics import Kind, Topic
from tests.model.broker import Message
from tests.model.parts import FIRM, STRANGER
from tests.model.world import World

which = st.integers(0, 3)
few = st.integers(1, 4)
place = st.integers(0, 7)
often = st.sampled_from([True, True, False])


class Shop(World):
    """An ordinary day, on which a disk may be slow and a connection may end."""

    @initialize()
    def switch_on(self) -> None:
        for server in self.servers:
            server.link.rise()
        for device in self.devices:
            self._rise(device)
            self._scan(device, 3)
        self._flow()
        self._flow()
        self.servers[0].copy()
        self.images.append(self.devices[0].image(self.folder / "image-0"))

    @rule(who=which, count=few, sent=st.booleans())
    def scan(self, who: int, count: int, sent: bool) -> None:
        device = self._one(who)
        self._scan(device, count)
        if sent:
            self._work(device, 100)

    @rule(rounds=few, who=which, count=st.integers(0, 4))
    def flow(self, rounds: int, who: int, count: int) -> None:
        """Everybody works for a moment, and somebody scans."""
        for _ in range(rounds):
            self._flow()
        if count:
            self._scan(self._one(who), count)
            self._work(self._one(who), 100)

    @rule(seconds=st.sampled_from([1, 6, 61, 901]))
    def time_passes(self, seconds: int) -> None:
        self.time.seconds += seconds
        for device in self.devices:
            self._scan(device, 1)
            device.pump()

    @rule(who=which, items=few)
    def edge_works(self, who: int, items: int) -> None:
        self._work(self._one(who), items)

    @rule(count=few)
    def broker_delivers(self, count: int) -> None:
        for name in list(self.broker.sessions):
            self.broker.deliver(name, count)

    @rule(which=st.integers(0, 1), who=which)
    def gateway_gathers(self, which: int, who: int) -> None:
        """It has a group in hand, with what was just scanned, and its disk is slow."""
        server = self._server_at(which)
        self._scan(self._one(who), 1)
        self._work(self._one(who), 100)
        self.broker.deliver(server.name)
        server.gather()

    @rule(which=st.integers(0, 1), more=st.booleans())
    def gateway_commits(self, which: int, more: bool) -> None:
        server = self._server_at(which)
        if more:
            self.broker.deliver(server.name)
        self._write(server)

    @rule(who=which)
    def edge_keeps_house_a_month_later(self, who: int) -> None:
        device = self._one(who)
        marked, before = device.marked(), device.on_disk()
        device.keep()
        gone = before.keys() - device.on_disk().keys()
        self.check(gone <= marked, f"{gone - marked} left the disk unreceipted")
        for epoch, seq in gone:
            ever = self._ever(device.uplink.sending.ledger)
            event = ((device.author, epoch, seq), before[epoch, seq])
            self.check(event in ever, f"{event} left the disk and no ledger ever held it")

    @rule(who=which, again=often)
    def edge_loses_its_connection(self, who: int, again: bool) -> None:
        device = self._one(who)
        device.link.lose()
        if again:
            self._rise(device)
            self._work(device, 100)

    @rule(who=which)
    def edge_connects(self, who: int) -> None:
        self._rise(self._one(who))

    @rule(which=st.integers(0, 1), again=often)
    def gateway_loses_its_connection(self, which: int, again: bool) -> None:
        server = self._server_at(which)
        if server.running:
            server.link.lose()
        if again:
            self._serve(server)

    @rule(which=st.integers(0, 1))
    def gateway_connects(self, which: int) -> None:
        self._serve(self._server_at(which))


class Network(Shop):
    """What a broker and the lines to it do."""

    @rule(again=often)
    def broker_is_wiped(self, again: bool) -> None:
        self.broker.wipe()
        if again:
            for server in self.servers:
                if server.running:
                    server.link.rise()
            for device in self.devices:
                self._rise(device)
                self._work(device, 100)

    @rule(which=st.integers(0, 1), who=which)
    def broker_is_wiped_while_the_ledger_is_slow(self, which: int, who: int) -> None:
        """New messages get the packet ids of those that are just being committed."""
        self.gateway_gathers(which, who)
        self.broker_is_wiped(again=True)
        self.scan(who, count=1, sent=True)
        self.broker_delivers(4)
        self.gateway_commits(which, more=False)

    @precondition(lambda self: self.broker.waiting())
    @rule(at=place)
    def broker_drops(self, at: int) -> None:
        session, n = self._queued(at)
        del session.queue[n]

    @precondition(lambda self: self.broker.waiting())
    @rule(at=place, times=few)
    def broker_repeats(self, at: int, times: int) -> None:
        session, n = self._queued(at)
        session.queue.extend([session.queue[n]] * times)

    @precondition(lambda self: self.broker.waiting())
    @rule(at=place, to=place)
    def broker_reorders(self, at: int, to: int) -> None:
        session, n = self._queued(at)
        message = session.queue[n]
        del session.queue[n]
        session.queue.insert(to, message)

    @precondition(lambda self: self.broker.waiting())
    @rule(at=place)
    def a_proxy_holds_back(self, at: int) -> None:
        session, n = self._queued(at)
        self.broker.held_back.append(session.queue[n])
        del session.queue[n]

    @rule(who=which)
    def a_proxy_keeps_the_receipts_of_a_connection(self, who: int) -> None:
        """They were under way when it ended."""
        device = self._one(who)
        if session := self.broker.sessions.get(device.link.name):
            self.broker.held_back.extend(session.queue)
            session.queue.clear()
        device.link.lose()
        self._rise(device)

    @precondition(lambda self: self.broker.held_back)
    @rule(at=place, again=st.booleans())
    def a_proxy_lets_go(self, at: int, again: bool) -> None:
        message = self.broker.held_back[at % len(self.broker.held_back)]
        if not again:
            self.broker.held_back.remove(message)
        self.broker.publish(message)


class Deaths(Shop):
    """kill -9."""

    @rule(who=which)
    def edge_is_killed(self, who: int) -> None:
        device = self._one(who)
        device.close()
        device.open()
        self._rise(device)

    @rule(
        which=st.integers(0, 1),
        who=which,
        where=st.sampled_from(["commit", "acknowledge", "publish"]),
        network_first=st.booleans(),
        again=often,
    )
    def gateway_is_killed(self, which: int, who: int, where: str, network_first: bool, again: bool) -> None:
        server = self._server_at(which)
        self._scan(self._one(who), 1)
        self._work(self._one(who), 100)
        self.broker.deliver(server.name)
        if server.gather():
            server.die_writing(where, network_first=network_first)
            self._looked(server)
        server.kill()
        self.broker_delivers(4)
        self._work(self._one(who), 100)
        if again:
            self._serve(server)


class Cards(Shop):
    """What becomes of SD cards."""

    @precondition(lambda self: len(self.images) < 4)
    @rule(who=which)
    def card_is_imaged(self, who: int) -> None:
        self.images.append(self._one(who).image(self.folder / f"image-{len(self.images)}"))

    @precondition(lambda self: self.images)
    @rule(at=which, count=st.integers(0, 4))
    def card_is_rolled_back(self, at: int, count: int) -> None:
        self.tally["cards rolled back"] += 1
        image = self.images[at % len(self.images)]
        self._exchange(next(one for one in self.devices if one.settings.edge == image.edge), image, count)
        self._flow()

    @rule(who=which)
    def card_is_replaced_by_a_new_one(self, who: int) -> None:
        self._exchange(self._one(who), None)

    @precondition(lambda self: self.images and len(self.devices) < 4)
    @rule(at=which, count=st.integers(0, 4))
    def card_is_cloned_and_both_run(self, at: int, count: int) -> None:
        image = self.images[at % len(self.images)]
        self.tally["cards cloned"] += 1
        clone = self._device(image.edge)
        self.devices.append(clone)
        self._exchange(clone, image, count)


class Damage(Shop):
    """What becomes of what is written on them."""

    @rule(who=which, back=few, count=few, said=often)
    def card_loses_a_row(self, who: int, back: int, count: int, said: bool) -> None:
        """One of the last, which was not sent yet."""
        device = self._one(who)
        self._scan(device, count)
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(device.path)) as db, db:
            found = [one for (one,) in db.execute("SELECT id FROM event ORDER BY id DESC")]
            if found:
                db.execute("UPDATE event SET body=x'00' WHERE id=?", (found[(back - 1) % len(found)],))
        if said:
            self._rise(device)
            self._flow()
            self.time.seconds += 6
            self._flow()
            self._flow()

    @rule(who=which, page=st.integers(0, 30), byte=st.sampled_from([b"\0", b"\xff"]))
    def card_has_a_bad_page(self, who: int, page: int, byte: bytes) -> None:
        """The agent meets it when it next needs that page, and rescues the rest."""
        device = self._one(who)
        device.on_disk()
        device.spoil(page, byte)
        device.open()
        self._rise(device)

    @rule(who=which, page=st.integers(0, 30), byte=st.sampled_from([b"\0", b"\xff"]), cut_short=st.booleans())
    def card_is_rescued(self, who: int, page: int, byte: bytes, cut_short: bool) -> None:
        """A bad page costs the events on it and no others."""
        device = self._one(who)
        before = device.on_disk()
        on_it = device.spoil(page, byte)
        device.rescue(cut_short=cut_short)
        after = device.on_disk()
        self.tally["events rescued"] += len(after)
        gone = before.keys() - on_it - after.keys()
        self.check(not gone, f"{gone} were on good pages and are not on the card any more")
        self._rise(device)


class Twins(Shop):
    """A second writer under the name and numbers of an edge: a doubled memory, a planted program."""

    @precondition(lambda self: self.servers[0].rows and self.servers[0].running and self.servers[0].link.connected)
    @rule(at=st.integers(0, 200))
    def a_number_is_used_twice(self, at: int) -> None:
        """Both are kept, the second is shown, and only then receipted."""
        server = self.servers[0]
        (author, epoch, seq), first = server.rows[at % len(server.rows)]
        self.events += 1
        line = b'{"n":%d}' % self.events
        self.planted.add(((author, epoch, seq), line))
        now, nonce = self.time.read(), new_nonce()
        header = Header(
            at=now.at, mono_ms=now.mono_ms, boot=now.boot, clock=now.clock, firm=FIRM,
            edge=author.partition("/")[2], epoch=epoch, first=seq, count=1, nonce=nonce,
        )  # fmt: skip
        sent = Message(str(Topic(header.firm, header.edge, Kind.EVENTS)), Bundle(header, (line,)).encode())
        self.broker.sessions[server.name].queue.append(sent)
        self.broker.deliver(server.name)
        while self._write(server):
            pass
        both = {((author, epoch, seq), first), ((author, epoch, seq), line)}
        self.check(both <= server.holding, f"not both of {both} are kept")
        self.check(nonce in self.answered, "it was not answered")
        self.tally["numbers used twice"] += 1


class Ledgers(Shop):
    """Backups, restores, and somebody else's server."""

    @precondition(lambda self: len(self.servers) < 2)
    @rule()
    def a_stranger_answers_too(self) -> None:
        server = self._server(STRANGER)
        self.servers.append(server)
        server.link.rise()
        self._looked(server)

    @precondition(lambda self: self.servers[0].running and len(self.servers[0].copies) < 3)
    @rule()
    def ledger_is_copied(self) -> None:
        self.servers[0].copy()

    @precondition(lambda self: self.servers[0].copies)
    @rule(at=which, how=st.sampled_from(["restored", "restored", "put back", "put back", "begun empty"]))
    def ledger_goes_back(self, at: int, how: str) -> None:
        server = self.servers[0]
        copy = server.copies[at % len(server.copies)]
        if how == "begun empty" and not self.emptied:
            self.emptied = True
            server.begin_empty()
        elif how == "put back" and copy.ledger == server.id:
            server.put_back(copy)
        else:  # a bare copy from before the ledger's last change of name is an older ledger, which edges rightly refuse
            how = "restored"
            server.restore(copy)
        self.tally[f"ledgers {how}"] += 1
        self._looked(server)
        server.link.rise()


class LateReceipts(Network, Ledgers):
    """Receipts that were under way when their ledger was put back to an older copy."""

    @precondition(lambda self: self.servers[0].running and self.servers[0].copies)
    @rule(who=which, at=which)
    def ledger_goes_back_while_receipts_are_under_way(self, who: int, at: int) -> None:
        self.scan(who, count=2, sent=True)
        self.broker.deliver(self.servers[0].name)
        self._write(self.servers[0])
        self.a_proxy_keeps_the_receipts_of_a_connection(who)
        self.ledger_goes_back(at, "put back")
        self._work(self._one(who), 100)
        while self.broker.held_back:
            self.a_proxy_lets_go(0, again=False)
        self.broker_delivers(4)
        self._work(self._one(who), 100)


class Machine(LateReceipts, Deaths, Cards, Damage, Twins):
    """Everything at once."""
