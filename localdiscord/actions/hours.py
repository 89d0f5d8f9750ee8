"""What the time does by itself: polls end, and threads in which nobody writes go into the archive."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from localdiscord.actions import polls, threads
from localdiscord.snowflakes import moment_of

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.model.world import World

__all__ = ["strike"]


def strike(world: World) -> None:
    """Do what has fallen due."""
    now = world.now()
    for message in [each for each in world.open_polls.values() if polls.poll_of(each).expiry <= now]:
        del world.open_polls[message.id]
        if _is_there(world, message):
            polls.finish(world, message)
    for channel in [each for each in world.channels.values() if _is_forgotten(each, now)]:
        threads.shelve(world, channel)


def _is_there(world: World, message: Message) -> bool:
    return message.channel.id in world.channels and message.id in message.channel.messages


def _is_forgotten(channel: Channel, now: datetime) -> bool:
    own = channel.thread
    if own is None or own.archived:
        return False
    active = max(moment_of(channel.last_message_id or channel.id), own.archived_at or own.created_at)
    return active + timedelta(minutes=own.archive_after) <= now
