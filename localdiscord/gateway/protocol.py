"""The protocol as a table: what each operation of a client does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import presence
from localdiscord.gateway import sessions
from localdiscord.gateway.codes import Close, ClosedError, Op
from localdiscord.gateway.members import asked_members
from localdiscord.gateway.session import LARGE, Session
from localdiscord.intents import ALL_INTENTS, PRIVILEGED, Intents

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.gateway.connection import Connection
    from localdiscord.model.application import Application

    Handle = Callable[[Connection, Any], None]

__all__ = ["HANDLERS", "Handle"]


def _own(connection: Connection) -> Session:
    if connection.session is None:
        raise ClosedError(Close.NOT_AUTHENTICATED, "Not authenticated.")
    return connection.session


def _application(connection: Connection, data: dict[str, Any]) -> Application:
    """Return whose token a client shows."""
    if connection.session is not None:
        raise ClosedError(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
    application = connection.discord.world.authenticated(data["token"].removeprefix("Bot "))
    if application is None:
        raise ClosedError(Close.AUTHENTICATION_FAILED, "Authentication failed.")
    return application


def _heartbeat(connection: Connection, data: Any) -> None:
    if data is not None and (not isinstance(data, int) or isinstance(data, bool)):
        raise TypeError("a heartbeat carries a sequence number or null")
    connection.expect_heartbeat()
    if connection.is_mute:
        return
    connection.answer_heartbeat()
    if connection.session is not None and data is not None:
        connection.session.acknowledged = max(connection.session.acknowledged, data)
        connection.discord.notify()


def _identify(connection: Connection, data: dict[str, Any]) -> None:
    discord, application = connection.discord, _application(connection, data)
    if not isinstance(data["properties"], dict):
        raise TypeError("properties is an object")
    session = Session(discord.world, application, _intents(application, data), *_shard(data))
    presence.check(_status(data.get("presence")))
    session.large = min(max(int(data.get("large_threshold") or LARGE), 50), 250)
    if len(session.guilds()) > discord.guilds_per_shard:
        raise ClosedError(Close.SHARDING_REQUIRED, "Sharding required.")
    if discord.limits.may_identify(application.id, session.shard):
        _start(connection, session, data)
    else:
        connection.say(Op.INVALID_SESSION, data=False)


def _intents(application: Application, data: dict[str, Any]) -> Intents:
    intents = data.get("intents")
    if not isinstance(intents, int) or intents < 0 or intents & ~int(ALL_INTENTS):
        raise ClosedError(Close.INVALID_INTENTS, "Invalid intent(s).")
    if Intents(intents) & PRIVILEGED & ~application.granted:
        raise ClosedError(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
    return Intents(intents)


def _shard(data: dict[str, Any]) -> tuple[int, int]:
    shard, shards = data.get("shard") or (0, 1)
    if not (isinstance(shard, int) and isinstance(shards, int) and 0 <= shard < shards):
        raise ClosedError(Close.INVALID_SHARD, "Invalid shard.")
    return shard, shards


def _start(connection: Connection, session: Session, data: dict[str, Any]) -> None:
    connection.compresses = bool(data.get("compress"))
    connection.session = session
    session.link = connection
    sessions.forget_expired(connection.discord)
    session.dispatch("READY", _ready(connection, session))
    if Intents.GUILDS in session.intents:
        for guild in session.guilds():
            session.arrive(guild.id)
    sessions.begin(connection.discord, session)
    _show(session, data.get("presence") or {})


def _ready(connection: Connection, session: Session) -> dict[str, Any]:
    application = session.application
    return {
        "v": int(connection.version),
        "user": application.bot.own_payload(),
        "guilds": [{"id": str(guild.id), "unavailable": True} for guild in session.guilds()],
        "session_id": session.id,
        "resume_gateway_url": connection.discord.gateway_url,
        "shard": [session.shard, session.shards],
        "application": {"id": str(application.id), "flags": application.flags},
        "private_channels": [],
        "relationships": [],
        "session_type": "normal",
        "geo_ordered_rtc_regions": ["local"],
        "auth": {},
        "user_settings": {},
        "presences": [],
        "guild_join_requests": [],
        "_trace": [],
    }


def _resume(connection: Connection, data: dict[str, Any]) -> None:
    discord, application = connection.discord, _application(connection, data)
    sessions.forget_expired(discord)
    session, sequence = discord.sessions.get(data["session_id"]), int(data["seq"] or 0)
    if session is None or session.application is not application:
        return connection.say(Op.INVALID_SESSION, data=False)
    if sequence > session.sequence:
        raise ClosedError(Close.INVALID_SEQUENCE, "Invalid seq.")
    missed = session.since(sequence)
    if missed is None:
        sessions.drop(discord, session)
        return connection.say(Op.INVALID_SESSION, data=False)
    connection.session = session
    sessions.attach(discord, session, connection)
    session.acknowledged = session.asked = sequence
    for payload in missed:
        connection.send(payload)
    return session.dispatch("RESUMED", {"_trace": []})


def _presence(connection: Connection, data: dict[str, Any]) -> None:
    _show(_own(connection), data)


def _show(session: Session, data: dict[str, Any]) -> None:
    presence.change(session.world, session.application.bot, _status(data), data.get("activities") or [])


def _status(data: dict[str, Any] | None) -> str:
    return str((data or {}).get("status", "online"))


def _members(connection: Connection, data: dict[str, Any]) -> None:
    session = _own(connection)
    for chunk in asked_members(session, data):
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)


def _voice_state(connection: Connection, data: dict[str, Any]) -> None:
    connection.discord.voice_bridge.ask(_own(connection), data)


def _soundboard(connection: Connection, data: dict[str, Any]) -> None:
    session = _own(connection)
    wanted = {int(guild_id) for guild_id in data["guild_ids"]}
    for guild in session.guilds():
        if guild.id in wanted:
            sounds = guild.create_payload([])["soundboard_sounds"]
            session.dispatch("SOUNDBOARD_SOUNDS", {"guild_id": str(guild.id), "soundboard_sounds": sounds})


HANDLERS: dict[int, Handle] = {
    Op.HEARTBEAT: _heartbeat,
    Op.IDENTIFY: _identify,
    Op.RESUME: _resume,
    Op.PRESENCE_UPDATE: _presence,
    Op.VOICE_STATE_UPDATE: _voice_state,
    Op.REQUEST_GUILD_MEMBERS: _members,
    Op.REQUEST_SOUNDBOARD_SOUNDS: _soundboard,
}
