"""The script of the scripted model: what is understood, and which text answers it.

A rule is a pattern in English and Thai and a function that gives the answer. The first rule that matches answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reference.cogs.ai.chat import ChatMessage, ChatRequest, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CommandHelp", "Scene", "reply_to"]

LONGEST_QUOTE = 160
"""Characters of a person's words that are repeated."""

LONGEST_SEARCH = 500
"""Characters of a question that are compared with the commands."""

MOST_COMMANDS = 12
MOST_FACTS = 5
VARIANTS = 4
"""Texts that take turns where one would be dull."""

_THAI = re.compile("[\u0e00-\u0e7f]")
_LATIN = re.compile("[A-Za-z]")
_WORD = re.compile(r"[a-z]{3,}|[\u0e00-\u0e7f]{2,}")
_QUESTION = re.compile(r"\?|ไหม|มั้ย|อะไร|ทำไม|ยังไง|อย่างไร|เมื่อไร|ที่ไหน|ใคร")
_NAME_TOLD = re.compile(r"\bmy name is ([\w'-]{1,40})|(?:ผม|ฉัน|หนู|เรา)ชื่อ\s*([\w\u0e00-\u0e7f'-]{1,40})", re.IGNORECASE)
_FACT = re.compile(r"\bremember(?: that)? (.{2,})|(?:ช่วย)?จำ(?:ไว้)?(?:นะ)?ว่า\s*(.{2,})", re.IGNORECASE | re.DOTALL)
_COMMON = """
about and are bot can command commands does for have help how into need please some tell that the this
use want what when where which who why with you your would should could there from
"""
_COMMON_WORDS = frozenset(_COMMON.split())
"""Words that tell nothing of what somebody looks for."""


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """A command, as it is shown to people.

    Attributes:
        name: with the slash, and the group before it.
        description: in the language asked for.
        mention: what shows it as a link in Discord, else its name in bold.
    """

    name: str
    description: str
    mention: str = ""


class Texts(Protocol):
    """Gives the text of a key."""

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of a key, filled in."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a rule has to go by.

    Attributes:
        asked: what was said, without blanks around it.
        match: what the rule's pattern found in it.
        author: who said it; empty where nobody knows.
        earlier: what people said before, oldest first.
        texts: gives texts in the language of the question.
        commands: the bot's commands, described in that language.
    """

    asked: str
    match: re.Match[str]
    author: str
    earlier: Sequence[str]
    texts: Texts
    commands: Sequence[CommandHelp]

    @property
    def variant(self) -> int:
        """Which of several texts has its turn."""
        return len(self.earlier) % VARIANTS + 1


def reply_to(
    request: ChatRequest,
    texts_of: Callable[[str], Texts],
    commands_of: Callable[[str], Sequence[CommandHelp]],
) -> str:
    """Return the script's answer to a question.

    Args:
        request: the conversation, the question last.
        texts_of: gives the texts of a language.
        commands_of: gives the bot's commands, described in a language.
    """
    said = [message for message in request.messages if message.role is Role.USER]
    question = said[-1] if said else ChatMessage(Role.USER, "")
    asked = question.content.strip()
    language = language_in(asked, request.language)
    for pattern, answer in RULES:
        match = pattern.search(asked)
        if match is None:
            continue
        earlier = [message.content for message in said[:-1]]
        scene = Scene(asked, match, question.author, earlier, texts_of(language), commands_of(language))
        if (text := answer(scene)) is not None:
            return text
    raise AssertionError("the last rule answers everything")


def language_in(text: str, otherwise: str) -> str:
    """Tell the language of a text by its letters; one without letters is in the other one."""
    if _THAI.search(text):
        return "th"
    return "en" if _LATIN.search(text) else otherwise


def quoted(text: str) -> str:
    """Make a person's words fit to be repeated: one line of moderate length that formats nothing."""
    line = " ".join(text.replace("`", "'").split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1].rstrip() + "…"


def _empty(scene: Scene) -> str:
    return scene.texts("ai.scripted.empty")


def _recall_name(scene: Scene) -> str:
    names = [name for text in scene.earlier for name in _all(_NAME_TOLD, text)]
    name = names[-1] if names else scene.author
    return scene.texts("ai.scripted.name_known", name=name) if name else scene.texts("ai.scripted.name_unknown")


def _note_name(scene: Scene) -> str:
    return scene.texts("ai.scripted.name_told", name=_first(scene.match))


def _recall(scene: Scene) -> str:
    facts = [quoted(fact) for text in scene.earlier for fact in _all(_FACT, text)][-MOST_FACTS:]
    if facts:
        return scene.texts("ai.scripted.facts", facts="\n".join(f"- {fact}" for fact in facts))
    if scene.earlier:
        count = len(scene.earlier)
        return scene.texts("ai.scripted.recall", text=quoted(scene.earlier[-1]), count=count)
    return scene.texts("ai.scripted.recall_nothing")


def _note_fact(scene: Scene) -> str:
    return scene.texts("ai.scripted.fact_told", text=quoted(_first(scene.match)))


def _who(scene: Scene) -> str:
    return scene.texts("ai.scripted.who")


