"""Notes in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.intents import Intents
from localdiscord.model.audit import Audited, Entry
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions, in_guild

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["created", "deleted", "differences", "note"]

NOT_CHANGES = {"id", "guild_id", "user", "url", "proxy_url", "version"}
"""What a thing's payload holds that the audit log does not speak of."""


def note(
    world: World,
    guild: Guild,
    by: User,
    action: Audited,
    target_id: int | None,
    reason: str | None,
    **about: Any,
) -> Entry:
    """Write an entry, and tell those of it who may read the log.

    Args:
        world: the world.
        guild: where it was done.
        by: who did it.
        action: what was done.
        target_id: to whom, or to what.
        reason: why, as whoever did it says.
        **about: `changes`, what is different, and `options`, what else there is to tell, as Discord writes both.
    """
    entry = Entry(world.snowflakes.next(), action, by.id, target_id, reason=reason, **about)
    guild.audit_log.append(entry)
    data = entry.payload() | {"guild_id": str(guild.id)}
    for application in world.applications.values():
        member = guild.members.get(application.bot.id)
        if member and Permissions.VIEW_AUDIT_LOG in in_guild(guild, member):
            event = Event(
                "GUILD_AUDIT_LOG_ENTRY_CREATE", data, Intents.GUILD_MODERATION, guild.id, only=application.bot.id
            )
            world.emit(event)
    return entry


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what two payloads of one thing differ in, as the audit log writes it."""
    changes = []
    for key in before | after:
        if key in NOT_CHANGES or before.get(key) == after.get(key):
            continue
        change = {"key": key, "old_value": before.get(key), "new_value": after.get(key)}
        changes.append({name: value for name, value in change.items() if value is not None})
    return changes


def created(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the changes of a thing that is new."""
    return differences({}, payload)


def deleted(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the changes of a thing that is gone."""
    return differences(payload, {})
