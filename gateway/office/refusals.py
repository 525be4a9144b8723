"""What cannot be done, and what to mind before it is done, each in one sentence in both languages."""

from collections.abc import Mapping

from broker.words import Word


class Impossible(Exception):  # noqa: N818 - an answer, not a fault
    """A wish that cannot be carried out; nothing was written. `word` says why and what to do instead."""

    def __init__(self, word: Word, **values: object) -> None:
        self.word = word.filled(**values) if values else word
        super().__init__(f"{self.word.ja} / {self.word.en}")


def unknown_firm(asked: str, firms: Mapping[str, Word]) -> Impossible:
    """Return the refusal of a firm that nobody listed; `firms`: how those that are listed are called."""
    names = Word("、".join(one.ja for one in firms.values()) or "—", ", ".join(one.en for one in firms.values()) or "–")
    return Impossible(UNKNOWN_FIRM, firm=asked, names=names)


NOT_FOUND = Word(
    "「{asked}」という受注はありません。共通番号・製番・票のどれかを入れてください",
    "There is no order {asked}. Give its number, own number or ticket",
)
UNUSED_BLANK = Word(
    "票 {ticket} はまだ使われていない白票です。図面に貼り、現場で読むと受注になります",
    "Ticket {ticket} is a blank that nobody has used yet. Stick it on a sketch and scan it, and it is an order",
)
SEVERAL = Word(
    "「{asked}」に当たる受注が{n}件あります（{names}）。共通番号で指定してください",
    "{n} orders are called {asked} ({names}). Give one of these numbers",
)
NAMELESS = Word(
    "番号不明の票です。先に、どの受注か、または新しい受注の名前を決めてください",
    "This ticket has no order yet. First say which order it is, or name a new one",
)
NAMED = Word(
    "この票はもう受注 {number} のものです。別の受注にするなら、まず {number} を見てください",
    "This ticket belongs to order {number} already. See that order first",
)
CANCELLED = Word(
    "受注 {number} は取り消されています。続けるなら、先に取消を解除してください",
    "Order {number} is cancelled. To go on with it, first take the cancellation back",
)
NOTHING_CHANGES = Word("いまと同じ内容です。何も変えていません", "That is how it stands already. Nothing was changed")
NO_QUANTITY = Word(
    "数量は1以上にしてください。要らなくなった受注は取り消します", "Give at least 1 piece, or cancel the order"
)
UNKNOWN_FIRM = Word(
    "「{firm}」という会社は登録されていません。次から選んでください（{names}）。"
    "新しい会社は、共有サーバーを世話する人に加えてもらってください",
    "There is no firm {firm}. Choose one of these: {names}. "
    "A new firm is added by whoever looks after the shared server: ask them",
)
OWN_PARENT = Word("受注を自分自身の一部にはできません", "An order cannot be a part of itself")
HELD = Word("もう保留になっています。解くには解除を使ってください", "It is on hold already. To end that, release it")
HOLD_TOO_MANY = Word(
    "この受注は予備を入れて{n}個です。それ以下の数にしてください",
    "The order has {n} pieces with its spare. Give no more",
)
NOT_HELD = Word("保留も取消もされていません", "It is neither on hold nor cancelled")
DONE = Word(
    "完了した受注は取り消せません。返品などは新しい受注にしてください",
    "An order that is done cannot be cancelled. Make a new order for what comes back",
)
NO_ROUTING = Word("この受注には工程表がありません", "This order has no routing")
NO_SUCH_STEP = Word("工程{no}はありません。{known} から選んでください", "There is no step {no}. Choose one of {known}")
STEP_AT_WORK = Word(
    "工程{no}は {firm} で作業中です。中断ではなく完了してもらうか、元に戻してもらってから移してください",
    "Step {no} is under way at {firm}. Have it finished or undone there, then move it",
)
STEP_DONE = Word("工程{no}はもう完了しています。他社へは移せません", "Step {no} is done. It cannot go to another firm")
STEP_THERE = Word(
    "工程{no}（{name}）はもうあります。別の番号にしてください",
    "There is a step {no} ({name}) already. Give another number",
)
STEP_BEGUN = Word(
    "工程{no}は {firm} でもう作業されています。なくすことはできません",
    "Step {no} has been worked on at {firm}. It cannot be left out",
)
NO_STEP_LEFT = Word(
    "工程が一つも残りません。要らなくなった受注は取り消します",
    "No step would be left. An order that is not wanted any more is cancelled",
)
TOO_MANY_STEPS = Word(
    "工程は{n}まで、番号は{last}までです", "An order has at most {n} steps, with numbers up to {last}"
)
WORKED_ALREADY = Word(
    "{firm} がもう作業しています。その作業を工程{no}（{firm}）として加えてください",
    "{firm} has worked on it already. Add that work as step {no} of {firm}",
)
NEW_STEP_NEEDS = Word("加える工程には、工程名と会社が要ります", "A step to add needs a name and a firm")
BAD_STEP = Word(
    "「{text}」は加える工程と読めません。20=研削@grinding のように、番号=工程名@会社 と書いてください",
    "{text} is no step to add. Write NUMBER=NAME@FIRM, as in 20=grinding@grinding",
)
WHICH_LOT = Word(
    "枝がいくつもあります。どの票を分けるか選んでください（{lots}）", "Say which lot to split, by its ticket: {lots}"
)
NO_SUCH_LOT = Word(
    "票 {ticket} はこの受注の今の票ではありません（{lots}）",
    "Ticket {ticket} is no ticket in force of this order: {lots}",
)
LOT_UNKNOWN = Word(
    "票 {ticket} の数がわかりません。現場で札「分割」を使って分けてください",
    "Nobody knows how many pieces ticket {ticket} has. Split it on the floor with the card SPLIT",
)
LOT_TOO_SMALL = Word(
    "票 {ticket} は{n}個です。分けられるのは1個から{most}個までです",
    "Ticket {ticket} has {n} pieces. From 1 to {most} can be split off",
)
TOO_MANY_LOTS = Word("枝は999までです", "An order has at most 999 lots")
NO_TARGET = Word(
    "引き受ける受注がありません。共通番号を確かめてください",
    "There is no such order to take it. See whether its number is right",
)
NAME_NEEDS = Word("新しい受注には、品名と数量が要ります", "A new order needs a part and a quantity")
WHO_AND_WHY = Word("だれが、なぜ変えるのかを入れてください", "Say who changes it, and why")
WHO_AND_WHY_LONG = Word("名前と理由は{n}文字までにしてください", "Who and why have at most {n} characters")
SINCE_CHANGED = Word(
    "この受注は、あなたが開いたあとに {by} が変えました（{what}）。いまの内容を見て、もう一度入れてください",
    "After you opened it, {by} changed this order ({what}). See how it stands now, then enter it again",
)
SOMEBODY = Word("ほかの人", "somebody else")
NOT_A_FIELD = Word("「{name}」という項目はありません（{known}）", "There is no field {name}: {known}")
BAD_VALUE = Word("{label}「{text}」は使えません。{remedy}", "{label}: {text} cannot be used. {remedy}")
A_DATE = Word("2026-12-25 のように書いてください", "Write it as 2026-12-25")
A_NUMBER = Word("0以上の数にしてください", "Give a number, 0 or more")
A_TEXT = Word("200文字までにしてください", "At most 200 characters")
A_SERIES = Word("試作 か 量産 にしてください", "Use prototype or series")

