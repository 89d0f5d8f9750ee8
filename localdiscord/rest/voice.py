"""Voice states, and the regions there are."""

from __future__ import annotations

from typing import Any

from localdiscord.actions import voice
from localdiscord.errors import DiscordError, Refusal
from localdiscord.rest.forms.fields import Flag, Form, Moment, Snowflake
from localdiscord.rest.router import Call, route


class VoiceStateForm(Form):
    """A change of somebody on a stage."""

    suppress: Flag | None = None
    channel_id: Snowflake | None = None


class OwnVoiceStateForm(VoiceStateForm):
    """A change of the bot on a stage."""

    request_to_speak_timestamp: Moment | None = None


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


@route("PATCH", "/guilds/{guild_id}/voice-states/@me")
async def edit_own_voice_state(call: Call) -> None:
    """Speak on a stage, listen again, or ask to speak."""
    changes = call.form(OwnVoiceStateForm).given()
    changes.pop("channel_id", None)
    if "request_to_speak_timestamp" in changes:
        changes["requested_at"] = changes.pop("request_to_speak_timestamp")
    voice.speak(call.world, call.bot, call.guild(), call.bot, changes)


@route("PATCH", "/guilds/{guild_id}/voice-states/{user_id}")
async def edit_voice_state(call: Call) -> None:
    """Bring a member to speak on a stage, or back to listen."""
    changes = call.form(VoiceStateForm).given()
    changes.pop("channel_id", None)
    voice.speak(call.world, call.bot, call.guild(), call.world.user(call.id("user_id")), changes)


@route("GET", "/voice/regions")
@route("GET", "/guilds/{guild_id}/regions")
async def regions(_call: Call) -> list[dict[str, Any]]:
    """Return the one region that there is: this machine."""
    return [{"id": "local", "name": "This machine", "optimal": True, "deprecated": False, "custom": False}]
