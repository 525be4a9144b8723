"""A plan as sentences, and as JSON: what will change, which papers become old, what to mind. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from broker.events import OrderAction
from broker.words import Word
from gateway.office.plan import Paper, Plan
from gateway.office.words import RESTEP, WISHES, Firms, edit_said, firm
from gateway.rules.order import Change, Edit, OrderState

OLD_PAPER = Word(
    "枝{branch}の票 {old} は旧版になります。新しい票（{n}）を印刷して取り替えてください",
    "Ticket {old} of lot {branch} becomes old: print the new one ({n}) and exchange it",
)
NEW_PAPER = Word("新しい枝{branch}の票（{n}）を印刷してください", "Print the ticket of the new lot {branch} ({n})")
WHAT_HAPPENS: Mapping[OrderAction, Word] = {
    OrderAction.HELD: Word(
        "この受注に保留の印が付き、票を読むたびに「保留の受注 幹事へ」と出ます。読んだ作業の記録は続きます",
        "The order is marked as on hold, and whoever scans its tickets is told so. Work is recorded all the same",
    ),
    OrderAction.RELEASED: Word(
        "保留や取消の印がなくなり、前の続きから進みます", "The hold or cancellation is gone, and it goes on from there"
    ),
    OrderAction.CANCELLED: Word(
        "この受注は取消になり、これからの仕事の一覧から消えます。作業した記録は残り、あとで解除できます",
        "The order is cancelled and leaves the lists of work to come. What was done stays recorded; it can be undone",
    ),
}
"""What comes of an action that changes no field."""
COUNTED, UNCOUNTED = Word("{n}個", "{n} pcs"), Word("数は未確認", "not counted")
REPRINT = Word(
    "いまの票はそのまま使えます（印刷された内容は、手で直すか刷り直してください）",
    "The papers stay good (what is printed may be corrected by hand, or printed again)",
)
PAPERS_STAY = Word("いまの票はそのまま使えます", "The papers stay good")
PAPERS_BACK = Word(
    "票を集めてください。読むと「取消の受注 幹事へ」と出ます",
    "Collect its papers: whoever scans one is told that the order is cancelled",
)
EXCHANGE = Word("印刷して取り替えてください", "Print and exchange these papers")
ADOPTED = Word("票 {ticket} がこの受注のものになります", "Ticket {ticket} becomes this order's")


def headline(made: Plan) -> Word:
    """Return in a word what will be done."""
    if made.action is OrderAction.REROUTED and any(edit.what == "step" for edit in made.edits):
        return RESTEP
    return WISHES["adopted" if made.action is None else made.action.value]


def changes(made: Plan, firms: Firms) -> list[Word]:
    """Return what will change."""
    compare = made.action is not OrderAction.CREATED
    if made.action is not None and made.action in WHAT_HAPPENS:
        return [WHAT_HAPPENS[made.action], *_sentences(made.edits, firms)]
    said = list(_sentences([edit for edit in made.edits if edit.what != "ticket"], firms, compare=compare))
    return [*said, ADOPTED.filled(ticket=made.adopted)] if made.adopted else said


def papers(made: Plan) -> list[Word]:
    """Return what becomes of the papers."""
    if made.action is OrderAction.CANCELLED:
        return [PAPERS_BACK]
    if not made.papers:
        return [REPRINT if made.reprint else PAPERS_STAY]
    return [
        (OLD_PAPER if one.old else NEW_PAPER).filled(branch=one.branch, old=one.old, n=_pieces(one))
        for one in made.papers
    ]


def _pieces(paper: Paper) -> Word:
    return UNCOUNTED if paper.quantity is None else COUNTED.filled(n=paper.quantity)


def spoken(change: Change, firms: Firms) -> Iterator[Word]:
    """Return what a change of the history did, sentence by sentence."""
    return _sentences(change.edits, firms)


def _sentences(edits: Sequence[Edit], firms: Firms, *, compare: bool = True) -> Iterator[Word]:
    """Yield edits one by one; a step that is added is said once, with its firm."""
    added = {edit.operation for edit in edits if edit.what == "step" and edit.before is None}
    theirs = {edit.operation: edit.after for edit in edits if edit.what == "firm" and edit.operation in added}
    for edit in edits:
        said = edit_said(edit, firms, compare=compare)
        if edit.what == "step" and (name := theirs.get(edit.operation)):
            yield Word("{said}（{firm}）", "{said} ({firm})").filled(said=said, firm=firm(firms, name))
        elif edit.what != "firm" or edit.operation not in added:
            yield said


def plan_json(order: OrderState, made: Plan, version: int, firms: Firms) -> dict[str, Any]:
    """Return a plan as the commands and pages give it to programs."""
    return {
        "order": made.key or order.key,
        "number": order.number,
        "version": version,
        "action": "adopted" if made.action is None else made.action.value,
        "changes": [edit_json(edit, firms) for edit in made.edits],
        "papers": [
            {"branch": one.branch, "quantity": one.quantity, "issue": one.issue, "old": one.old} for one in made.papers
        ],
        "mind": [word._asdict() for word in made.mind],
    }


def change_json(change: Change, firms: Firms) -> dict[str, Any]:
    """Return one entry of the history."""
    return {
        "at": change.at.isoformat(),
        "action": change.action,
        "by": change.by,
        "why": change.why,
        "changes": [edit_json(edit, firms) for edit in change.edits],
    }


def edit_json(edit: Edit, firms: Firms) -> dict[str, Any]:
    """Return one change with its sentence in both languages."""
    said = {"what": edit.what, "operation": edit.operation, "before": edit.before, "after": edit.after}
    return said | edit_said(edit, firms)._asdict()


def lines(made: Plan, firms: Firms) -> Sequence[Word]:
    """Return a plan as the lines that a person reads before saying yes."""
    return [headline(made), *changes(made, firms), *papers(made), *made.mind]
