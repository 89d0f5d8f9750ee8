"""A client of the gateway that says exactly what a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import zstandard

from localdiscord.gateway.codes import Op
from localdiscord.intents import ALL_INTENTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from localdiscord import LocalDiscord

__all__ = ["Peer", "peer"]

PATIENCE = 5.0
"""Seconds that anything may take."""

PROPERTIES = {"os": "test", "browser": "test", "device": "test"}


class Peer:
    """A websocket to the gateway.

    Attributes:
        socket: the websocket.
        sequence: the number of the last event.
        events: the names of the events so far.
    """

    def __init__(self, discord: LocalDiscord, socket: aiohttp.ClientWebSocketResponse, compress: str) -> None:
        """Begin to listen."""
        self.discord = discord
        self.socket = socket
        self.sequence = 0
        self.session_id = ""
        self.events: list[str] = []
        self._unpack = _unpacker(compress)

    async def receive(self) -> dict[str, Any]:
        """Return the next payload; raises AssertionError where the connection is closed instead."""
        message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        assert message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}, f"closed: {message}"
        payload: dict[str, Any] = orjson.loads(self._unpack(message.data))
        if payload["op"] == Op.DISPATCH:
            assert payload["s"] == self.sequence + 1, "an event was lost or doubled"
            self.sequence = payload["s"]
            self.events.append(payload["t"])
        return payload

    async def event(self, name: str) -> Any:
        """Return the data of the next event of a name; others are passed over."""
        while True:
            payload = await self.receive()
            if payload["t"] == name:
                return payload["d"]

    async def op(self, op: Op) -> Any:
        """Return the data of the next payload of an operation; others are passed over."""
        while True:
            payload = await self.receive()
            if payload["op"] == op:
                return payload["d"]

    async def send(self, op: int, data: Any = None) -> None:
        """Send an operation."""
        await self.socket.send_str(orjson.dumps({"op": int(op), "d": data}).decode())

    async def identify(self, **changes: Any) -> dict[str, Any]:
        """Identify as the town's bot, and return READY; arguments replace fields, None leaves one out."""
        fields = {"token": self.discord.town.application.token, "intents": int(ALL_INTENTS), "properties": PROPERTIES}
        fields |= changes
        await self.send(Op.IDENTIFY, {name: value for name, value in fields.items() if value is not None})
        ready: dict[str, Any] = await self.event("READY")
        self.session_id = ready["session_id"]
        return ready

    async def resume(self, session_id: str, sequence: int) -> None:
        """Ask to resume a session."""
        self.session_id, self.sequence = session_id, sequence
        token = self.discord.town.application.token
        await self.send(Op.RESUME, {"token": token, "session_id": session_id, "seq": sequence})

    async def quiet(self) -> list[str]:
        """Return the names of the events until all has come that there is."""
        before = len(self.events)
        await self.send(Op.HEARTBEAT, self.sequence)
        await self.op(Op.HEARTBEAT_ACK)
        return self.events[before:]

    async def closed(self) -> int:
        """Return the code with which the server closes; payloads before it are passed over."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
            if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
                return self.socket.close_code or 0


def _unpacker(compress: str) -> Callable[[Any], Any]:
    if compress == "zlib-stream":
        return zlib.decompressobj().decompress
    if compress == "zstd-stream":
        return zstandard.ZstdDecompressor().decompressobj().decompress
    return lambda data: zlib.decompress(data) if isinstance(data, bytes) else data


@contextlib.asynccontextmanager
async def peer(discord: LocalDiscord, *, greet: bool = True, compress: str = "", **query: str) -> AsyncIterator[Peer]:
    """Connect to the gateway.

    Args:
        discord: the server.
        greet: whether Hello is waited for.
        compress: what to ask for.
        **query: the rest of the query.
    """
    asked = {"v": "10", "encoding": "json", "compress": compress} | query
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(discord.gateway_url, params={name: value for name, value in asked.items() if value}) as socket,
    ):
        client = Peer(discord, socket, compress)
        if greet:
            await client.op(Op.HELLO)
        yield client
