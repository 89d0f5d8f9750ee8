"""The local Discord's world: what there is by kind and number, and what must hold of it whatever was asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from localdiscord.model.application import Application
    from localdiscord.model.guild import Guild
    from localdiscord.model.message import Message
    from localdiscord.model.world import World

__all__ = ["faults", "known"]


def known(world: World, application: Application, path: dict[str, str]) -> dict[str, list[str]]:
    """Return the ids, tokens and codes that exist, by kind: one's own first, then the newest first.

    Args:
        world: the world.
        application: who asks.
        path: the parameters that are known already; messages are those of its channel, where it has one.
    """
    guilds = list(world.guilds.values())
    channels = [world.channels[each] for each in map(_number, path.values()) if each in world.channels]
    messages = _messages(world, channels or world.channels.values())
    commands = [each for scope in application.commands.values() for each in scope.values()]
    found: dict[str, Iterable[Any]] = {
        "answer": (1, 2),
        "application": sorted(world.applications, key=lambda key: key == application.id),
        "channel": world.channels,
        "code": [*world.invites, *(guild.template.code for guild in guilds if guild.template)],
        "command": [command["id"] for command in commands],
        "emoji": [*_all(guilds, "emojis"), *application.emojis],
        "event": _all(guilds, "events"),
        "guild": sorted(world.guilds, key=lambda key: application.bot.id in world.guilds[key].members),
        "interaction": [each.id for each in world.interactions.values()],
        "message": [message.id for message in messages],
        "overwrite": [*_all(guilds, "roles"), *world.users],
        "reaction": [quote("\U0001f600"), *(quote(key) for message in messages for key in message.reactions)],
        "role": _all(guilds, "roles"),
        "rule": _all(guilds, "rules"),
        "sound": _all(guilds, "sounds"),
        "sticker": _all(guilds, "stickers"),
        "user": sorted(world.users, key=lambda key: not world.users[key].bot),
        "webhook": [*world.webhooks, *world.applications],
        "token": [*(hook.token for hook in world.webhooks.values() if hook.token), *world.interactions],
    }
    return {kind: [str(each) for each in list(values)[::-1]] for kind, values in found.items()}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _all(guilds: list[Guild], table: str) -> list[int]:
    return [key for guild in guilds for key in getattr(guild, table)]


def _messages(world: World, channels: Iterable[Any]) -> list[Message]:
    return [message for channel in channels for message in channel.messages.values()]


# -- what must hold -------------------------------------------------------------------------------------------------


def faults(world: World) -> list[str]:
    """Say what does not hold in a world, one sentence each."""
    found = [fault for guild in world.guilds.values() for rule in OF_GUILDS for fault in rule(world, guild)]
    return [*found, *_of_channels(world), *_of_others(world), *_unwritten(world)]


def _members(world: World, guild: Guild) -> Iterator[str]:
    if guild.owner_id not in guild.members:
        yield f"guild {guild.id} is owned by {guild.owner_id}, who is no member"
    for key, member in guild.members.items():
        if world.users.get(key) is not member.user:
            yield f"guild {guild.id} has the member {key}, who is no user"
        if strays := [role for role in member.roles if role not in guild.roles]:
            yield f"member {key} has the roles {strays}, which are gone"
        if len(set(member.roles)) != len(member.roles) or guild.id in member.roles:
            yield f"member {key} has the roles {member.roles}, one of them twice or @everyone"
    if both := guild.bans.keys() & guild.members.keys():
        yield f"{both} are members of guild {guild.id} and banned there"


def _roles(_world: World, guild: Guild) -> Iterator[str]:
    if guild.id not in guild.roles:
        yield f"guild {guild.id} has no @everyone"
    yield from _keys("role", guild.roles)
    places = sorted(role.position for role in guild.roles.values())
    if places[0] != 0 or guild.everyone.position != 0:
        yield f"@everyone of guild {guild.id} stands at {guild.everyone.position}, the lowest role at {places[0]}"


def _places(world: World, guild: Guild) -> Iterator[str]:
    for kind, table in (("channel", guild.channels), ("thread", guild.threads)):
        yield from _keys(kind, table)
        for key, channel in table.items():
            if world.channels.get(key) is not channel or channel.guild_id != guild.id:
                yield f"{kind} {key} of guild {guild.id} is not the one of the world"
    for thread in guild.threads.values():
        if thread.parent_id not in guild.channels:
            yield f"thread {thread.id} belongs to channel {thread.parent_id}, which is gone"
    for channel in guild.channels.values():
        if channel.parent_id is not None and channel.parent_id not in guild.channels:
            yield f"channel {channel.id} stands in category {channel.parent_id}, which is gone"


def _belongings(_world: World, guild: Guild) -> Iterator[str]:
    for name in ("emojis", "stickers", "sounds", "rules", "events"):
        yield from _keys(name, getattr(guild, name))
    for key, state in guild.voice_states.items():
        if state.channel_id is not None and state.channel_id not in guild.channels:
            yield f"{key} is in voice channel {state.channel_id}, which is gone"
        if key not in guild.members:
            yield f"{key} is in voice in guild {guild.id} and no member"
    for key in guild.stages:
        if key not in guild.channels:
            yield f"the stage of channel {key} goes on, and the channel is gone"
    for event in guild.events.values():
        if event.channel_id is not None and event.channel_id not in guild.channels:
            yield f"event {event.id} takes place in channel {event.channel_id}, which is gone"


OF_GUILDS: tuple[Callable[[World, Guild], Iterator[str]], ...] = (_members, _roles, _places, _belongings)


def _keys(kind: str, table: dict[int, Any]) -> Iterator[str]:
    yield from (f"{kind} {each.id} is kept as {key}" for key, each in table.items() if each.id != key)


def _of_channels(world: World) -> Iterator[str]:
    for key, channel in world.channels.items():
        guild = world.guilds.get(channel.guild_id or 0)
        if channel.guild_id is not None and (guild is None or key not in guild.channels | guild.threads):
            yield f"channel {key} belongs to guild {channel.guild_id}, which does not have it"
        for number, message in channel.messages.items():
            if message.id != number or message.channel is not channel:
                yield f"message {message.id} is kept as {number} in channel {key}"
        if list(channel.messages) != sorted(channel.messages):
            yield f"the messages of channel {key} are not in the order of their age"


def _of_others(world: World) -> Iterator[str]:
    yield from _keys("user", world.users)
    yield from _keys("webhook", world.webhooks)
    for hook in world.webhooks.values():
        if hook.channel_id not in world.channels:
            yield f"webhook {hook.id} writes in channel {hook.channel_id}, which is gone"
    for code, invite in world.invites.items():
        if invite.code != code or invite.channel.id not in world.channels or invite.guild.id not in world.guilds:
            yield f"invite {code} leads nowhere"


def _unwritten(world: World) -> Iterator[str]:
    """Yield what cannot be written as JSON, which is what every client is told when it comes."""
    for guild in world.guilds.values():
        told = [guild.create_payload(list(guild.members.values())), [entry.payload() for entry in guild.audit_log]]
        told += [rule.payload() for rule in guild.rules.values()]
        told += [message.payload() for message in _messages(world, [*guild.channels.values(), *guild.threads.values()])]
        try:
            json.dumps(told, allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"guild {guild.id} cannot be written as JSON: {error}"
