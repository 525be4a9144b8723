"""The one question: where is 4471?"""

from dataclasses import replace

import pytest

from gateway.rules.order import OrderState, State
from gateway.web.ask import Question, question
from gateway.web.whereabouts import Stand, answer, whereabouts
from tests.web import sample
from tests.web.test_reader import reader


def order(number: str) -> OrderState:
    return next(one for one in sample.orders() if one.number == number)


@pytest.mark.parametrize(
    ("number", "ja", "en"),
    [
        ("4471", "いま: 研削工場 工程20 作業中 8:06から", "Now at Grinding, operation 20, running, since 8:06"),
        ("4465", "いま: めっき工場 工程30 中断中 8:50から", "Now at Plating, operation 30, paused, since 8:50"),
        (
            "4468",
            "いま: めっき工場へ 工程30 移動中 8:40から",
            "Now on the way to Plating, operation 30, since 8:40",
        ),
        ("4470", "いま: 研削工場 工程20 着手待ち 8:20から", "Now at Grinding, operation 20, ready, since 8:20"),
        (
            "4472",
            "いま: 旋盤工場 工程10 完了 出荷待ち 11/19 16:40から",
            "Now at Turning, operation 10 done, ready to ship, since 19 Nov 16:40",
        ),
        ("4455", "完了しています 11/18 11:30", "Done, 18 Nov 11:30"),
    ],
)
def test_the_answer_is_one_sentence_in_both_languages(number, ja, en):
    assert answer(order(number), reader()) == ja
    assert answer(order(number), reader("en")) == en


def test_an_order_nobody_started_and_a_cancelled_one_say_so():
    fresh = order("4478")
    waiting = replace(fresh, operations=tuple(replace(one, state=State.WAITING) for one in fresh.operations))
    assert answer(waiting, reader()) == "まだ着手していません"
    assert answer(replace(fresh, state=State.CANCELLED), reader("en")) == "Cancelled"
    assert answer(replace(fresh, operations=()), reader("en")) == "Not started yet"


def test_a_lot_that_moves_in_parts_is_at_several_places_the_one_at_work_first():
    split = order("4471")
    first, second, third, last = split.operations
    third = replace(third, state=State.READY, state_since=sample.at(20, 9, 0))
    both = replace(split, operations=(first, second, third, last))
    assert [place.operation.no for place in whereabouts(both).places] == [20, 30]
    assert answer(both, reader()).endswith("、ほか めっき工場 工程30 着手待ち 9:00から")
    assert whereabouts(both).stand is Stand.ACTIVE


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        (" 4471 ", Question("4471")),
        ("４４７１", Question("4471")),
        ("No.4471", Question("4471")),
        ("#4471", Question("4471")),
        ("4471-20", Question("4471-20", 20)),
        ("7k3q9f.20-r", Question("7K3Q9F", 20)),
        ("HTTPS://MAWASHI.EXAMPLE/T/7K3Q9F.20-R", Question("7K3Q9F", 20)),
        ("", Question("")),
    ],
)
def test_the_box_takes_what_people_type_and_scanners_read(asked, meant):
    assert question(asked) == meant
