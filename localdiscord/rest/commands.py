"""Application commands."""

from __future__ import annotations

from typing import Any

from localdiscord.rest.router import Call, route


@route("PUT", "/applications/{application_id}/commands")
@route("PUT", "/applications/{application_id}/guilds/{guild_id}/commands")
async def overwrite_commands(call: Call) -> list[dict[str, Any]]:
    """Replace all commands of a scope; a command that keeps its name keeps its id."""
    application = call.requester
    guild_id = call.id("guild_id") if "guild_id" in call.path else None
    before = {(each["name"], each["type"]): each["id"] for each in application.commands.get(guild_id, {}).values()}
    made = [_command(call, body, guild_id, before) for body in call.body]
    application.commands[guild_id] = {int(command["id"]): command for command in made}
    return made


def _command(call: Call, body: dict[str, Any], guild_id: int | None, before: dict[Any, str]) -> dict[str, Any]:
    kind = body.get("type", 1)
    known = before.get((body["name"], kind)) or str(call.discord.world.snowflakes.next())
    defaults: dict[str, Any] = {"description": "", "default_member_permissions": None, "nsfw": False, "options": []}
    place = {"guild_id": str(guild_id)} if guild_id else {}
    own = {"id": known, "type": kind, "application_id": str(call.requester.id), "version": known}
    return defaults | body | own | place