def _help(scene: Scene) -> str:
    chosen = _matching(scene) or list(scene.commands)
    if not chosen:
        return scene.texts("ai.scripted.help_nothing")
    return scene.texts("ai.scripted.help", commands=_listed(chosen))


def _suggest(scene: Scene) -> str | None:
    """Answer a question that has a word in common with a command; leave any other to the rules that follow."""
    chosen = _matching(scene)
    return scene.texts("ai.scripted.suggest", commands=_listed(chosen)) if chosen else None


def _greet(scene: Scene) -> str:
    key = "ai.scripted.greeting_again" if scene.earlier else "ai.scripted.greeting"
    return scene.texts(key, name=scene.author) if scene.author else scene.texts("ai.scripted.greeting_anyone")


def _feel(scene: Scene) -> str:
    return scene.texts("ai.scripted.feeling")


def _thank(scene: Scene) -> str:
    return scene.texts("ai.scripted.thanks")


def _part(scene: Scene) -> str:
    return scene.texts("ai.scripted.bye")


def _joke(scene: Scene) -> str:
    return scene.texts(f"ai.scripted.joke_{scene.variant}")


def _wonder(scene: Scene) -> str:
    return scene.texts("ai.scripted.question", text=quoted(scene.asked))


def _echo(scene: Scene) -> str:
    text = scene.texts(f"ai.scripted.echo_{scene.variant}", text=quoted(scene.asked))
    if not scene.earlier or scene.variant % 2:
        return text
    return f"{text} {scene.texts('ai.scripted.earlier', text=quoted(scene.earlier[-1]))}"


def _rule(pattern: str, answer: Callable[[Scene], str | None]) -> tuple[re.Pattern[str], Callable[[Scene], str | None]]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL), answer


RULES = (
    _rule(r"\A\Z", _empty),
    _rule(r"what(?:'s| is) my name|who am i\b|(?:ผม|ฉัน|หนู|เรา)ชื่ออะไร", _recall_name),
    (_NAME_TOLD, _note_name),
    _rule(
        r"what (?:do|can|did) (?:you|i) (?:remember|know about me|say|tell you)|จำอะไรได้|พูดอะไรไป|บอกอะไรไป", _recall
    ),
    (_FACT, _note_fact),
    _rule(
        r"\b(?:who|what) are you\b|are you (?:an? )?(?:ai|bot|human|real|robot)\b|เป็นใคร|คือใคร|เป็น(?:บอท|เอไอ|ai)", _who
    ),
    _rule(r"\bhelp\b|\bcommands?\b|what can you do|ช่วย|คำสั่ง|ทำอะไรได้", _help),
    _rule(r"\bhow are you\b|สบายดี(?:ไหม|มั้ย)|เป็นไง", _feel),
    _rule(r"\A\W*(?:hi|hello|hey|good (?:morning|evening|afternoon))\b|สวัสดี|หวัดดี", _greet),
    _rule(r"\bthank|\bthx\b|ขอบคุณ|ขอบใจ", _thank),
    _rule(r"\b(?:good)?bye\b|see you|good night|ลาก่อน|บ๊ายบาย|ราตรีสวัสดิ์|ฝันดี", _part),
    _rule(r"\bjoke|make me laugh|มุก|ตลก|ขำ", _joke),
    _rule(_QUESTION.pattern + r"|\bhow (?:do|can|to)\b|อยาก", _suggest),
    _rule(_QUESTION.pattern, _wonder),
    _rule("", _echo),
)
"""What is understood, in the order in which it is tried."""


def _matching(scene: Scene) -> list[CommandHelp]:
    """Return the commands that share words with what was said, at least half as many as the best, the best first."""
    words = set(_WORD.findall(scene.asked.lower()[:LONGEST_SEARCH])) - _COMMON_WORDS
    if not words:
        return []
    scores = [(_score(command, words), command) for command in scene.commands]
    best = max((score for score, _ in scores), default=0)
    return [command for score, command in sorted(scores, key=lambda pair: -pair[0]) if score and 2 * score >= best]


def _score(command: CommandHelp, words: set[str]) -> int:
    """Count common words, those of the name twice. Thai is written without spaces, so there a part of a word counts."""
    own_name = set(_WORD.findall(command.name.lower()))
    own_words = set(_WORD.findall(command.description.lower()))
    score = sum(2 * (word in own_name) + (word in own_words) for word in words)
    thai = [own for own in own_words if _THAI.match(own)]
    return score + sum(own in word for word in words if _THAI.match(word) for own in thai)


def _listed(commands: Sequence[CommandHelp]) -> str:
    lines = [f"- {command.mention or f'**{command.name}**'}: {command.description}" for command in commands]
    more = ["- …"] if len(lines) > MOST_COMMANDS else []
    return "\n".join(lines[:MOST_COMMANDS] + more)


def _all(pattern: re.Pattern[str], text: str) -> list[str]:
    return [_first(match) for match in pattern.finditer(text)]


def _first(match: re.Match[str]) -> str:
    """Return the group that took part, of which there is one for each language."""
    return next(group for group in match.groups() if group is not None).strip()
