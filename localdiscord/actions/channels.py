"""Channels: making, changing, ordering and deleting them, and their overwrites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit, belongings, threads
from localdiscord.actions.access import permissions_in, require, require_in_guild
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.channel import FORUMS, Channel, ChannelType, Overwrite, Tag
from localdiscord.model.world import Event
from localdiscord.permissions import ALL, Permissions

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["change", "create", "delete", "delete_overwrite", "reorder", "set_overwrite"]

MOST_CHANNELS = 500
MOST_IN_CATEGORY = 50
MANAGE = Permissions.MANAGE_CHANNELS
OBVIOUS = ("name", "topic", "nsfw", "position", "bitrate", "user_limit", "rtc_region", "flags")
"""What a channel holds under the name by which it is set."""

RENAMED = {
    "rate_limit_per_user": "slowmode",
    "default_thread_rate_limit_per_user": "thread_slowmode",
    "default_auto_archive_duration": "archive_after",
    "parent_id": "parent_id",
    "type": "type",
}


# -- making ------------------------------------------------------------------------------------------------------


def create(world: World, guild: Guild, by: User, values: dict[str, Any], reason: str | None = None) -> Channel:
    """Make a channel.

    Args:
        world: the world.
        guild: where.
        by: who makes it.
        values: by Discord's names.
        reason: why.

    Raises:
        DiscordError: the actor may not, lacks what an overwrite would allow, or there are too many.
    """
    require_in_guild(guild, by, MANAGE)
    _require_parent(guild, values.get("parent_id"))
    overwrites = _overwrites(world, guild, by, values.get("permission_overwrites"))
    if len(guild.channels) >= MOST_CHANNELS:
        raise DiscordError(Refusal.MOST_CHANNELS)
    kind = ChannelType(values.get("type") or ChannelType.TEXT)
    channel = Channel(world.snowflakes.next(), kind, guild_id=guild.id, position=_next_position(guild, kind))
    _apply(world, channel, {"name": values["name"]} | values)
    if kind in {ChannelType.TEXT, ChannelType.ANNOUNCEMENT, *FORUMS}:
        channel.name = _slug(channel.name)
    parent = guild.channels.get(channel.parent_id or 0)
    channel.overwrites = overwrites if overwrites or not parent else [_copied(each) for each in parent.overwrites]
    world.channels[channel.id] = guild.channels[channel.id] = channel
    tell(world, channel, "CHANNEL_CREATE")
    changes = audit.created(channel.payload())
    audit.note(world, guild, by, Audited.CHANNEL_CREATE, channel.id, reason, changes=changes)
    return channel


def _next_position(guild: Guild, kind: ChannelType) -> int:
    same = [each.position for each in guild.channels.values() if (each.type is kind) or kind != ChannelType.CATEGORY]
    return max(same, default=-1) + 1


def _slug(name: str) -> str:
    return "-".join(name.lower().split())


def _copied(overwrite: Overwrite) -> Overwrite:
    return Overwrite(overwrite.id, overwrite.type, overwrite.allow, overwrite.deny)


def _require_parent(guild: Guild, parent_id: int | None) -> None:
    if parent_id is None:
        return
    parent = guild.channels.get(parent_id)
    if parent is None or parent.type is not ChannelType.CATEGORY:
        raise invalid_form("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category")
    if sum(each.parent_id == parent_id for each in guild.channels.values()) >= MOST_IN_CATEGORY:
        words = f"Maximum number of channels in category reached ({MOST_IN_CATEGORY})"
        raise invalid_form("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", words)


def _overwrites(world: World, guild: Guild, by: User, said: list[dict[str, Any]] | None) -> list[Overwrite]:
    overwrites = []
    for index, each in enumerate(said or []):
        allow, deny = Permissions(each.get("allow") or 0), Permissions(each.get("deny") or 0)
        _require_target(world, guild, each["id"], each["type"], f"permission_overwrites.{index}")
        overwrites.append(Overwrite(each["id"], each["type"], allow & ALL, deny & ALL))
    changed = Permissions(0)
    for overwrite in overwrites:
        changed |= overwrite.allow | overwrite.deny
    require_in_guild(guild, by, changed & ALL)
    return overwrites


def _require_target(world: World, guild: Guild, key: int, kind: int, path: str) -> None:
    if (key not in guild.roles) if kind == 0 else (key not in world.users):
        raise invalid_form(path, "INVALID_OVERWRITE", "Unknown role or member")


# -- changing ----------------------------------------------------------------------------------------------------


def change(world: World, channel: Channel, by: User, values: dict[str, Any], reason: str | None = None) -> None:
    """Change a channel.

    Args:
        world: the world.
        channel: a channel of a guild, no thread.
        by: who changes it.
        values: by Discord's names.
        reason: why.

    Raises:
        DiscordError: the actor may not, or Discord does not take it.
    """
    require(world, channel, by, MANAGE)
    guild = world.guild(channel.guild_id or 0)
    if values.get("parent_id") != channel.parent_id:
        _require_parent(guild, values.get("parent_id"))
    _require_type(channel, values.get("type"))
    before = channel.payload()
    if values.get("permission_overwrites") is not None:
        require(world, channel, by, Permissions.MANAGE_ROLES)
        channel.overwrites = _overwrites(world, guild, by, values["permission_overwrites"])
    _apply(world, channel, values)
    after = channel.payload()
    if after == before:
        return
    tell(world, channel, "CHANNEL_UPDATE")
    hidden = ("permission_overwrites",)
    changes = audit.differences(*({k: v for k, v in body.items() if k not in hidden} for body in (before, after)))
    if changes:
        audit.note(world, guild, by, Audited.CHANNEL_UPDATE, channel.id, reason, changes=changes)


def _require_type(channel: Channel, kind: int | None) -> None:
    convertible = {ChannelType.TEXT, ChannelType.ANNOUNCEMENT}
    if kind is not None and kind != channel.type and not {channel.type, ChannelType(kind)} <= convertible:
        raise invalid_form("type", "CHANNEL_TYPE_INVALID", "Invalid channel type")


def _apply(world: World, channel: Channel, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name == "available_tags":
            channel.tags = [_tag(world, channel, each) for each in value or []]
        elif name == "type":
            channel.type = ChannelType(value or 0)
        elif name == "permission_overwrites":
            continue
        elif name in RENAMED:
            setattr(
                channel, RENAMED[name], value if name in {"parent_id", "default_auto_archive_duration"} else value or 0
            )
        elif name in OBVIOUS:
            if value is not None or name in {"topic", "rtc_region"}:
                setattr(channel, name, value)
        else:
            channel.settings[name] = value


def _tag(world: World, channel: Channel, said: dict[str, Any]) -> Tag:
    known = {tag.id for tag in channel.tags}
    key = said.get("id") if said.get("id") in known else world.snowflakes.next()
    emoji_id, emoji = said.get("emoji_id"), said.get("emoji_name")
    return Tag(int(key or 0), said["name"], bool(said.get("moderated")), emoji_id, emoji)


def reorder(world: World, guild: Guild, by: User, entries: list[dict[str, Any]]) -> None:
    """Order channels anew; all of them, or none.

    Args:
        world: the world.
        guild: where.
        by: who orders them.
        entries: `id`, and `position`, `parent_id` and `lock_permissions` where they change.

    Raises:
        DiscordError: the actor may not, or there is no such channel.
    """
    require_in_guild(guild, by, MANAGE)
    for entry in entries:
        if entry["id"] not in guild.channels:
            raise DiscordError(Refusal.UNKNOWN_CHANNEL)
        _require_parent(guild, entry.get("parent_id"))
    for entry in entries:
        channel = guild.channels[entry["id"]]
        before = channel.payload()
        if entry.get("position") is not None:
            channel.position = entry["position"]
        if "parent_id" in entry:
            channel.parent_id = entry["parent_id"]
            parent = guild.channels.get(channel.parent_id or 0)
            if entry.get("lock_permissions") and parent:
                channel.overwrites = [_copied(each) for each in parent.overwrites]
        if channel.payload() != before:
            tell(world, channel, "CHANNEL_UPDATE")


# -- deleting ----------------------------------------------------------------------------------------------------


def delete(world: World, channel: Channel, by: User, reason: str | None = None) -> None:
    """Delete a channel of a guild and its threads, or a thread; close one for direct messages.

    Raises:
        DiscordError: the actor may not.
    """
    if channel.guild_id is None:
        return
    if channel.thread is not None:
        threads.delete(world, channel, by, reason)
        return
    require(world, channel, by, MANAGE)
    guild = world.guild(channel.guild_id)
    belongings.clear(world, guild, channel)
    for thread in [each for each in guild.threads.values() if each.parent_id == channel.id]:
        threads.vanish(world, thread)
    tell(world, channel, "CHANNEL_DELETE")
    del guild.channels[channel.id], world.channels[channel.id]
    for orphan in [each for each in guild.channels.values() if each.parent_id == channel.id]:
        orphan.parent_id = None
        tell(world, orphan, "CHANNEL_UPDATE")
    changes = audit.deleted(channel.payload())
    audit.note(world, guild, by, Audited.CHANNEL_DELETE, channel.id, reason, changes=changes)


# -- overwrites --------------------------------------------------------------------------------------------------


def set_overwrite(world: World, channel: Channel, by: User, overwrite: Overwrite, reason: str | None = None) -> None:
    """Say what a channel allows and denies a role or a member.

    Raises:
        DiscordError: the actor may not, or lacks what is allowed or denied.
    """
    require(world, channel, by, Permissions.MANAGE_ROLES)
    guild = world.guild(channel.guild_id or 0)
    _require_target(world, guild, overwrite.id, overwrite.type, "overwrite_id")
    before = next((each for each in channel.overwrites if each.id == overwrite.id), None)
    old = before or Overwrite(overwrite.id, overwrite.type)
    changed = (overwrite.allow ^ old.allow) | (overwrite.deny ^ old.deny)
    if changed & ALL & ~permissions_in(world, channel, by):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)
    if before is None:
        channel.overwrites.append(overwrite)
    else:
        channel.overwrites[channel.overwrites.index(before)] = overwrite
    tell(world, channel, "CHANNEL_UPDATE")
    changes = audit.differences(before.payload() if before else {}, overwrite.payload())
    action = Audited.OVERWRITE_UPDATE if before else Audited.OVERWRITE_CREATE
    _note_overwrite(world, guild, by, (action, channel, overwrite), reason, changes)


def delete_overwrite(world: World, channel: Channel, by: User, key: int, reason: str | None = None) -> None:
    """Let a channel say nothing more of a role or a member.

    Raises:
        DiscordError: the actor may not, or nothing was said.
    """
    require(world, channel, by, Permissions.MANAGE_ROLES)
    guild = world.guild(channel.guild_id or 0)
    found = next((each for each in channel.overwrites if each.id == key), None)
    if found is None:
        raise DiscordError(Refusal.UNKNOWN_OVERWRITE)
    channel.overwrites.remove(found)
    tell(world, channel, "CHANNEL_UPDATE")
    changes = audit.deleted(found.payload())
    _note_overwrite(world, guild, by, (Audited.OVERWRITE_DELETE, channel, found), reason, changes)


def _note_overwrite(
    world: World,
    guild: Guild,
    by: User,
    what: tuple[Audited, Channel, Overwrite],
    reason: str | None,
    changes: list[dict[str, Any]],
) -> None:
    action, channel, overwrite = what
    options = {"id": str(overwrite.id), "type": str(overwrite.type)}
    if overwrite.id in guild.roles:
        options["role_name"] = guild.roles[overwrite.id].name
    audit.note(world, guild, by, action, channel.id, reason, changes=changes, options=options)


# -- telling -----------------------------------------------------------------------------------------------------


def tell(world: World, channel: Channel, name: str) -> None:
    """Tell those who see a channel of it."""
    world.emit(Event(name, channel.payload(), Intents.GUILDS, channel.guild_id, channel.id))
