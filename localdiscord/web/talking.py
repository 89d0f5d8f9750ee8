"""Reading and writing: history, messages and what is done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import may
from localdiscord.permissions import Permissions
from localdiscord.web.acts import act, channel_of
from localdiscord.web.view import message_view

if TYPE_CHECKING:
    from localdiscord.web.acts import Request
    from localdiscord.web.connection import Tab

__all__ = ["history", "say"]

LARGEST_PAGE = 100


@act("history")
async def history(tab: Tab, request: Request) -> dict[str, Any]:
    """Return the messages before one, or the last ones, oldest first; and whether they begin the channel."""
    channel, person = channel_of(tab, request), tab.person
    limit = max(1, min(int(request["limit"]), LARGEST_PAGE))
    before = int(request["before"]) if request.get("before") else None
    if not may(tab.discord.world, channel, person.user, Permissions.READ_MESSAGE_HISTORY):
        return {"messages": [], "whole": True}
    found: list[dict[str, Any]] = []
    for message in reversed(channel.messages.values()):
        if (before is None or message.id < before) and person.sees(message):
            if len(found) == limit:
                return {"messages": found[::-1], "whole": False}
            found.append(message_view(message))
    return {"messages": found[::-1], "whole": True}


@act("say")
async def say(tab: Tab, request: Request) -> None:
    """Write a message."""
    tab.person.say(channel_of(tab, request), str(request["content"]))
