"""What `mawashi check` says of what is kept: events missing, gone, set aside, not understood; orders not worked out.

One sentence each, with what to do. What is gone for good is said and fails no check: nobody can bring it back.
"""

from collections.abc import Iterable, Iterator

from broker.ranges import Ranges, size
from broker.words import Word
from gateway.finding import Finding
from gateway.ledger import AuthorStatus, Ledger, StoreError
from gateway.settings import Gateway
from gateway.state import State
from gateway.store import Unwritable

_BEHIND_EVENTS = 6000
"""What is taken in within two seconds (design 9)."""
_NAMED = 3
"""Orders and reasons named in a line; all are counted."""

_RECORDS = Word("全記録", "records")
_ORDERS = Word("受注の計算", "orders")
_LOG = Word("共有サーバーのログを見てください", "See the gateway's log.")


def standing(settings: Gateway) -> Iterator[Finding]:
    """Look through what is kept."""
    try:
        ledger = Ledger.open(settings.ledger_url)
    except StoreError:
        yield Finding(_RECORDS, True, Word("初めの起動で作ります", "are made at the first start"))
        return
    with ledger:
        try:
            last, name = ledger.last_position(), ledger.ledger_id
            yield Finding(_RECORDS, True, Word(f"{last}件（{name}）", f"{last} events ({name})"))
            yield from _authors(ledger.authors())
            yield from _set_aside(len(ledger.set_aside()))
        except Unwritable as error:
            found = Word("読めません", f"they cannot be read: {error.orig}")
            yield Finding(_RECORDS, False, found, _LOG)
            return
    try:
        with State.open(settings.state_url) as state:
            yield from _state(state, last)
    except (StoreError, Unwritable) as error:
        yield Finding(_ORDERS, False, Word("読めません", f"they cannot be read: {error}"), _LOG)


def _authors(authors: list[AuthorStatus]) -> Iterator[Finding]:
    for one in authors:
        if one.missing:
            count, named = size(one.missing), _ranges(one.missing)
            yield Finding(
                Word("未着", "missing"),
                False,
                Word(
                    f"{one.author} の {count}件がまだ届いていません（{one.epoch}：{named}）",
                    f"{one.author} {one.epoch}: {count} announced events are not here ({named})",
                ),
                Word("その現場端末をつなげば送り直します", "Connect that edge; it sends them again."),
            )
        if one.gaps:
            count, named = size(one.gaps), _ranges(one.gaps)
            yield Finding(
                Word("欠落", "gone"),
                True,
                Word(
                    f"{one.author} の {count}件は失われました（{one.epoch}：{named}）",
                    f"{one.author} {one.epoch}: {count} events are gone for good ({named})",
                ),
                Word(
                    "何をしたかその会社に聞き、事務所で入力してください",
                    "Ask that firm what was done then, and enter it at the office.",
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


def _set_aside(count: int) -> Iterator[Finding]:
    if count:
        found = Word(f"受け取れなかったものが {count}件あります", f"{count} things could not be taken in")
        remedy = Word("見てください：mawashi set-aside list", "Look at them: mawashi set-aside list")
        yield Finding(Word("受取不可", "set aside"), False, found, remedy)


def _state(state: State, last: int) -> Iterator[Finding]:
    behind = last - state.cursor()
    found = Word(f"{max(behind, 0)}件遅れ", f"{max(behind, 0)} events behind")
    if abs(behind) > _BEHIND_EVENTS:
        remedy = Word("待っても減らなければログを見てください", "Wait; if it does not fall, see the gateway's log.")
        yield Finding(_ORDERS, False, found, remedy)
    else:
        yield Finding(_ORDERS, True, found)
    if parked := state.parked():
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
    if counts := state.verdict_counts():
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
    if refusals := state.refusal_count():
        yield Finding(
            Word("グラフの点", "points"),
            False,
            Word(f"InfluxDB が {refusals}点を断りました", f"InfluxDB refused {refusals} points"),
            Word(
                "ログの理由を直し、mawashi rebuild で書き直してください",
                "Mend the reason in the gateway's log, then: mawashi rebuild",
            ),
        )


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:_NAMED]) + (", ..." if len(every) > _NAMED else "")


def _ranges(ranges: Ranges, most: int = 5) -> str:
    some = ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in ranges[:most])
    return f"{some}, ..." if len(ranges) > most else some
