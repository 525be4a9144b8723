"""`mawashi-edge listen` on a keyboard device: the keys as they are struck, and what they type in each country. Pure.

The device is heard along with whoever else hears it, never grabbed: it may be the only keyboard there is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broker.codes import CodeError, parse
from broker.words import Word
from edge.drivers.hid.keys import Layout
from edge.drivers.hid.parser import Parser, struck
from edge.drivers.readings import Text
from edge.rules.turn import escaped


@dataclass(frozen=True, slots=True)
class Typed:
    """What one moment brought: keys by their numbers, and the texts that they ended, by country."""

    keys: tuple[int, ...]
    texts: tuple[Mapping[Layout, str], ...] = ()


class Keystrokes:
    """Reads the same keys once for each country."""

    def __init__(self) -> None:
        self._parsers = {layout: Parser(layout) for layout in Layout}
        self.heard = 0
        self.ours: Counter[Layout] = Counter()
        """How many texts were codes of ours, by country."""

    def take(self, data: bytes, mono_ms: int) -> Typed:
        """Take events and return what they say."""
        found = {
            layout: [one.text for one in parser.feed(data, mono_ms) if isinstance(one, Text)]
            for layout, parser in self._parsers.items()
        }
        texts = [dict(zip(found, each, strict=True)) for each in zip(*found.values(), strict=False)]
        self.ours.update(layout for each in texts for layout, text in each.items() if is_ours(text))
        keys = struck(data)
        self.heard += len(keys)
        return Typed(keys, tuple(texts))

    @property
    def proposal(self) -> Layout | None:
        """The country under which most codes were ours; None if that cannot be said."""
        most = self.ours.most_common(2)
        if not most or (len(most) > 1 and most[0][1] == most[1][1]):
            return None
        return most[0][0]


def is_ours(text: str) -> bool:
    """Say whether a text is a code of a ticket, card, station or badge."""
    try:
        parse(text)
    except CodeError:
        return False
    return True


def lines(typed: Typed) -> Iterator[str]:
    """Show it for people."""
    if typed.keys:
        yield f"打鍵 / keys: {' '.join(str(one) for one in typed.keys)}"
    for each in typed.texts:
        for layout, text in each.items():
            yield f"  {layout:>3}: {escaped(text)}{'   ← Mawashi のコード / a code of ours' if is_ours(text) else ''}"


def verdict(heard: Keystrokes) -> str:
    """Say for people what was heard and what to write."""
    if not heard.heard:
        word = _NOTHING
    elif heard.proposal:
        word = Word(f'提案：layout = "{heard.proposal}"', f'proposal: layout = "{heard.proposal}"')
    else:
        word = _EITHER if heard.ours else _NONE
    return f"{word.ja} / {word.en}"


_NOTHING = Word(
    "打鍵がありません。票を読ませ、ほかのプログラム（動いている現場端末も）がつかんでいないか確かめてください",
    "no key was struck. Scan a ticket, and see that no other program (a running agent, too) has grabbed the device",
)
_EITHER = Word('どちらの国でも読めます：layout = "us"', 'it reads under both: layout = "us"')
_NONE = Word(
    "Mawashi のコードになりません。末尾 ENTER と国の設定を確かめ、票を読ませてください",
    "nothing was a code of ours. Set suffix ENTER and the country, and scan a ticket",
)
