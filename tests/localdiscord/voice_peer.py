"""A voice client written by hand: it says exactly what a test wants said, right or wrong."""

from __future__ import annotations

import asyncio
import json
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from aiohttp import web

from localdiscord.voice import VoiceServer
from localdiscord.voice.ciphers import cipher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GUILD, CHANNEL, USER = 100, 200, 300

TONE = b"\x78" + bytes(range(40))
"""An opus packet of one frame of 20 ms."""


@asynccontextmanager
async def voice_server(**settings: Any) -> AsyncIterator[tuple[VoiceServer, str]]:
    """Run a voice server alone; yields it and the address of its websocket."""
    server = VoiceServer(**settings)
    await server.start()
    app = web.Application()
    app.router.add_get("/", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield server, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await server.stop()
        await runner.cleanup()


class _Inbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.datagrams: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002
        self.datagrams.put_nowait(data)


class VoicePeer:
    """A connection to the voice gateway, and a UDP socket once it has joined.

    Attributes:
        told: every message that came, in order.
        close_code: how the server ended the connection; None while it lives.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, version: int = 8) -> None:
        self.http = session
        self.url = url
        self.version = version
        self.told: list[dict[str, Any]] = []
        self.binary: list[bytes] = []
        self.ready: dict[str, Any] = {}
        self.description: dict[str, Any] = {}
        self.counter = 0
        self.sequence = 0

    async def __aenter__(self) -> Self:
        self.socket = await self.http.ws_connect(self.url, params={"v": str(self.version)})
        loop = asyncio.get_running_loop()
        self.udp, self.inbox = await loop.create_datagram_endpoint(_Inbox, ("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.udp.abort()
        await self.socket.close()

    @property
    def close_code(self) -> int | None:
        """How the connection ended."""
        return self.socket.close_code

    async def say(self, op: int, data: Any) -> None:
        """Send a message."""
        await self.socket.send_json({"op": op, "d": data})

    async def hear(self, op: int) -> dict[str, Any]:
        """Return the next message of an opcode; those before it are in `told`."""
        async with asyncio.timeout(10):
            while True:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.binary.append(message.data)
                    if message.data[2] == op:
                        return {"op": op, "data": message.data[3:]}
                    continue
                assert message.type is aiohttp.WSMsgType.TEXT, f"closed with {self.close_code}: {message.extra}"
                self.told.append(json.loads(message.data))
                if self.told[-1]["op"] == op:
                    return self.told[-1]

    async def closed(self) -> int | None:
        """Wait for the end of the connection; returns its code."""
        async with asyncio.timeout(10):
            while (message := await self.socket.receive()).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.told.append(json.loads(message.data))
        return self.close_code

    def credentials(self, update: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Return what Identify says, from VOICE_SERVER_UPDATE."""
        right = {"server_id": update["guild_id"], "user_id": str(USER), "session_id": "s", "token": update["token"]}
        return right | changes

    async def identify(self, update: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Identify; returns what Ready tells."""
        await self.say(0, self.credentials(update, **changes))
        self.ready = (await self.hear(2))["d"]
        return self.ready

    async def join(self, update: dict[str, Any], mode: str = "aead_xchacha20_poly1305_rtpsize", **changes: Any) -> None:
        """Do all that comes before audio."""
        await self.identify(update, **changes)
        address, port = await self.discover()
        await self.say(1, {"protocol": "udp", "data": {"address": address, "port": port, "mode": mode}})
        self.description = (await self.hear(4))["d"]
        await self.say(5, {"speaking": 1, "delay": 0, "ssrc": self.ready["ssrc"]})

    async def discover(self) -> tuple[str, int]:
        """Ask the server where this client sends from."""
        self.send_raw(struct.pack(">HHI66x", 1, 70, self.ready["ssrc"]))
        answer = await self.datagram()
        assert struct.unpack_from(">HHI", answer) == (2, 70, self.ready["ssrc"])
        return answer[8:72].rstrip(b"\0").decode(), struct.unpack_from(">H", answer, 72)[0]

    async def datagram(self) -> bytes:
        """Return the next datagram that comes."""
        async with asyncio.timeout(10):
            return await self.inbox.datagrams.get()

    def send_raw(self, data: bytes) -> None:
        """Send a datagram to where Ready says."""
        self.udp.sendto(data, (self.ready["ip"], self.ready["port"]))

    def packet(self, opus: bytes = TONE, *, sequence: int | None = None, key: bytes | None = None) -> bytes:
        """Return an encrypted packet, the next in sequence unless said otherwise."""
        self.sequence = self.sequence + 1 if sequence is None else sequence
        self.counter += 1
        header = struct.pack(">BBHII", 0x80, 0x78, self.sequence % 65_536, self.counter * 960, self.ready["ssrc"])
        box = cipher(self.description["mode"], key or bytes(self.description["secret_key"]))
        counter = self.counter.to_bytes(4)
        return header + box.seal(header, opus, counter) + counter

    def open(self, packet: bytes) -> bytes:
        """Return the opus of a packet that the server passed on."""
        box = cipher(self.description["mode"], bytes(self.description["secret_key"]))
        return box.open(packet[:12], packet[12:-4], packet[-4:])
