"""Interactions: a person used a command, a button, a menu or a form, and the bot answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.model.user import User

__all__ = ["Interaction", "InteractionType"]


class InteractionType(IntEnum):
    """Discord's kinds of interaction."""

    PING = 1
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


@dataclass
class Interaction:
    """One interaction and what has become of it.

    Attributes:
        data: what the person did, as Discord writes it.
        message: the message whose component was used.
        callback: the bot's first answer, as it came; None until it answers.
        original: the message that the first answer made, or that it promised.
        followups: the messages after it.
    """

    id: int
    token: str
    type: InteractionType
    application: Application
    user: User
    channel: Channel
    data: dict[str, Any]
    message: Message | None = None
    callback: dict[str, Any] | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
