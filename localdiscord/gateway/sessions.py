"""How sessions begin, are left, are taken up again, and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions import presence
from localdiscord.gateway.codes import Close

if TYPE_CHECKING:
    from localdiscord.gateway.session import Link, Session
    from localdiscord.server import LocalDiscord

__all__ = ["attach", "begin", "detach", "drop", "forget_expired"]


def begin(discord: LocalDiscord, session: Session) -> None:
    """Let a session hear what happens from here on; one of the same shard that nobody is connected to is over."""
    for earlier in tuple(discord.sessions.values()):
        same = earlier.application is session.application and earlier.shard == session.shard
        if same and earlier.link is None:
            drop(discord, earlier)
    discord.sessions[session.id] = session
    discord.notify()


def attach(discord: LocalDiscord, session: Session, link: Link) -> None:
    """Give a session to a client that came back; the connection it had is closed."""
    if session.link is not None:
        session.link.close(Close.UNKNOWN_ERROR, "The session was resumed on another connection.")
    session.link = link
    discord.notify()


def detach(discord: LocalDiscord, session: Session) -> None:
    """Keep a session whose connection broke off for a client that comes back."""
    session.link = None
    session.left = discord.world.clock()
    discord.notify()


def drop(discord: LocalDiscord, session: Session) -> None:
    """End a session: the bot is out of voice, and offline where it was the last one."""
    session.link = None
    if discord.sessions.pop(session.id, None) is None:
        return
    discord.voice_bridge.forget(session)
    bot = session.application.bot
    if all(each.application is not session.application for each in discord.sessions.values()):
        presence.change(discord.world, bot, "offline", [])
    discord.notify()


def forget_expired(discord: LocalDiscord) -> None:
    """End the sessions that nobody came back to in time."""
    oldest = discord.world.clock() - discord.resume_window
    for session in tuple(discord.sessions.values()):
        if session.link is None and session.left < oldest:
            drop(discord, session)
