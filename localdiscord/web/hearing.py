"""Voice channels: going in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.web.acts import act, channel_of

if TYPE_CHECKING:
    from localdiscord.web.acts import Request
    from localdiscord.web.connection import Tab

__all__ = ["join_voice", "leave_voice"]


@act("join-voice")
async def join_voice(tab: Tab, request: Request) -> None:
    """Go into a voice channel, or change what is muted."""
    flags = {name: bool(request.get(name)) for name in ("mute", "deaf")}
    tab.person.join_voice(channel_of(tab, request), **flags)


@act("leave-voice")
async def leave_voice(tab: Tab, request: Request) -> None:
    """Go out of a voice channel."""
    tab.person.leave_voice(channel_of(tab, request))
