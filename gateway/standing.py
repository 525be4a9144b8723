"""What `mawashi check` and `mawashi audit` say of what is kept: missing, gone, closed, set aside, parked, refused.

One sentence each, with what to do.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DatabaseError

from broker.clock import clock
from broker.ranges import Ranges, size
from broker.topics import GATEWAY
from broker.words import Word
from gateway.audit import Projected, Records, projected_of, records_of
from gateway.backup.status import said_of_copy
from gateway.finding import Finding
from gateway.ledger import AuthorStatus, Ledger, StoreError
from gateway.settings import Gateway
from gateway.state import State
from gateway.store import StoreAwayError, reason

_BEHIND_EVENTS = 6000
"""What is taken in within two seconds (design 9)."""
_NAMED = 3
"""Orders and reasons named in a line; all are counted."""
_RANGES_NAMED = 5
"""Ranges of missing numbers named in a line of `mawashi check`; an audit names them all."""

_RECORDS = Word("全記録", "records")
_ORDERS = Word("受注の計算", "orders")
_LOG = Word("共有サーバーのログを見てください", "See the gateway's log.")


def standing(settings: Gateway) -> Iterator[Finding]:
    """Look through what is kept."""
    try:
        with Ledger.open(settings.ledger_url) as ledger:
            records = records_of(ledger)
    except StoreAwayError:  # said where it is kept
        return
    except StoreError:
        yield _no_records(settings)
        return
    except DatabaseError as error:
        yield unreadable_records(error)
        return
    yield from said_of_records(records, ZoneInfo(settings.time_zone), most=_RANGES_NAMED)
    yield from _strangers(settings, records)
    yield from said_of_copy(settings, records.events, clock().read().at)
    try:
        with State.open(settings.state_url) as state:
            yield from said_of_projected(projected_of(state, settings, records.events))
    except (StoreError, DatabaseError) as error:
        yield unreadable_orders(error)


def _no_records(settings: Gateway) -> Finding:
    """Say whether there is no ledger yet, or no more: the state was made from one."""
    try:
        with State.open(settings.state_url) as state:
            known = state.cursor()
    except (StoreError, DatabaseError):
        known = 0
    if not known:
        return Finding(_RECORDS, True, Word("初めの起動で作ります", "are made at the first start"))
    return Finding(
        _RECORDS,
        False,
        Word(f"なくなりました（少なくとも {known}件ありました）", f"are gone; there were {known} events at least"),
        Word(
            "ファイルを元の名前に戻すか、共有サーバーを止めて mawashi restore を使ってください",
            "Put the file back under its name, or stop the gateway and use: mawashi restore",
        ),
    )


def unreadable_records(error: Exception) -> Finding:
    """Say that the ledger cannot be read."""
    remedy = Word("共有サーバーを起動し直し、ログを見てください", "Restart the gateway, then see its log.")
    return _unreadable(_RECORDS, error, remedy)


def unreadable_orders(error: Exception) -> Finding:
    """Say that the state cannot be read."""
    return _unreadable(_ORDERS, error, _LOG)


def _unreadable(what: Word, error: Exception, remedy: Word) -> Finding:
    if isinstance(error, StoreAwayError):
        return Finding(what, False, error.found, error.remedy)
    said = reason(error) if isinstance(error, DatabaseError) else str(error)
    return Finding(what, False, Word("読めません", f"they cannot be read: {said}"), remedy)


def said_of_records(records: Records, zone: ZoneInfo, *, most: int | None) -> Iterator[Finding]:
    """Say what is not here, at most so many ranges of an epoch named, and what could not be taken in."""
    count, name = records.events, records.names[0]
    yield Finding(_RECORDS, True, Word(f"{count}件（{name}）", f"{count} events ({name})"))
    yield from _authors(records.authors, zone, most)
    yield from _set_aside(records)


def said_of_closures(records: Records, zone: ZoneInfo) -> Iterator[Finding]:
    """Name every number that a person has closed, who, when and why; they stay listed."""
    for one in records.authors:
        for each in one.closed:
            named, day, left = ranges_text(((each.first, each.last),)), _local(each.at, zone), size(each.left)
            ja = f"うち {left}件は届いていません" if left else "その後すべて届きました"
            en = f"{left} of them are not here" if left else "all have come since"
            yield Finding(
                Word("打切り", "closed"),
                True,
                Word(
                    f"{one.author} {one.epoch}：{named} は {day} に {each.by} が締めました（{each.why}）。{ja}",
                    f"{one.author} {one.epoch}: {named} closed by {each.by} at {day} ({each.why}); {en}",
                ),
            )


def said_of_projected(projected: Projected) -> Iterator[Finding]:
    """Say what orders and sinks lack."""
    yield _lag(projected)
    if parked := projected.parked:
        names = _some(parked)
        yield Finding(
            Word("計算できない受注", "parked"),
            False,
            Word(f"{len(parked)}件（{names}）は前のままです", f"{len(parked)} orders ({names}) stay as they were"),
            Word(
                "ログにある誤りを知らせてください。次の起動でやり直します",
                "Report the error in the gateway's log; they are tried again at its next start.",
            ),
        )
    if counts := projected.not_counted:
        total, names = sum(counts.values()), _some(f"{reason} {n}" for reason, n in sorted(counts.items()))
        yield Finding(
            Word("数えない記録", "not counted"),
            False,
            Word(f"{total}件は受注に数えません（{names}）", f"{total} events count for no order ({names})"),
            Word(
                "共有サーバーを最新にし、wrong_ なら送り手の設定を直してください",
                "Update the gateway; for wrong_firm and wrong_author mend the sender's settings.",
            ),
        )
    if refusals := sum(sink.refused for sink in projected.sinks):
        yield Finding(
            Word("グラフの点", "points"),
            False,
            Word(f"InfluxDB が {refusals}点を断りました", f"InfluxDB refused {refusals} points"),
            Word(
                "ログの理由を直し、mawashi rebuild で書き直してください",
                "Mend the reason in the gateway's log, then: mawashi rebuild",
            ),
        )


def _authors(authors: Iterable[AuthorStatus], zone: ZoneInfo, most: int | None) -> Iterator[Finding]:
    authors = list(authors)
    for one in authors:
        if one.missing:
            count, named, heard = size(one.missing), ranges_text(one.missing, most), _heard(one, zone)
            yield Finding(
                Word("未着", "missing"),
                False,
                Word(
                    f"{one.author} の {count}件がまだ届いていません（{one.epoch}：{named}。最終連絡 {heard}）",
                    f"{one.author} {one.epoch}: {count} announced events are not here ({named}; last heard {heard})",
                ),
                Word(
                    "その現場端末をつなげば送り直します。もう送れないなら：mawashi audit close",
                    "Connect that edge; it sends them again. If it never can: mawashi audit close",
                ),
            )
        if one.gaps:
            count, named = size(one.gaps), ranges_text(one.gaps, most)
            yield Finding(
                Word("欠落", "gone"),
                False,
                Word(
                    f"{one.author} の {count}件は失われました（{one.epoch}：{named}）",
                    f"{one.author} {one.epoch}: {count} events are gone for good ({named})",
                ),
                Word(
                    "何をしたかその会社に聞いて事務所で入力し、締めてください：mawashi audit close",
                    "Ask that firm what was done then, enter it at the office, and close them: mawashi audit close",
                ),
            )
    refused = {one.author: one.refused for one in authors if one.refused}
    for author, count in refused.items():
        yield Finding(
            Word("読取拒否", "refused"),
            False,
            Word(f"{author} はディスク満杯で {count}件を断りました", f"{author} refused {count} scans on a full disk"),
            Word(
                "現場端末をつないで送らせ、カードを替え、断られた作業を入力してください",
                "Connect that edge so that it empties, replace its card, and enter that work at the office.",
            ),
        )
    if not refused and not any(one.missing or one.gaps for one in authors):
        count = len({one.author for one in authors})
        yield Finding(
            Word("現場端末", "edges"), True, Word(f"送り手 {count}、未着なし", f"{count} authors, nothing missing")
        )


def _strangers(settings: Gateway, records: Records) -> Iterator[Finding]:
    """Name the firms that send and are not in the settings: most often an id mistyped at a terminal."""
    known = {firm.id for firm in settings.firms} | {GATEWAY}
    unknown = sorted({one.author for one in records.authors if one.author.split("/")[0] not in known})
    if settings.firms and unknown:
        yield Finding(
            Word("会社", "firms"),
            False,
            Word(
                f"設定にない会社から届いています：{_some(unknown)}",
                f"not in the settings, and sending: {_some(unknown)}",
            ),
            Word(
                "現場端末の firm を直すか、[[firms]] に加えてください",
                "Mend firm in that edge's settings, or add the firm as [[firms]].",
            ),
        )


def _set_aside(records: Records) -> Iterator[Finding]:
    if reasons := records.reasons():
        count, named = len(records.set_aside), _some(f"{reason} {n}" for reason, n in reasons.items())
        found = Word(
            f"受け取れなかったものが {count}件あります（{named}）", f"{count} things could not be taken in ({named})"
        )
        remedy = Word("見てください：mawashi set-aside list", "Look at them: mawashi set-aside list")
        yield Finding(Word("受取不可", "set aside"), False, found, remedy)


def _lag(projected: Projected) -> Finding:
    behind = max(projected.behind, 0)
    found = Word(f"{behind}件遅れ", f"{behind} events behind")
    if abs(projected.behind) > _BEHIND_EVENTS:
        remedy = Word("待っても減らなければログを見てください", "Wait; if it does not fall, see the gateway's log.")
        return Finding(_ORDERS, False, found, remedy)
    return Finding(_ORDERS, True, found)


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:_NAMED]) + (", ..." if len(every) > _NAMED else "")


def _heard(one: AuthorStatus, zone: ZoneInfo) -> str:
    return _local(one.last_contact, zone) if one.last_contact else "–"


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def ranges_text(ranges: Ranges, most: int | None = None) -> str:
    """Return `101-120, 130`, at most so many ranges, then `...`."""
    some = ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in ranges[:most])
    return f"{some}, ..." if most is not None and len(ranges) > most else some
