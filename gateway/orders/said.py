"""What the commands of orders print: for people in both languages, or one JSON object."""

import json as json_text
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from broker.events import Order
from gateway.orders.columns import HEADINGS
from gateway.orders.parts import Part
from gateway.orders.problems import Problem
from gateway.orders.proposals import Parsed, Proposal
from gateway.settings import Gateway
from gateway.sheets import letter

_FIRST = 40
"""Different things printed for people."""
_ROWS_NAMED = 8
"""Rows of which the same is said: one wrong column makes one a row."""


def preview(name: str, parsed: Parsed, *, json: bool) -> None:
    """Print what would be imported, or everything that must be mended first."""
    if json:
        print(json_text.dumps(_preview(parsed), ensure_ascii=False))
        return
    _how(parsed)
    _print_all(parsed.problems)
    _print_all(parsed.notes)
    if parsed.problems:
        print(
            f"{name}：{len(parsed.problems)}か所を直してください。何も登録していません / "
            f"Mend {len(parsed.problems)}. Nothing was imported.",
            file=sys.stderr,
        )
        return
    for proposal in parsed.proposals:
        part = proposal.part
        way = " → ".join(f"{step.no} {step.firm}" for step in proposal.routing)
        called = part.own_number or part.customer_number or "—"
        print(f"{called}  {part.drawing or part.part}  {'+'.join(map(str, proposal.lots))}  {part.due or '—'}  {way}")
    print(
        f"{len(parsed.proposals)}件、問題なし。まだ何も登録していません / "
        f"{len(parsed.proposals)} orders, no problems. Nothing has been imported yet."
    )


def orders(settings: Gateway, events: Sequence[Order], parsed: Parsed, kept: Path | None, *, json: bool) -> None:
    """Print the orders that were recorded, one line each, and where the answers are kept."""
    lines = [_line(settings, event) for event in events]
    if json:
        notes = [note.plain() for note in parsed.notes]
        print(json_text.dumps({"orders": lines, "notes": notes, "kept": kept and str(kept)}, ensure_ascii=False))
        return
    _print_all(parsed.notes)
    for line in lines:
        called = line["own_number"] or line["customer_number"] or "—"
        print(f"{line['number']}  {called}  {line['part']}  {' '.join(line['tickets'])}  {line['page']}")
    if kept:
        print(f"読み方を覚えました：{kept} / The answers are kept for the next file.", file=sys.stderr)


def _print_all(found: Sequence[Problem]) -> None:
    """Print what is said of the file; what is said of many rows once, with the first of them."""
    same: dict[tuple[object, ...], list[Problem]] = {}
    for one in found:
        same.setdefault((one.sheet, one.place, one.column, one.reason, one.remedy), []).append(one)
    groups = list(same.values())
    for first, *others in groups[:_FIRST]:
        print(first, file=sys.stderr)
        if others:
            rows = [str(one.line) for one in others[:_ROWS_NAMED]]
            ja, en = ("…", "...") if len(others) > len(rows) else ("", "")
            print(
                f"    ほか{len(others)}行も同じ：{'、'.join(rows)}{ja}行目 / "
                f"the same in {len(others)} more: row {', '.join(rows)}{en}",
                file=sys.stderr,
            )
    if left := sum(map(len, groups[_FIRST:])):
        print(f"ほか {left} / {left} more", file=sys.stderr)


def parts(found: Sequence[Part], *, json: bool) -> None:
    """Print the part master."""
    if json:
        print(json_text.dumps({"parts": [_part(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        way = " → ".join(f"{step.no} {step.name} {step.firm}" for step in one.routing)
        when = one.last.date() if one.last else "—"
        print(f"{one.drawing or '—'}  {one.revision or '—'}  {one.name or '—'}  {one.coordinator}  {when}  ×{one.made}")
        print(f"    {one.number or one.order}: {way}")
    print(f"{len(found)}品 / {len(found)} parts", file=sys.stderr)


def refusal(sentence: str, *, json: bool) -> None:
    """Print why nothing was done."""
    if json:
        print(json_text.dumps({"refused": sentence}, ensure_ascii=False))
    else:
        print(sentence, file=sys.stderr)


def _how(parsed: Parsed) -> None:
    """Print which column was read as what."""
    if parsed.layout is None:
        return
    read = [one for one in parsed.layout.fields if one.column]
    left = [one for one in parsed.layout.fields if one.column is None and one.heading]
    said = "、".join(f"{letter(one.place)} {one.heading}={HEADINGS[one.column].ja}" for one in read if one.column)
    rest = "、".join(f"{letter(one.place)} {one.heading}" for one in left)
    print(f"読み方 / Read as: {said}", file=sys.stderr)
    if rest:
        print(f"読まない列 / Not read: {rest}", file=sys.stderr)


def _preview(parsed: Parsed) -> dict[str, object]:
    layout = parsed.layout
    columns = [
        {
            "letter": letter(one.place),
            "heading": one.heading,
            "column": one.column,
            "known_by": one.source.value,
            "maybe": one.suggestion,
        }
        for one in (layout.fields if layout else ())
    ]
    return {
        "sheet": layout.sheet.name if layout else None,
        "customer": layout.customer if layout else None,
        "columns": columns,
        "problems": [one.plain() for one in parsed.problems],
        "notes": [one.plain() for one in parsed.notes],
        "would_import": [_proposal(one) for one in parsed.proposals],
    }


def _proposal(proposal: Proposal) -> dict[str, object]:
    part = proposal.part
    return {
        "line": proposal.line,
        "own_number": part.own_number,
        "customer_number": part.customer_number,
        "part": part.part,
        "drawing": part.drawing,
        "revision": part.revision,
        "quantity": part.quantity,
        "due": part.due and part.due.isoformat(),
        "steps": len(proposal.routing),
        "routing": [{"no": step.no, "name": step.name, "firm": step.firm} for step in proposal.routing],
        "routing_from": proposal.routing_from,
        "lots": proposal.lots,
    }


def _line(settings: Gateway, event: Order) -> dict[str, Any]:
    part = event.part
    assert part
    return {
        "number": part.number or "",
        "own_number": part.own_number,
        "customer_number": part.customer_number,
        "part": part.part or part.drawing,
        "tickets": [ticket.id for ticket in event.tickets],
        "key": event.order,
        "page": f"http://{settings.web.host}:{settings.web.port}/order/{event.order}",
    }


def _part(one: Part) -> dict[str, object]:
    return {
        "drawing": one.drawing,
        "revision": one.revision,
        "part": one.name,
        "customer": one.customer,
        "coordinator": one.coordinator,
        "made": one.made,
        "last": one.last and one.last.isoformat(),
        "number": one.number,
        "order": one.order,
        "routing": [step.model_dump(mode="json", exclude_none=True) for step in one.routing],
    }
