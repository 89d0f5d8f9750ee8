"""What the page may ask for: each act by its name, carried out by the person of the tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.web.connection import Tab

    Request = dict[str, Any]
    Handler = Callable[[Tab, Request], Awaitable[Any]]

__all__ = ["ACTS", "BadRequestError", "act", "channel_of", "message_of"]

ACTS: dict[str, Handler] = {}
"""The acts by name; the modules of this package enter theirs."""


class BadRequestError(Exception):
    """Something that cannot be asked for now; the words are for the person."""


def act(name: str) -> Callable[[Handler], Handler]:
    """Enter a function as the act of a name.

    Args:
        name: what the page calls it.
    """

    def enter(handler: Handler) -> Handler:
        ACTS[name] = handler
        return handler

    return enter


def channel_of(tab: Tab, request: Request) -> Channel:
    """Return the channel that a request names.

    Raises:
        DiscordError: there is none.
        HumanlyImpossibleError: the person does not see it.
    """
    channel = tab.discord.world.channel(int(request["channel"]))
    tab.person.require_sight(channel)
    return channel


def message_of(tab: Tab, request: Request) -> Message:
    """Return the message that a request names.

    Raises:
        DiscordError: there is none.
        HumanlyImpossibleError: the person does not see it.
    """
    message = tab.discord.world.message(int(request["channel"]), int(request["message"]))
    tab.person.require_sight(message)
    return message
