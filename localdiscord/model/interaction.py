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

__all__ = ["ANSWER_WITHIN", "TOKEN_LASTS", "Callback", "Interaction", "InteractionType", "token_of"]

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


@dataclass
class Interaction:
    """One interaction and what has become of it.

    Attributes:
        data: what the person did, as Discord writes it.
        begun: when, in Unix seconds.
        message: the message whose component was used, also where a form came of that.
        command: the name of the command with its groups; the first one, where a form came of it.
        callback: the bot's first answer, as it came; None until it answers.
        original: the message that the first answer made, promised or changed.
        followups: the messages after it.
        closed: whether the form that the answer opened is no longer open: sent or dismissed.
        cause: of a form that was sent, the interaction whose answer opened it.
    """

    id: int
    token: str
    type: InteractionType
    application: Application
    user: User
    channel: Channel
    data: dict[str, Any]
    begun: float = 0.0
    message: Message | None = None
    command: str | None = None
    callback: dict[str, Any] | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    closed: bool = False
    cause: Interaction | None = None

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
