"""Who may write in a channel, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions.access import permissions_in, require
from localdiscord.errors import DiscordError, Refusal
from localdiscord.model.channel import TEXTUAL
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.actions.drafts import Draft
    from localdiscord.model.channel import Channel
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["count_slowmode", "require_reading", "require_writing"]

FASTER = Permissions.MANAGE_MESSAGES | Permissions.MANAGE_CHANNELS | Permissions.BYPASS_SLOWMODE
"""Whoever has one of these is not slowed down."""


def require_writing(world: World, channel: Channel, author: User, draft: Draft) -> None:
    """Refuse a message that its author may not write here.

    Raises:
        DiscordError: permissions, a locked thread, slow mode, or somebody who wants no direct messages.
    """
    require(world, channel, author, Permissions.VIEW_CHANNEL)
    if channel.type not in TEXTUAL:
        raise DiscordError(Refusal.NO_TEXT_CHANNEL)
    if channel.guild_id is None:
        _require_contact(world, channel, author)
        return
    writing = Permissions.SEND_MESSAGES_IN_THREADS if channel.thread else Permissions.SEND_MESSAGES
    needed = {
        writing: True,
        Permissions.ATTACH_FILES: bool(draft.files),
        Permissions.SEND_TTS_MESSAGES: draft.tts,
        Permissions.SEND_POLLS: draft.poll is not None,
    }
    for permission in (permission for permission, is_needed in needed.items() if is_needed):
        require(world, channel, author, permission)
    if channel.thread and channel.thread.locked:
        _require_unlocking(world, channel, author)
    _require_slowness(world, channel, author)


def _require_contact(world: World, channel: Channel, author: User) -> None:
    for other in channel.recipients:
        common = any({author.id, other.id} <= guild.members.keys() for guild in world.guilds.values())
        if other is not author and (author.id in other.blocked or not other.accepts_messages or not common):
            raise DiscordError(Refusal.CANNOT_DM)


def _require_unlocking(world: World, channel: Channel, author: User) -> None:
    if Permissions.MANAGE_THREADS not in permissions_in(world, channel, author):
        raise DiscordError(Refusal.THREAD_LOCKED)


def _require_slowness(world: World, channel: Channel, author: User) -> None:
    since = world.clock() - channel.last_sent.get(author.id, 0.0)
    if since < channel.slowmode and not _is_fast(world, channel, author):
        raise DiscordError(Refusal.SLOWMODE, extra={"retry_after": round(channel.slowmode - since, 3), "global": False})


def _is_fast(world: World, channel: Channel, author: User) -> bool:
    return author.bot or bool(permissions_in(world, channel, author) & FASTER)


def count_slowmode(world: World, channel: Channel, author: User) -> None:
    """Note that somebody has written, where that slows them down."""
    if channel.slowmode and not _is_fast(world, channel, author):
        channel.last_sent[author.id] = world.clock()


def require_reading(world: World, channel: Channel, user: User) -> None:
    """Refuse an answer to what its author cannot read.

    Raises:
        DiscordError: missing access, or no permission to read what was written.
    """
    held = permissions_in(world, channel, user)
    if Permissions.VIEW_CHANNEL not in held:
        raise DiscordError(Refusal.MISSING_ACCESS)
    if Permissions.READ_MESSAGE_HISTORY not in held:
        raise DiscordError(Refusal.REPLY_WITHOUT_HISTORY)
