"""Words as people hear them, however they are spelled: case, look-alikes, invisible characters, spaced letters."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, field

__all__ = ["Spelling", "fold", "says", "spelled"]

LOOK_ALIKES = str.maketrans(
    {
        # Cyrillic and Greek letters that look Latin
        **dict(zip("авекмнорстухіјѕԁһԛԝь", "abekmhopctyxijsdhqwb", strict=True)),
        **dict(zip("αβγεζηικνορτυχωϲ", "abyezniknoptuxwc", strict=True)),
        # digits and signs that stand for letters
        **dict(zip("0134578@$€", "oieastbase", strict=True)),
        # letters that are taken for each other
        **dict(zip("lıłøđħŧæœß", "iiiodhtaos", strict=True)),  # noqa: RUF001  look-alikes are the matter
    }
)
"""What each character is taken for; `l`, `i` and `1` are one letter here."""

MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u20d0-\u20f0]+")
"""Accents over Latin, Greek and Cyrillic letters; the vowels of Thai are of another block and stay."""

INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
SIGNS = "\ufe0e\ufe0f\u115f\u1160\u3164\uffa0\u2800\u034f"
"""Characters without a shape of their own that Unicode does not count among the invisible."""

LETTER = re.compile(r"[^\W_]|[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]")
"""Letters and digits, and the signs over and under Thai letters."""

WIDEST_GAP = 4
"""How many other characters may stand between two letters of a word."""


def fold(text: str) -> str:
    """Return a text with every letter as the plain one that it looks like.

    Args:
        text: what somebody wrote.
    """
    seen = "".join(each for each in text if each not in SIGNS and not _is_invisible(each))
    plain = unicodedata.normalize("NFKD", seen).casefold()
    return MARKS.sub("", unicodedata.normalize("NFKC", MARKS.sub("", plain))).translate(LOOK_ALIKES)


def _is_invisible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) in INVISIBLE


@dataclass(slots=True)
class Spelling:
    """A text as runs of the same letter, so that repetition and small gaps make no difference.

    Attributes:
        letters: the letter of each run; a space where a wide gap parts two.
        counts: how often it is repeated.
        edges: at which counts of a run something else than a letter stands, its beginning and its end included.
    """

    letters: str = ""
    counts: list[int] = field(default_factory=list)
    edges: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Spelling:
        """Read a text, as people wrote it."""
        spelling, letters, gap = cls(), list[str](), 1
        for each in fold(text):
            if not LETTER.match(each):
                gap += 1
                continue
            if gap and letters:
                spelling.edges[-1].append(spelling.counts[-1])
            if gap > WIDEST_GAP:
                spelling.counts.append(1)
                spelling.edges.append([])
                letters.append(" ")
            if not letters or letters[-1] != each:
                letters.append(each)
                spelling.counts.append(0)
                spelling.edges.append([0] if gap else [])
            spelling.counts[-1] += 1
            gap = 0
        if letters:
            spelling.edges[-1].append(spelling.counts[-1])
        spelling.letters = "".join(letters)
        return spelling


def says(text: Spelling, word: Spelling) -> bool:
    """Tell whether a word is said.

    A word of a script with spaces has to stand alone, so that a harmless longer word is left alone.

    Args:
        text: where.
        word: what; one without a letter is never said.
    """
    letters = word.letters.strip()
    at = text.letters.find(letters) if letters else -1
    while at >= 0:
        if _fits(text, at, letters, word.counts[-len(letters) :]):
            return True
        at = text.letters.find(letters, at + 1)
    return False


def _fits(text: Spelling, at: int, letters: str, needed: list[int]) -> bool:
    """Tell whether the runs from one place on are long enough, and begin and end where a word does."""
    last = at + len(letters) - 1
    there = text.counts[at : last + 1]
    ending = text.edges[last][-1:] or [0]
    beginning = text.edges[at][:1] or [there[0]]
    if _stands_alone(letters[-1]):
        there[-1] = ending[0]
    if _stands_alone(letters[0]):
        there[0] -= beginning[0]
    return all(count >= need for count, need in zip(there, needed, strict=True))


def _stands_alone(letter: str) -> bool:
    """Tell whether a letter belongs to a script that puts spaces between words."""
    return not ("\u0e00" <= letter <= "\u0e7f" or ord(letter) >= 0x2E80)


@functools.lru_cache(maxsize=4096)
def spelled(word: str) -> Spelling:
    """Return how a banned word is spelled; it is remembered, and not to be changed."""
    return Spelling.of(word)
