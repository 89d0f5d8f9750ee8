"""A summary made of a text's own sentences: those that hold most of what the text keeps coming back to.

Words are weighed by how often they occur, those of the title twice; a sentence by the words it holds. Sentences that
repeat a better one are left out. Thai has neither spaces between words nor stops after sentences, so its words are
stood in for by groups of three letters, and its sentences by what stands between spaces, joined to a readable length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["sentences_in", "summarise"]

MOST_SENTENCES = 400
"""Sentences that are looked at; the rest of a longer text adds little."""

CHOSEN = 4
"""Sentences of a summary, if there is room."""

SHORTEST = 30
LONGEST = 500
"""Characters of a sentence that may be chosen."""

ALIKE = 0.5
"""The share of common words from which one sentence repeats another."""

LEAST_SCORE = 0.5
"""What a sentence must say, as a part of what the best one says."""

FIRST_WEIGHT = 1.5
"""What the first sentence counts more than the last ones: texts say early what they are about."""

_SENTENCE_END = re.compile(
    r"(?<=[.!?\u2026])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]?[^\Wa-z_])|(?<=[\u3002\uff01\uff1f])"
)
_ABBREVIATION = re.compile(r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|No|vs|etc|Inc|Ltd|Jr|Sr|e\.g|i\.e)\.)$")
LONGEST_ABBREVIATION = 8
"""Characters before the end of a sentence that are looked at: pages are hostile, and time must be linear."""

_THAI = re.compile("[\u0e00-\u0e7f]+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_STOP = """
about after again all also and any are because been before being between both but can could did does doing down during
each few for from further had has have having her here hers him his how into its just more most not now off once only
other our out over own same she should some such than that the their them then there these they this those through too
under until very was were what when where which while who whom why will with would you your
"""
STOP_WORDS = frozenset(_STOP.split())


@dataclass(frozen=True, slots=True)
class _Sentence:
    place: int
    text: str
    words: frozenset[str]


def summarise(text: str, longest: int = 600, title: str = "") -> str:
    """Return the sentences that say most of a text, in their order.

    Args:
        text: a line for each paragraph.
        longest: characters of the summary.
        title: of the text.

    Returns:
        The summary; the beginning of a text that has no sentences.
    """
    sentences = [
        _Sentence(place, sentence, frozenset(_words(sentence)))
        for place, sentence in enumerate(sentences_in(text)[:MOST_SENTENCES])
    ]
    usable = [sentence for sentence in sentences if SHORTEST <= len(sentence.text) <= min(LONGEST, longest)]
    if not usable:
        return _shortened(" ".join(text.split()), longest)
    chosen = _chosen(_ranked(usable, title), longest)
    return " ".join(sentence.text for sentence in sorted(chosen, key=lambda sentence: sentence.place))


def sentences_in(text: str) -> list[str]:
    """Split a text into its sentences."""
    return [sentence for line in text.splitlines() for sentence in _of_line(" ".join(line.split())) if sentence]


def _of_line(line: str) -> Iterator[str]:
    if sum(map(len, _THAI.findall(line))) * 2 > len(line):
        yield from _joined(line.split(), SHORTEST * 2)
        return
    begin = 0
    for end in _SENTENCE_END.finditer(line):
        if not _ABBREVIATION.search(line, max(begin, end.start() - LONGEST_ABBREVIATION), end.start()):
            yield line[begin : end.end()].strip()
            begin = end.end()
    yield line[begin:].strip()


def _joined(pieces: Sequence[str], length: int) -> Iterator[str]:
    """Join pieces until each is of a length that says something."""
    sentence = ""
    for piece in pieces:
        sentence = f"{sentence} {piece}".lstrip()
        if len(sentence) >= length:
            yield sentence
            sentence = ""
    yield sentence


def _words(text: str) -> Iterator[str]:
    """Yield what is counted: words that mean something, and groups of three Thai letters."""
    for word in _WORD.findall(_THAI.sub(" ", text.lower())):
        if word not in STOP_WORDS:
            yield word
    for run in _THAI.findall(text):
        yield from (run[place : place + 3] for place in range(len(run) - 2))


def _ranked(sentences: list[_Sentence], title: str) -> list[_Sentence]:
    """Return the sentences that say something of the matter, those that say most first."""
    weights = Counter(word for sentence in sentences for word in sentence.words)
    for word in set(_words(title)) & weights.keys():
        weights[word] *= 2
    count = len(sentences)

    def score(sentence: _Sentence, rank: int) -> float:
        if not sentence.words:
            return 0.0
        meaning = sum(weights[word] for word in sentence.words) / math.sqrt(len(sentence.words))
        return meaning * (1.0 + (FIRST_WEIGHT - 1.0) * (count - rank) / count)

    scores = {sentence: score(sentence, rank) for rank, sentence in enumerate(sentences)}
    least = LEAST_SCORE * max(scores.values())
    told = [sentence for sentence in sentences if scores[sentence] >= least]
    return sorted(told, key=lambda sentence: (-scores[sentence], sentence.place))


def _chosen(ranked: list[_Sentence], longest: int) -> list[_Sentence]:
    chosen: list[_Sentence] = []
    room = longest
    for sentence in ranked:
        if len(chosen) == CHOSEN:
            break
        if len(sentence.text) <= room and not any(_repeats(sentence, other) for other in chosen):
            chosen.append(sentence)
            room -= len(sentence.text) + 1
    return chosen


def _repeats(sentence: _Sentence, other: _Sentence) -> bool:
    common = len(sentence.words & other.words)
    return common > ALIKE * max(1, min(len(sentence.words), len(other.words)))


def _shortened(line: str, longest: int) -> str:
    """Return a line of at most so many characters, cut between words where there are any."""
    if len(line) <= longest:
        return line
    cut = line.rfind(" ", longest // 2, longest - 1)
    return line[: cut if cut > 0 else longest - 1].rstrip() + "…"
