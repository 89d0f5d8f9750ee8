"""What is said between the bot and a language model, whoever serves it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "ChatMessage",
    "ChatModel",
    "ChatRequest",
    "Completion",
    "Draft",
    "Role",
    "Usage",
    "estimate_tokens",
    "fit_tokens",
]

PER_MESSAGE = 4
"""Tokens that a message costs besides its text."""


class Role(StrEnum):
    """Who says something."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message of a conversation.

    Attributes:
        role: who says it.
        content: the text.
        author: the name of the member who says it; empty for the model, and where nobody knows.
    """

    role: Role
    content: str
    author: str = ""

    @property
    def text(self) -> str:
        """The content with its author, as a model reads it."""
        return f"{self.author}: {self.content}" if self.author else self.content

    @property
    def tokens(self) -> int:
        """What it costs, estimated."""
        return estimate_tokens(self.text) + PER_MESSAGE


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A question to a model.

    Attributes:
        messages: the conversation, the question last.
        max_tokens: the most tokens of the answer.
        temperature: None leaves it to the model.
        language: the code of the language that the person reads.
    """

    messages: Sequence[ChatMessage]
    max_tokens: int
    temperature: float | None = None
    language: str = "en"

    @property
    def tokens(self) -> int:
        """What the question costs, estimated."""
        return sum(message.tokens for message in self.messages)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request."""

    input_tokens: int
    output_tokens: int

    @property
    def total(self) -> int:
        """Tokens in both directions."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """How an answer ended.

    Attributes:
        usage: what the model says that it cost; None where it says nothing.
        reason: why it ended: `stop`, or `length` where it was cut off, or the service's own word.
    """

    usage: Usage | None = None
    reason: str = "stop"


class ChatModel(Protocol):
    """A language model, or what speaks like one."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def is_scripted(self) -> bool:
        """Whether it is a program that follows a script, and no AI."""

    async def answer(self, request: ChatRequest, on_text: Callable[[str], object]) -> Completion:
        """Answer a question.

        Args:
            request: the question.
            on_text: called with each piece of the answer, as soon as it is there.

        Raises:
            ModelError: there is no answer, or it broke off.
        """

    async def close(self) -> None:
        """Give back what it holds."""


class Draft:
    """An answer that grows: written by a model, shown by whoever follows it."""

    def __init__(self) -> None:
        self.text = ""
        self._version = 0
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()

    def add(self, piece: str) -> None:
        """Add to the text."""
        self._become(self.text + piece)

    def restart(self) -> None:
        """Forget the text: another try begins."""
        if self.text:
            self._become("")

    def close(self) -> None:
        """Tell whoever follows that nothing more is to be shown."""
        self._closed.set()
        self._changed.set()

    async def newer(self, version: int) -> int | None:
        """Wait until the text is newer than a version; return its version, or None once the draft is closed.

        Args:
            version: what was seen last; 0 for nothing.
        """
        while self._version <= version and not self._closed.is_set():
            self._changed.clear()
            await self._changed.wait()
        return None if self._closed.is_set() else self._version

    async def closes_within(self, seconds: float) -> bool:
        """Wait for a while; tell, as soon as it is so, whether the draft is closed."""
        try:
            async with asyncio.timeout(seconds):
                return await self._closed.wait()
        except TimeoutError:
            return False

    def _become(self, text: str) -> None:
        self.text = text
        self._version += 1
        self._changed.set()


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text without the model's own table: high rather than low.

    ASCII is about four characters to a token; every other character, of which Thai is full, is counted as one.
    """
    ascii_characters = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return -(-ascii_characters // 4) + len(text) - ascii_characters


def fit_tokens(text: str, tokens: int) -> str:
    """Return the longest beginning of a text that is estimated at no more than so many tokens."""
    quarters = 4 * max(0, tokens)
    for place, character in enumerate(text):
        quarters -= 1 if character.isascii() else 4
        if quarters < 0:
            return text[:place]
    return text
