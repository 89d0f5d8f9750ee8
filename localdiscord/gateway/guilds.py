"""Guilds, members and messages as a session is told of them: no more than its intents allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.intents import Intents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localdiscord.gateway.session import Session
    from localdiscord.model.guild import Guild
    from localdiscord.model.member import Member
    from localdiscord.model.world import Event

__all__ = ["guild_create", "presences", "shown"]

CONTENT = ("content", "embeds", "attachments", "components")
"""What a message hides from sessions without the intent MESSAGE_CONTENT; a poll as well."""

MESSAGES = {"MESSAGE_CREATE", "MESSAGE_UPDATE"}
OFFLINE = {"offline", "invisible"}


def guild_create(guild: Guild, session: Session) -> dict[str, Any]:
    """Return a guild as GUILD_CREATE tells a session of it.

    Members are told where presences are asked for, of a large guild those who are there; otherwise the bot itself and
    those in voice. The rest is to be asked for (op 8).
    """
    own = guild.member(session.application.bot.id)
    is_large = len(guild.members) > session.large
    told = {own.user.id: own}
    if Intents.GUILD_PRESENCES in session.intents:
        present = (each for each in guild.members.values() if not is_large or _is_there(each))
        told |= {member.user.id: member for member in present}
    told |= {user: guild.members[user] for user in guild.voice_states if user in guild.members}
    body = guild.create_payload([own, *(member for member in told.values() if member is not own)])
    body["large"] = is_large
    if Intents.GUILD_VOICE_STATES not in session.intents:
        body["voice_states"] = []
    if Intents.GUILD_PRESENCES in session.intents:
        body["presences"] = presences(guild, told.values())
    return body


def presences(guild: Guild, members: Iterable[Member]) -> list[dict[str, Any]]:
    """Return the presences of those members who are there, as the gateway tells them together with members."""
    return [member.user.presence.payload(member.user.id, guild.id) for member in members if _is_there(member)]


def _is_there(member: Member) -> bool:
    return member.user.presence.status not in OFFLINE


def shown(event: Event, bot_id: int, intents: Intents) -> dict[str, Any]:
    """Return what of an event a session is told: the content of messages only with the intent for it.

    Without it, a bot reads its own messages, those that mention it, and direct ones.
    """
    if event.name not in MESSAGES or event.guild_id is None or Intents.MESSAGE_CONTENT in intents:
        return event.data
    return _veiled(event.data, str(bot_id))


def _veiled(message: dict[str, Any], bot: str) -> dict[str, Any]:
    body = dict(message)
    if not (message["author"]["id"] == bot or any(user["id"] == bot for user in message["mentions"])):
        body |= {name: type(message[name])() for name in CONTENT if name in message}
        body.pop("poll", None)
        body.pop("message_snapshots", None)
    if answered := message.get("referenced_message"):
        body["referenced_message"] = _veiled(answered, bot)
    return body
