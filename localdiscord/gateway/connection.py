"""A client's connection to the gateway: what comes in goes to the protocol's table, what goes out waits its turn."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMsgType, web

from localdiscord.gateway.codes import Close, ClosedError, Op
from localdiscord.gateway.packing import Pack, UnavailableError, each_by_itself, packing
from localdiscord.gateway.protocol import HANDLERS
from localdiscord.gateway.session import REPLAYED
from localdiscord.gateway.sessions import detach, drop

if TYPE_CHECKING:
    from localdiscord.gateway.protocol import Handle
    from localdiscord.gateway.session import Session
    from localdiscord.server import LocalDiscord

__all__ = ["Connection"]

VERSIONS = {"9", "10"}
LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes; beyond it not even a reason is given."""

LONGEST_REASON = 123
"""Bytes, as websockets have it."""

LARGEST_PAYLOAD = 15 * 1024
"""Bytes that a client may send at once."""

LONGEST_OUTBOX = 2 * REPLAYED
"""How many payloads may wait for a client that does not read; then its connection is broken off."""

MOST_PAYLOADS, WINDOW = 120, 60.0
"""How many payloads a client may send, in so many seconds."""

FORGIVEN = 0.5
"""By how much of an interval a heartbeat may be late."""

ANSWER_AFTER = 0.05
"""Seconds until a heartbeat is answered. discord.py notes when it asked only after it has asked: over loopback an
answer at once would come sooner than that, and the whole interval would be taken for the latency."""

GOOD_BYE = 2.0
"""Seconds that a client has to answer when its connection is closed."""

FAREWELLS = {1000, 1001}
"""With these codes a client says that it does not come back."""


