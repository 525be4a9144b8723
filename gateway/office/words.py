"""What the office reads: fields, actions and refusals in both languages; a change as one sentence."""

from collections.abc import Mapping

from broker.words import KINDS, Word
from gateway.rules.order import Change, Edit

FIELDS: dict[str, Word] = {
    "number": Word("共通番号", "Order no."),
    "own_number": Word("製番", "Own no."),
    "customer_number": Word("客先注文番号", "Customer's no."),
    "customer": Word("客先", "Customer"),
    "part": Word("品名", "Part"),
    "drawing": Word("図番", "Drawing"),
    "revision": Word("改訂", "Revision"),
    "material": Word("材質", "Material"),
    "size": Word("寸法", "Size"),
    "quantity": Word("数量", "Quantity"),
    "spare": Word("予備", "Spare"),
    "due": Word("納期", "Due"),
    "coordinator": Word("幹事会社", "Coordinator"),
    "series": Word("試作／量産", "Prototype / series"),
    "supplied": Word("支給材", "Furnished material"),
    "origin": Word("受注元", "Origin"),
    "parent": Word("親の受注", "Part of order"),
    "amount": Word("金額", "Amount"),
}
"""The fields of an order as the office reads them; keys of `broker.events.OrderPart`."""

_OF_A_STEP: dict[str, Word] = {
    "name": Word("工程名", "name"),
    "firm": Word("会社", "firm"),
    "kind": Word("種別", "kind"),
    "station": Word("設備", "station"),
    "due": Word("工程納期", "due"),
}
STEP_DUE = _OF_A_STEP["due"]
STEP, PIECES = Word("工程", "Step"), Word("数", "Pieces")
SERIES = {"prototype": Word("試作", "prototype"), "series": Word("量産", "series")}
_PIECES: dict[str, Word] = {
    "pieces": Word("{n}個", "{n} pcs"),
    "on_hold": Word("{n}個を保留", "{n} pcs on hold"),
    "split_off": Word("{n}個を分ける", "{n} pcs split off"),
}
NOTHING = Word("なし", "none")

ACTIONS: dict[str, Word] = {
    "created": Word("登録", "Created"),
    "changed": Word("変更", "Changed"),
    "rerouted": Word("工程変更", "Rerouted"),
    "split": Word("分割", "Split"),
    "held": Word("保留", "Put on hold"),
    "released": Word("保留・取消の解除", "Hold or cancellation taken back"),
    "cancelled": Word("取消", "Cancelled"),
    "adopted": Word("番号不明の票を引き受け", "Ticket named"),
}
"""What the office did, by `Change.action`."""

WISHES: dict[str, Word] = {
    "created": Word("新しい受注", "New order"),
    "changed": Word("変更", "Change"),
    "rerouted": Word("工程を他社へ", "Reroute a step"),
    "split": Word("分割", "Split a lot"),
    "held": Word("保留", "Put on hold"),
    "released": Word("解除", "Release"),
    "cancelled": Word("取消", "Cancel"),
    "adopted": Word("番号不明の票を引き受ける", "Give the ticket its order"),
}
"""What the office is about to do; keys as in ACTIONS."""

RESTEP = Word("工程を足す・なくす", "Add steps or leave some out")

Firms = Mapping[str, Word]
"""How firms are called, by id."""


def firm(firms: Firms, name: str) -> Word:
    """Return how a firm is called; its id if nobody listed it."""
    return firms.get(name) or Word(name, name)


def edit_said(edit: Edit, firms: Firms, *, compare: bool = True) -> Word:
    """Return one change as a short sentence: `数量：50 → 60`; of something new, with nothing to compare, `数量：60`."""
    if edit.what == "ticket":
        if edit.before is None:
            return Word("新しい票 {new}", "new ticket {new}").filled(new=edit.after)
        return Word("票 {old} は旧版、新しい票 {new}", "ticket {old} is old, the new one is {new}").filled(
            old=edit.before,
            new=edit.after,
        )
    if edit.what in _PIECES:
        return _PIECES[edit.what].filled(n=edit.after)
    if edit.what == "step":
        gone = Word("工程{no} をやめる：{before}", "step {no} is left out: {before}")
        added = Word("工程{no} を足す：{after}", "step {no} is added: {after}")
        word = gone if edit.after is None else added
        return word.filled(no=edit.operation, before=edit.before, after=edit.after)
    if edit.operation is not None:
        label = Word("工程{no} {what}", "Step {no}, {what}").filled(
            no=edit.operation,
            what=_OF_A_STEP.get(edit.what, Word(edit.what, edit.what)),
        )
    else:
        label = FIELDS.get(edit.what, Word(edit.what, edit.what))
    if (edit.before is None and edit.after is None) or edit.what == "parent":  # a key says nothing to anybody
        return Word("{label}が変わりました", "{label} changed").filled(label=label)
    if not compare:
        return Word("{label}：{value}", "{label}: {value}").filled(
            label=label, value=_value(edit.what, edit.after, firms)
        )
    before, after = _value(edit.what, edit.before, firms), _value(edit.what, edit.after, firms)
    return Word("{label}：{before} → {after}", "{label}: {before} → {after}").filled(
        label=label, before=before, after=after
    )


def _value(what: str, text: str | None, firms: Firms) -> Word:
    if text is None:
        return NOTHING
    if what in ("firm", "coordinator"):
        return firm(firms, text)
    named = {"series": SERIES, "kind": KINDS}.get(what, {})
    return named.get(text, Word(text, text))


def change_said(change: Change) -> Word:
    """Return what was done, in one word."""
    return ACTIONS.get(change.action, Word(change.action, change.action))
