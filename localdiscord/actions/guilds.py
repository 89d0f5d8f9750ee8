"""Guilds: what is set about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit
from localdiscord.actions.access import require_in_guild
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["change", "forget_channel"]

OWN = {"name": "name", "preferred_locale": "locale", "features": "features", "icon": "icon", "banner": "banner"}
"""What a guild holds itself, by Discord's names."""

IDS = {
    "afk_channel_id",
    "system_channel_id",
    "rules_channel_id",
    "public_updates_channel_id",
    "safety_alerts_channel_id",
    "widget_channel_id",
}
UNLISTED = {"roles", "emojis", "stickers"}
"""What is in a guild's payload and has entries of its own in the audit log."""


def change(world: World, guild: Guild, by: User, values: dict[str, Any], reason: str | None = None) -> None:
    """Change what is set about a guild; all of it, or nothing.

    Args:
        world: the world.
        guild: which.
        by: who changes it.
        values: by Discord's names, ids as numbers; None puts back what holds where nothing is set.
        reason: why.

    Raises:
        DiscordError: the actor may not, or a channel is not there.
    """
    require_in_guild(guild, by, Permissions.MANAGE_GUILD)
    for name in IDS & values.keys():
        if values[name] is not None and values[name] not in guild.channels:
            raise DiscordError(Refusal.UNKNOWN_CHANNEL)
    before = guild.payload()
    for name, value in values.items():
        if name in OWN:
            if value is not None or name in {"icon", "banner"}:
                setattr(guild, OWN[name], value)
        elif value is None:
            guild.settings.pop(name, None)
        else:
            guild.settings[name] = str(value) if name in IDS else value
    after = guild.payload()
    if after == before:
        return
    world.emit(Event("GUILD_UPDATE", after, Intents.GUILDS, guild.id))
    listed = [{name: value for name, value in body.items() if name not in UNLISTED} for body in (before, after)]
    audit.note(world, guild, by, Audited.GUILD_UPDATE, guild.id, reason, changes=audit.differences(*listed))


def forget_channel(world: World, guild: Guild, channel: Channel) -> None:
    """Take a channel that is deleted out of all settings that name it."""
    stale = [name for name in sorted(IDS) if guild.settings.get(name) == str(channel.id)]
    guild.settings |= dict.fromkeys(stale)
    if stale:
        world.emit(Event("GUILD_UPDATE", guild.payload(), Intents.GUILDS, guild.id))