class Connection:
    """One websocket of one client.

    Args:
        discord: the server.
        request: the request that asks for a websocket.

    Attributes:
        session: what the client identified or resumed; None before.
        version: of the gateway, as the client asked for it.
        delay: seconds that each payload waits before it is sent.
        is_mute: whether heartbeats stay unanswered.
        compresses: whether the client asked for payloads to be compressed one by one.
    """

    def __init__(self, discord: LocalDiscord, request: web.Request) -> None:
        self.discord = discord
        self.socket = web.WebSocketResponse(
            timeout=GOOD_BYE, max_msg_size=LARGEST_MESSAGE, compress=False, autoclose=False
        )
        self.session: Session | None = None
        self.version = request.query.get("v") or "10"
        self.delay = 0.0
        self.is_mute = False
        self.compresses = False
        self._request = request
        self._outbox: deque[bytes | tuple[Close, str]] = deque()
        self._filled = asyncio.Event()
        self._pack: Pack = bytes.decode
        self._heard_at: deque[float] = deque(maxlen=MOST_PAYLOADS)
        self._closes = False  # whether it is this side that ends the connection
        self._watch: asyncio.TimerHandle | None = None

    async def run(self) -> web.WebSocketResponse:
        """Speak with the client until one of both ends it."""
        await self.socket.prepare(self._request)
        self.discord.connections.add(self)
        self._greet()
        writer = asyncio.create_task(self._write(), name="gateway writer")
        try:
            async for message in self.socket:
                if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} and not self._closes:
                    self._hear(message.data)
        finally:
            self.discord.connections.discard(self)
            self._stop_watching()
            self._leave()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        if not self._closes:
            await self.socket.close()
        return self.socket

    def _greet(self) -> None:
        query = self._request.query
        if self.version not in VERSIONS:
            return self.close(Close.INVALID_VERSION, "Version 9 or 10 is spoken here.")
        if query.get("encoding", "json") != "json":
            return self.close(Close.DECODE_ERROR, "JSON is spoken here, and no ETF: ask for encoding=json.")
        try:
            self._pack = packing(query.get("compress", ""))
        except UnavailableError as error:
            return self.close(Close.DECODE_ERROR, str(error))
        interval = self.discord.heartbeat_interval
        self.say(Op.HELLO, {"heartbeat_interval": round(interval * 1000), "_trace": []})
        return self.expect_heartbeat()

    def _leave(self) -> None:
        session = self.session
        if session is None or session.link is not self:
            return
        if self.socket.close_code in FAREWELLS and not self._closes:
            drop(self.discord, session)
        else:
            detach(self.discord, session)

    # -- out ---------------------------------------------------------------------------------------------------------

    def say(self, op: Op, data: Any = None) -> None:
        """Send an operation."""
        self.send({"op": int(op), "d": data, "s": None, "t": None})

    def send(self, payload: dict[str, Any]) -> None:
        """Send a payload as soon as the client reads; who does not read for too long is cut off."""
        self.send_raw(orjson.dumps(payload))

    def send_raw(self, raw: bytes) -> None:
        """Send the bytes of a payload."""
        if len(self._outbox) >= LONGEST_OUTBOX:
            self._outbox.clear()
            self.sever()
            return
        self._outbox.append(raw)
        self._filled.set()

    def close(self, code: Close, reason: str = "") -> None:
        """Close the connection, after what is to be sent before."""
        self._outbox.append((code, reason))
        self._filled.set()

    def sever(self) -> None:
        """Break the connection off, as if the cable were cut."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def half_frame(self) -> None:
        """Begin a frame, and break the connection off within it."""
        if self._request.transport is not None:
            self._request.transport.write(b"\x82\x7e\x10\x00half of what was announced")
            self._request.transport.close()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._outbox:
                    if not await self._pass_on(self._outbox.popleft()):
                        return

    async def _pass_on(self, item: bytes | tuple[Close, str]) -> bool:
        if self.delay:
            await asyncio.sleep(self.delay)
        if isinstance(item, tuple):
            return await self._end(*item)
        packed = each_by_itself(item) if self.compresses and self._pack == bytes.decode else self._pack(item)
        if isinstance(packed, str):
            await self.socket.send_str(packed)
        else:
            await self.socket.send_bytes(packed)
        return True

    async def _end(self, code: Close, reason: str) -> bool:
        """Say why the connection ends, and let the client answer, or it would take this for a broken connection."""
        self._closes = True
        self._leave()
        self._stop_watching()
        self._watch = asyncio.get_running_loop().call_later(GOOD_BYE, self.sever)
        await self.socket.send_frame(struct.pack("!H", code) + reason.encode()[:LONGEST_REASON], WSMsgType.CLOSE)
        return False

    # -- in ----------------------------------------------------------------------------------------------------------

    def _hear(self, raw: str | bytes) -> None:
        try:
            self._count()
            handle, data = _read(raw)
            handle(self, data)
        except ClosedError as error:
            self.close(error.code, error.reason)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            self.close(Close.DECODE_ERROR, f"Error while decoding payload: {type(error).__name__} {error}."[:120])

    def _count(self) -> None:
        if not self.discord.limits.is_on:
            return
        now, window = time.monotonic(), WINDOW / self.discord.limits.scale
        if len(self._heard_at) == MOST_PAYLOADS and now - self._heard_at[0] < window:
            raise ClosedError(Close.RATE_LIMITED, "You are being rate limited.")
        self._heard_at.append(now)

    # -- heartbeats --------------------------------------------------------------------------------------------------

    def expect_heartbeat(self) -> None:
        """Wait for the next heartbeat from now on."""
        self._stop_watching()
        patience = self.discord.heartbeat_interval * (1 + FORGIVEN)
        self._watch = asyncio.get_running_loop().call_later(patience, self._miss)

    def answer_heartbeat(self) -> None:
        """Answer a heartbeat, as if it had come from further away."""
        asyncio.get_running_loop().call_later(ANSWER_AFTER, self.say, Op.HEARTBEAT_ACK)

    def _miss(self) -> None:
        self.close(Close.UNKNOWN_ERROR, "No heartbeat came in time.")

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()


def _read(raw: str | bytes) -> tuple[Handle, Any]:
    if len(raw) > LARGEST_PAYLOAD:
        raise ClosedError(Close.DECODE_ERROR, f"A payload may have {LARGEST_PAYLOAD} bytes.")
    payload = orjson.loads(raw)
    handle = HANDLERS.get(payload["op"])
    if handle is None:
        raise ClosedError(Close.UNKNOWN_OPCODE, "Unknown opcode, or none that clients send.")
    return handle, payload.get("d")
