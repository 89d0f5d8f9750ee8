"""A client of the local Discord's gateway, for fuzzers: says anything at all, and hears what comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import aiohttp

from localdiscord.gateway import connection
from localdiscord.gateway.codes import Op
from localdiscord.intents import ALL_INTENTS

if TYPE_CHECKING:
    from localdiscord import LocalDiscord
    from localdiscord.model.application import Application

__all__ = ["PATIENCE", "UNHURRIED", "GatewayClient", "at_once"]

PATIENCE = 90.0
"""Seconds after which an answer that has not come is missing."""


def at_once() -> Any:
    """Let heartbeats be answered at once: no client here measures how long that takes, and each look waits for one."""
    return mock.patch.object(connection, "ANSWER_AFTER", 0.0)


UNHURRIED = 3600.0
"""Seconds between heartbeats that a server asks for here, where clients send one when they look, and no other."""

DATA = {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}


class GatewayClient:
    """One connection of one bot.

    Args:
        discord: the server.
        http: carries the connection.
        application: whose bot it is.

    Attributes:
        socket: the websocket.
        session_id: of the session, once there is one.
        sequence: the number of the last event.
        events: the events so far: name and data.
        code: with which the server closed; None while it has not.
    """

    def __init__(self, discord: LocalDiscord, http: aiohttp.ClientSession, application: Application) -> None:
        self.discord = discord
        self.http = http
        self.application = application
        self.session_id = ""
        self.sequence = 0
        self.events: list[tuple[str, Any]] = []
        self.code: int | None = None
        self.socket: aiohttp.ClientWebSocketResponse

    async def connect(self, **query: str) -> Self:
        """Connect, and forget of the connection before but the session."""
        self.code = None
        self.socket = await self.http.ws_connect(
            self.discord.gateway_url, params={"v": "10", "encoding": "json", **query}, autoping=True
        )
        return self

    async def send(self, op: int, data: Any = None) -> None:
        """Send an operation."""
        await self.send_json({"op": int(op), "d": data})

    async def send_json(self, payload: Any) -> None:
        """Send any JSON."""
        await self.socket.send_str(json.dumps(payload))

    async def identify(self, **changes: Any) -> None:
        """Begin a session; arguments replace fields."""
        fields = {"token": self.application.token, "intents": int(ALL_INTENTS), "properties": {}} | changes
        await self.send(Op.IDENTIFY, fields)
        await self.until(lambda payload: payload["t"] == "READY")

    async def receive(self) -> dict[str, Any] | None:
        """Return the next payload, None once the server has closed; its events have consecutive numbers."""
        message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        if message.type not in DATA:
            self.code = self.socket.close_code or 0
            return None
        payload: dict[str, Any] = json.loads(message.data)
        if payload["op"] == Op.DISPATCH:
            expected = 1 if payload["t"] == "READY" else self.sequence + 1
            assert payload["s"] == expected, f"event {payload['s']} came after {self.sequence}"
            self.sequence = payload["s"]
            self.events.append((payload["t"], payload["d"]))
            if payload["t"] == "READY":
                self.session_id = payload["d"]["session_id"]
        return payload

    async def until(self, is_wanted: Any) -> dict[str, Any] | None:
        """Return the next payload of a kind, None where the server closes before; others are passed over."""
        while (payload := await self.receive()) is not None:
            if is_wanted(payload):
                return payload
        return None

    async def is_alive(self) -> bool:
        """Tell whether the server still answers; all that it said before has been heard then."""
        if self.code is not None:
            return False
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await self.send(Op.HEARTBEAT, self.sequence or None)
        return await self.until(lambda payload: payload["op"] == Op.HEARTBEAT_ACK) is not None
