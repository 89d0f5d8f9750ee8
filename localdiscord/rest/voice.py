"""Voice states, and the regions there are."""

from __future__ import annotations

from typing import Any

from localdiscord.errors import DiscordError, Refusal
from localdiscord.rest.router import Call, route


@route("GET", "/guilds/{guild_id}/voice-states/@me")
async def own_voice_state(call: Call) -> dict[str, Any]:
    """Return the bot's voice state."""
    return _voice_state(call, call.bot.id)


@route("GET", "/guilds/{guild_id}/voice-states/{user_id}")
async def voice_state(call: Call) -> dict[str, Any]:
    """Return a member's voice state."""
    return _voice_state(call, call.id("user_id"))


def _voice_state(call: Call, user_id: int) -> dict[str, Any]:
    guild = call.discord.world.guild(call.id("guild_id"))
    guild.member(call.bot.id)
    state = guild.voice_states.get(user_id)
    if state is None:
        raise DiscordError(Refusal.UNKNOWN_VOICE_STATE)
    return state.payload()


@route("GET", "/voice/regions")
@route("GET", "/guilds/{guild_id}/regions")
async def regions(_call: Call) -> list[dict[str, Any]]:
    """Return the one region that there is: this machine."""
    return [{"id": "local", "name": "This machine", "optimal": True, "deprecated": False, "custom": False}]
