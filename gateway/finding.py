"""One line of `mawashi check`. Japanese first; in words of the floor."""

from dataclasses import dataclass

from broker.words import Word


@dataclass(frozen=True, slots=True)
class Finding:
    """What was tried, whether it is well, what was found, and what to do if it is not."""

    what: Word
    ok: bool
    found: Word
    remedy: Word | None = None

    def __str__(self) -> str:
        ja, en = f"{self.what.ja}：{self.found.ja}", f"{self.what.en}: {self.found.en}"
        if self.remedy:
            ja, en = f"{ja}。{self.remedy.ja}", f"{en}. {self.remedy.en}"
        return f"{ja} / {en} ok" if self.ok else f"{ja} / {en}"

    def plain(self) -> dict[str, object]:
        """Return it for JSON: English under plain names, Japanese under `_ja`."""
        remedy = self.remedy or Word("", "")
        return {
            "what": self.what.en,
            "ok": self.ok,
            "found": self.found.en,
            "remedy": remedy.en,
            "what_ja": self.what.ja,
            "found_ja": self.found.ja,
            "remedy_ja": remedy.ja,
        }
