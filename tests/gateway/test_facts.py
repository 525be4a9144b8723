"""Facts, pure: each firm's database holds no more than its view, and every point every field."""

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from broker.events import Grant, Level
from gateway.facts import UNKNOWN, Fact, index, nanoseconds, tag
from gateway.facts.orders import order_facts
from gateway.resolve import Rejected, judge
from gateway.rules.account import order_account
from gateway.rules.fold import fold
from gateway.rules.order import OrderState
from gateway.rules.row import Row
from gateway.rules.sharing import view
from gateway.rules.stamp import stamp
from tests.gateway.shop import BEGIN, BOOT, Shop, counted, received

ZONE = ZoneInfo("Asia/Tokyo")


def folded(shop: Shop, key: str) -> OrderState:
    events = []
    for n, line in enumerate(shop.lines):
        at = received(line)
        row = Row(n + 1, line.author, line.epoch, line.seq, line.body, at, at, 0, BOOT, line.event.clock)
        event = judge(row)
        assert not isinstance(event, Rejected)
        events.append(stamp(row, event))
    return fold(key, events)


def facts_of(order: OrderState, firm: str, measurement: str) -> list[tuple[dict[str, str], dict[str, object]]]:
    viewers = {*order.firms, *(viewer for viewer, _ in order.grants)}
    views = {viewer: seen for viewer in viewers if (seen := view(order, viewer))}
    assert order.last_at
    facts = order_facts(order, views, order_account(order, order.last_at), ZONE)
    return [
        (dict(json.loads(tags)), json.loads(fields))
        for (database, name, tags, _), fields in facts.items()
        if (database, name) == (firm, measurement)
    ]


def crossing() -> tuple[Shop, str, str]:
    shop = Shop()
    key, (ticket,) = shop.order(firms=("turning", "grinding", "plating"))
    done = shop.session(ticket, 10, "turning", BEGIN + timedelta(hours=1), minutes=90, good=counted(48))
    there = shop.hand_over(ticket, 10, ("turning", "grinding"), done)
    shop.session(ticket, 20, "grinding", there, minutes=30, good=counted(47))
    return shop, key, ticket


def test_hours_and_sessions_stay_in_the_firm_that_worked_them() -> None:
    shop, key, _ = crossing()
    order = folded(shop, key)
    assert [fields["run_s"] for _, fields in facts_of(order, "turning", "session")] == [5400.0]
    assert [fields["run_s"] for _, fields in facts_of(order, "grinding", "session")] == [1800.0]
    assert facts_of(order, "plating", "session") == []
    assert {tags["firm"] for tags, _ in facts_of(order, "grinding", "order_time")} == {"grinding"}
    others = {tags["operation"]: fields for tags, fields in facts_of(order, "plating", "operation")}
    assert others["10"]["stage"] == "done"
    for hidden in ("run_s", "queue_s", "good", "scrap", "remaining", "sessions", "since_ms"):
        assert others["10"][hidden] == UNKNOWN, hidden
    assert (others["10"]["state"], others["10"]["mine"], others["30"]["mine"]) == ("", 0, 1)


def test_the_coordinator_sees_counts_besides_and_a_grant_of_everything_shows_hours() -> None:
    shop, key, _ = crossing()
    seen = {tags["operation"]: fields for tags, fields in facts_of(folded(shop, key), "turning", "operation")}
    assert (seen["20"]["good"], seen["20"]["scrap"], seen["20"]["run_s"]) == (47, UNKNOWN, UNKNOWN)
    shop.office.say(Grant, shop.at + timedelta(hours=9), order=key, viewer="plating", level=Level.FULL)
    order = folded(shop, key)
    assert len(facts_of(order, "plating", "session")) == 2
    seen = {tags["operation"]: fields for tags, fields in facts_of(order, "plating", "operation")}
    assert (seen["10"]["good"], seen["10"]["run_s"]) == (48, 5400.0)
    assert {tags["firm"] for tags, _ in facts_of(order, "plating", "order_time")} >= {"turning", "grinding"}


def test_a_hand_over_is_told_to_both_firms_and_the_coordinator_alone() -> None:
    shop, key, _ = crossing()
    order = folded(shop, key)
    for firm in ("turning", "grinding"):
        ((tags, fields),) = facts_of(order, firm, "handover")
        assert (tags["source"], tags["target"], fields["sent"], fields["boxes_received"]) == (
            "turning",
            "grinding",
            48,
            2,
        )
    assert facts_of(order, "plating", "handover") == []


def test_lateness_counts_from_the_end_of_the_due_day() -> None:
    shop = Shop()
    key, (ticket,) = shop.order(firms=("turning",))  # due on 12 November; that day ends at 15:00 UTC
    shop.session(ticket, 10, "turning", BEGIN + timedelta(days=10), minutes=60)
    ((_, fields),) = facts_of(folded(shop, key), "turning", "order")
    assert fields["due"] == "2026-11-12"
    assert (fields["late_s"], fields["late_days"]) == (9 * 3600.0, 0.4)
    assert fields["percent"] == 100


def test_points_of_one_instant_follow_each_other_by_nanoseconds() -> None:
    fact = Fact("turning", "session", (("order", "1"),), 5, {"void": 0})
    assert [key[3] for key in index([fact, fact, fact])] == [5, 6, 7]


def test_a_tag_is_never_empty_and_holds_nothing_that_influxdb_refuses() -> None:
    assert [tag(text) for text in ("", " ", "a\nb", "c\\", "日本", 20)] == ["-", "-", "a b", "c＼", "日本", "20"]


def test_a_year_beyond_influxdb_is_cut() -> None:
    assert nanoseconds(BEGIN.replace(year=9999)) < 2**63
    assert nanoseconds(BEGIN.replace(year=1)) > -(2**63)
    assert nanoseconds(BEGIN) == 1_793_660_400_000_000_000


def test_what_the_customer_pays_is_in_no_fact_of_any_firm() -> None:
    shop, key, _ = crossing()
    order = replace(folded(shop, key), amount=987_654_321, grants=(("outsider", "full"),))
    views = {viewer: seen for viewer in (*order.firms, "outsider") if (seen := view(order, viewer))}
    facts = order_facts(order, views, order_account(order, BEGIN + timedelta(days=1)), ZONE)
    assert {database for database, *_ in facts} == set(views)
    assert "987654321" not in str(facts)
