"""Interactions: a person used a command, a button, a menu or a form, and the bot answers."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.model.user import User

__all__ = ["ANSWER_WITHIN", "TOKEN_LASTS", "Act", "Callback", "Interaction", "InteractionType", "token_of"]

ANSWER_WITHIN = 3.0
"""Seconds that a bot has for its first answer."""

TOKEN_LASTS = 15 * 60.0
"""Seconds for which a bot may write with an interaction's token."""


class InteractionType(IntEnum):
    """Discord's kinds of interaction."""

    PING = 1
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Callback(IntEnum):
    """Discord's kinds of first answer."""

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


def token_of(interaction_id: int) -> str:
    """Make an interaction's token; it begins as Discord's do, which tells it from a webhook's."""
    words = f"interaction:{interaction_id}:{secrets.token_hex(24)}"
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Act:
    """What a person did with a bot.

    Attributes:
        type: what they used.
        data: what exactly, as Discord writes it.
        message: the message whose component was used, also where a form came of that.
        command: the name of the command with its groups, where it was one.
        cause: of a form that was sent, the interaction whose answer opened it.
    """

    type: InteractionType
    data: dict[str, Any]
    message: Message | None = None
    command: str | None = None
    cause: Interaction | None = None


@dataclass
class Interaction:
    """One interaction and what has become of it.

    Attributes:
        begun: when, in Unix seconds.
        callback: the bot's first answer, as it came; None until it answers.
        original: the message that the first answer made, promised or changed.
        followups: the messages after it.
        closed: whether the form that the answer opened is no longer open: sent or dismissed.
    """

    id: int
    token: str
    application: Application
    user: User
    channel: Channel
    act: Act
    begun: float
    callback: dict[str, Any] | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    closed: bool = False

    @property
    def type(self) -> InteractionType:
        """What the person used."""
        return self.act.type

    @property
    def data(self) -> dict[str, Any]:
        """What the person did, as Discord writes it."""
        return self.act.data

    @property
    def message(self) -> Message | None:
        """The message whose component was used."""
        return self.act.message

    @property
    def kind(self) -> Callback | None:
        """The kind of the first answer."""
        return Callback(self.callback["type"]) if self.callback else None

    @property
    def is_answered(self) -> bool:
        """Whether the bot has answered."""
        return self.callback is not None

    @property
    def is_open(self) -> bool:
        """Whether a form is open before the person."""
        return self.kind is Callback.MODAL and not self.closed

    @property
    def form(self) -> dict[str, Any]:
        """The form that the bot answered with; empty where it did not."""
        return self.callback["data"] if self.callback and self.kind is Callback.MODAL else {}

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The choices that the bot offered for what was typed."""
        return list(self.callback["data"]["choices"]) if self.callback and self.kind is Callback.CHOICES else []