STEP_BEFORE = Word(
    "工程{no}は、もう作業された工程{later}より前になります。まだしていない作業として残ります",
    "Step {no} comes before step {later}, which was worked on. It stays to be done",
)
LOT_CHANGES = Word(
    "数は枝{branch}（票 {ticket}）で増減します：{before}個 → {after}個",
    "Lot {branch} (ticket {ticket}) takes the difference: {before} → {after} pcs",
)
EMPTY_LOT = Word("枝{branch}は0個になります", "Lot {branch} will have no pieces")
MORE_MADE = Word(
    "工程{no}ではもう{n}個報告されています。多い分は要確認になります",
    "Step {no} has reported {n} pieces already. What is too many will be marked for a check",
)
ALREADY_DONE = Word("この受注はもう完了しています", "This order is done already")
STILL_AT_WORK = Word(
    "工程{no}は {firm} で作業中です。電話で止めてください", "Step {no} is under way at {firm}. Stop it by telephone"
)
MADE_THERE = Word("{firm} の報告{n}個はそのまま残ります", "The {n} pieces reported at {firm} stay counted")
ON_THE_WAY = Word(
    "品物は {firm} へ向かっています。行き先を電話で伝えてください",
    "The goods are on their way to {firm}. Redirect them by telephone",
)
LIES_THERE = Word(
    "品物は {firm} が受け取っています。引き取りを手配してください", "The goods are at {firm}. Have them fetched"
)
NOT_ON_ROUTING = Word(
    "{firm} は受注 {number} の工程表にありません。その作業は要確認になります",
    "{firm} is not on the routing of order {number}. Its work will be marked for a check",
)
