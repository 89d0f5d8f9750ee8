"""The audit log of a guild."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import require_in_guild
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.audit_log import AuditLogForm
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.audit import Entry

NOTHING = (
    "integrations",
    "webhooks",
    "guild_scheduled_events",
    "threads",
    "application_commands",
    "auto_moderation_rules",
)


@route("GET", "/guilds/{guild_id}/audit-logs")
async def read_audit_log(call: Call) -> dict[str, Any]:
    """Return entries, the newest first; those after one are the oldest after it, in their order."""
    guild, asked = call.guild(), call.asked(AuditLogForm)
    require_in_guild(guild, call.bot, Permissions.VIEW_AUDIT_LOG)
    found = [entry for entry in guild.audit_log if _matches(entry, asked)]
    found = found[: asked.limit] if asked.after is not None else found[::-1][: asked.limit]
    ids = dict.fromkeys(key for entry in found for key in (entry.user_id, entry.target_id) if key is not None)
    users = [call.world.users[key].payload() for key in ids if key in call.world.users]
    empty: dict[str, Any] = {name: [] for name in NOTHING}
    return {"audit_log_entries": [entry.payload() for entry in found], "users": users, **empty}


def _matches(entry: Entry, asked: AuditLogForm) -> bool:
    return (
        asked.user_id in {None, entry.user_id}
        and asked.target_id in {None, entry.target_id}
        and asked.action_type in {None, int(entry.action)}
        and (asked.before is None or entry.id < asked.before)
        and (asked.after is None or entry.id > asked.after)
    )
