"""Reading and writing: history, messages and what is done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import may
from localdiscord.permissions import Permissions
from localdiscord.web.acts import act, channel_of, message_of
from localdiscord.web.view import message_view

if TYPE_CHECKING:
    from localdiscord.web.acts import Request
    from localdiscord.web.connection import Tab

__all__ = ["delete", "edit", "history", "pin", "pins", "react", "say", "thread", "typing", "unpin", "unreact", "vote"]

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
            found.append(message_view(message, person.user))
    return {"messages": found[::-1], "whole": True}


@act("say")
async def say(tab: Tab, request: Request) -> None:
    """Write a message, with the files that were sent ahead."""
    channel = channel_of(tab, request)
    original = channel.messages.get(int(request.get("reply") or 0))
    files = [tab.uploads.take(str(key)) for key in request.get("files") or ()]
    ping = bool(request.get("ping", True))
    tab.person.say(channel, str(request["content"]), reply_to=original, files=files, ping=ping)


@act("edit")
async def edit(tab: Tab, request: Request) -> None:
    """Change a message."""
    tab.person.edit(message_of(tab, request), str(request["content"]))


@act("delete")
async def delete(tab: Tab, request: Request) -> None:
    """Delete a message; one that the person alone sees is dismissed."""
    tab.person.delete(message_of(tab, request))


@act("react")
async def react(tab: Tab, request: Request) -> None:
    """React to a message."""
    tab.person.react(message_of(tab, request), str(request["emoji"]))


@act("unreact")
async def unreact(tab: Tab, request: Request) -> None:
    """Take a reaction back."""
    tab.person.unreact(message_of(tab, request), str(request["emoji"]))


@act("typing")
async def typing(tab: Tab, request: Request) -> None:
    """Begin to type."""
    tab.person.type(channel_of(tab, request))


@act("pin")
async def pin(tab: Tab, request: Request) -> None:
    """Pin a message."""
    tab.person.pin(message_of(tab, request))


@act("unpin")
async def unpin(tab: Tab, request: Request) -> None:
    """Unpin a message."""
    tab.person.unpin(message_of(tab, request))


@act("pins")
async def pins(tab: Tab, request: Request) -> dict[str, Any]:
    """Return the pinned messages of a channel."""
    pinned = tab.person.pinned(channel_of(tab, request))
    return {"messages": [message_view(message, tab.person.user) for message in pinned]}


@act("thread")
async def thread(tab: Tab, request: Request) -> dict[str, str]:
    """Begin a thread, with a message or without one."""
    where = message_of(tab, request) if request.get("message") else channel_of(tab, request)
    made = tab.person.begin_thread(where, str(request["name"]))
    tab.tell_town()
    return {"channel": str(made.id)}


@act("vote")
async def vote(tab: Tab, request: Request) -> None:
    """Vote in a poll."""
    tab.person.vote(message_of(tab, request), *(int(answer) for answer in request["answers"]))
