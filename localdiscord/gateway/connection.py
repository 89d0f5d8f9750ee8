"""A client's connection to the gateway: the protocol, and a session that outlives it."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMsgType, web

from localdiscord.gateway.codes import Close, Op
from localdiscord.gateway.session import Session
from localdiscord.intents import PRIVILEGED, Intents

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.server import LocalDiscord

__all__ = ["Connection"]

HEARTBEAT_INTERVAL = 41_250
"""Milliseconds."""


class Connection:
    """One websocket of one client.

    Args:
        discord: the server.
        request: the request that asks for a websocket.
    """

    def __init__(self, discord: LocalDiscord, request: web.Request) -> None:
        self.discord = discord
        self.socket = web.WebSocketResponse(max_msg_size=16 * 1024 * 1024, compress=False)
        self.session: Session | None = None
        self._request = request
        self._outbox: asyncio.Queue[dict[str, Any] | Close] = asyncio.Queue()
        self._encode = _encoder(request.query.get("compress", ""))

    async def run(self) -> web.WebSocketResponse:
        """Speak with the client until one of both ends it."""
        await self.socket.prepare(self._request)
        self.say(Op.HELLO, {"heartbeat_interval": HEARTBEAT_INTERVAL, "_trace": []})
        writer = asyncio.create_task(self._write())
        try:
            async for message in self.socket:
                if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    self._hear(message.data)
        finally:
            if self.session is not None and self.session.send == self._outbox.put_nowait:
                self.session.send = None
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return self.socket

    def say(self, op: Op, data: Any = None) -> None:
        """Send an operation."""
        self._outbox.put_nowait({"op": int(op), "d": data, "s": None, "t": None})

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            if isinstance(item, Close):
                await self.socket.close(code=item)
                return
            packed = self._encode(orjson.dumps(item))
            if isinstance(packed, str):
                await self.socket.send_str(packed)
            else:
                await self.socket.send_bytes(packed)

    def _hear(self, raw: str | bytes) -> None:
        try:
            payload = orjson.loads(raw)
            op, data = Op(payload["op"]), payload.get("d")
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self._outbox.put_nowait(Close.DECODE_ERROR)
        except ValueError:
            self._outbox.put_nowait(Close.UNKNOWN_OPCODE)
        else:
            self._handlers.get(op, Connection._ignore)(self, data)

    def _ignore(self, _data: Any) -> None:
        """Take note of what changes nothing here."""

    def _heartbeat(self, _data: Any) -> None:
        self.say(Op.HEARTBEAT_ACK)

    def _identify(self, data: dict[str, Any]) -> None:
        application = self.discord.world.authenticated(str(data.get("token", "")).removeprefix("Bot "))
        if self.session is not None:
            return self._outbox.put_nowait(Close.ALREADY_AUTHENTICATED)
        if application is None:
            return self._outbox.put_nowait(Close.AUTHENTICATION_FAILED)
        intents = Intents(int(data["intents"]))
        if intents & PRIVILEGED & ~application.granted:
            return self._outbox.put_nowait(Close.DISALLOWED_INTENTS)
        shard, shards = data.get("shard") or (0, 1)
        session = self.session = Session(self.discord.world, application, intents, shard, shards)
        session.send = self._outbox.put_nowait
        self._greet(session)
        self.discord.add_session(session)
        return None

    def _voice_state(self, data: dict[str, Any]) -> None:
        if self.session is None:
            return self._outbox.put_nowait(Close.NOT_AUTHENTICATED)
        return self.discord.voice_bridge.ask(self.session, data)

    def _greet(self, session: Session) -> None:
        guilds = session.guilds()
        ready = {
            "v": 10,
            "user": session.application.bot.own_payload(),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.discord.gateway_url,
            "shard": [session.shard, session.shards],
            "application": {"id": str(session.application.id), "flags": session.application.flags},
            "private_channels": [],
            "relationships": [],
            "session_type": "normal",
            "geo_ordered_rtc_regions": [],
            "auth": {},
            "user_settings": {},
            "presences": [],
            "guild_join_requests": [],
            "_trace": [],
        }
        session.dispatch("READY", ready)
        own = session.application.bot.id
        for guild in guilds:
            members = list(guild.members.values()) if Intents.GUILD_MEMBERS in session.intents else []
            session.dispatch("GUILD_CREATE", guild.create_payload(members or [guild.member(own)]))

    def _resume(self, data: dict[str, Any]) -> None:
        session = self.discord.sessions.get(str(data.get("session_id")))
        missed = session.since(int(data["seq"])) if session else None
        if session is None or missed is None:
            return self.say(Op.INVALID_SESSION, data=False)
        self.session = session
        session.send = self._outbox.put_nowait
        for payload in missed:
            self._outbox.put_nowait(payload)
        session.dispatch("RESUMED", {"_trace": []})
        return None

    _handlers: dict[Op, Callable[[Connection, Any], None]] = {  # noqa: RUF012  a table that nobody changes
        Op.HEARTBEAT: _heartbeat,
        Op.IDENTIFY: _identify,
        Op.RESUME: _resume,
        Op.VOICE_STATE_UPDATE: _voice_state,
    }


def _encoder(compress: str) -> Callable[[bytes], str | bytes]:
    if compress != "zlib-stream":
        return bytes.decode
    packer = zlib.compressobj()
    return lambda raw: packer.compress(raw) + packer.flush(zlib.Z_SYNC_FLUSH)
