"""What a person sees of the world: the guilds, channels and people, and the messages, as the page is told them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import permissions_in
from localdiscord.model.channel import TEXTUAL, ChannelType
from localdiscord.permissions import Permissions, in_guild

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.member import Member
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from localdiscord.model.voice_state import VoiceState
    from localdiscord.model.world import Event, World

__all__ = ["concerns", "may_see", "message_view", "person_view", "town_view"]

IN_CHANNEL = {
    "read": Permissions.READ_MESSAGE_HISTORY,
    "attach": Permissions.ATTACH_FILES,
    "react": Permissions.ADD_REACTIONS,
    "manage": Permissions.MANAGE_MESSAGES,
    "commands": Permissions.USE_APPLICATION_COMMANDS,
    "connect": Permissions.CONNECT,
    "pin": Permissions.PIN_MESSAGES,
    "thread": Permissions.CREATE_PUBLIC_THREADS,
}
"""What the page offers in a channel to those who may."""

IN_GUILD = {
    "kick": Permissions.KICK_MEMBERS,
    "ban": Permissions.BAN_MEMBERS,
    "moderate": Permissions.MODERATE_MEMBERS,
}
"""What the page offers in a guild to those who may."""


def _named(held: Permissions, names: dict[str, Permissions]) -> list[str]:
    return [name for name, needed in names.items() if needed in held]


def person_view(user: User) -> dict[str, Any]:
    """Return a user as the page shows them."""
    return {
        "id": str(user.id),
        "username": user.username,
        "name": user.global_name or user.username,
        "bot": user.bot,
        "avatar": user.avatar,
        "locale": user.locale,
    }


def may_see(world: World, user: User, channel: Channel) -> bool:
    """Tell whether a user sees a channel."""
    return Permissions.VIEW_CHANNEL in permissions_in(world, channel, user)


def concerns(world: World, user: User, event: Event) -> bool:
    """Tell whether a user hears of an event: it is for them alone, or happened where they are."""
    if event.only is not None:
        return event.only == user.id
    channel = world.channels.get(event.channel_id or 0)
    if channel is not None:
        return may_see(world, user, channel)
    guild = world.guilds.get(event.guild_id or 0)
    return guild is None or user.id in guild.members


def message_view(message: Message, user: User) -> dict[str, Any]:
    """Return a message as the page shows it to somebody."""
    return message.payload(user.id)


def town_view(world: World, user: User) -> dict[str, Any]:
    """Return all that a user sees except for the messages."""
    direct = [channel for channel in world.channels.values() if channel.type is ChannelType.DM]
    return {
        "me": person_view(user),
        "guilds": [_guild_view(world, guild, user) for guild in world.guilds.values() if user.id in guild.members],
        "direct": [_direct_view(world, channel, user) for channel in direct if user in channel.recipients],
    }


def _guild_view(world: World, guild: Guild, user: User) -> dict[str, Any]:
    held = in_guild(guild, guild.member(user.id))
    places = [*guild.channels.values(), *guild.threads.values()]
    seen = [channel for channel in places if may_see(world, user, channel)]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner": str(guild.owner_id),
        "can": _named(held, IN_GUILD),
        "channels": [_channel_view(world, channel, user) for channel in seen],
        "roles": [role.payload() for role in guild.roles.values()],
        "members": [_member_view(member) for member in guild.members.values()],
        "voice": [_voice_view(state) for state in guild.voice_states.values() if state.channel_id is not None],
    }


def _voice_view(state: VoiceState) -> dict[str, Any]:
    return {
        "user": str(state.member.user.id),
        "channel": str(state.channel_id),
        "mute": state.self_mute or state.member.mute,
        "deaf": state.self_deaf or state.member.deaf,
    }


def _member_view(member: Member) -> dict[str, Any]:
    presence = member.user.presence
    return {
        **person_view(member.user),
        "name": member.display_name,
        "roles": [str(role) for role in member.roles],
        "status": presence.status,
        "activities": presence.activities,
        "timedOut": member.is_timed_out(),
    }


def _channel_view(world: World, channel: Channel, user: User) -> dict[str, Any]:
    return {
        "id": str(channel.id),
        "type": int(channel.type),
        "name": channel.name,
        "topic": channel.topic,
        "guild": str(channel.guild_id) if channel.guild_id else None,
        "parent": str(channel.parent_id) if channel.parent_id else None,
        "position": channel.position,
        "slowmode": channel.slowmode,
        "archived": channel.thread is not None and channel.thread.archived,
        "last": str(channel.last_message_id) if channel.last_message_id else None,
        "can": _allowed(world, channel, user),
    }


def _allowed(world: World, channel: Channel, user: User) -> list[str]:
    held = permissions_in(world, channel, user)
    writing = Permissions.SEND_MESSAGES_IN_THREADS if channel.thread else Permissions.SEND_MESSAGES
    return _named(held, IN_CHANNEL) + (["send"] if writing in held and channel.type in TEXTUAL else [])


def _direct_view(world: World, channel: Channel, user: User) -> dict[str, Any]:
    others = [other for other in channel.recipients if other is not user] or [user]
    name = ", ".join(other.global_name or other.username for other in others)
    people = [person_view(other) for other in others]
    return {**_channel_view(world, channel, user), "name": name, "recipients": people}
