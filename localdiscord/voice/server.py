"""The voice server: its websocket and its UDP socket, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from localdiscord.voice.ciphers import MissingLibraryError, offered_modes
from localdiscord.voice.codes import VERSIONS, CloseCode, Op, VoiceClosedError
from localdiscord.voice.conversation import Conversation
from localdiscord.voice.dave import Dave
from localdiscord.voice.registry import E2ee, NoE2ee, Registry

if TYPE_CHECKING:
    from localdiscord.voice.reception import Reception
    from localdiscord.voice.session import VoiceSession

__all__ = ["ENDPOINT", "VoiceServer"]

logger = logging.getLogger(__name__)

ENDPOINT = "local.discord.media:443"
"""What VOICE_SERVER_UPDATE names. Nobody looks it up: `LocalConnector` brings the connection here."""

HEARTBEAT_SECONDS = 13.75
"""What Discord asks of voice clients."""

CLOSE_SECONDS = 2.0
"""How long a client may take to answer a close frame."""

_DISCOVERY_SIZE = 74
_DISCOVERY_REQUEST, _DISCOVERY_RESPONSE = 1, 2
_KEEPALIVE_SIZE = 8


_End = tuple[CloseCode, str]


class VoiceServer:
    """Voice for the local Discord: the voice gateway, versions 4 to 8, and encrypted RTP over UDP.

    A client library appends the endpoint to `wss://`, so a client without `LocalConnector` needs TLS in front of this
    server: a reverse proxy with a certificate that the client trusts, and its name as `endpoint`. UDP goes straight to
    the loopback address that Ready tells.

    Args:
        host: an address of this machine, for UDP.
        endpoint: what VOICE_SERVER_UPDATE names.
        heartbeat_interval: seconds between the heartbeats of a client; one that is silent for two is disconnected.
        e2ee: what is done for end-to-end encryption; None for DAVE version 1 where `cryptography` is installed, and for
            version 0, which is no end-to-end encryption, where it is not.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        endpoint: str = ENDPOINT,
        heartbeat_interval: float = HEARTBEAT_SECONDS,
        e2ee: E2ee | None = None,
    ) -> None:
        self.host = host
        self.endpoint = endpoint
        self.registry = Registry(heartbeat_interval, e2ee or _best_e2ee())
        self._udp: asyncio.DatagramTransport | None = None
        self._sockets: dict[_Connection, None] = {}

    async def start(self) -> None:
        """Open the UDP socket.

        Raises:
            MissingLibraryError: no library for the encryption is installed.
            OSError: the address cannot be used.
        """
        if not offered_modes():
            raise MissingLibraryError("voice needs PyNaCl or cryptography: install it with `pip install PyNaCl`")
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self.registry), (self.host, 0))
        self.registry.transmit = self._udp.sendto
        self.registry.udp_address = self._udp.get_extra_info("sockname")[:2]

    async def stop(self) -> None:
        """Close all connections and the UDP socket."""
        for session in self.registry.sessions():
            self.registry.dismiss(session.guild_id, session.user_id, CloseCode.GOING_AWAY)
        connections = list(self._sockets)
        for connection in connections:
            connection.close(CloseCode.GOING_AWAY)
        await asyncio.gather(*(connection.closed.wait() for connection in connections))
        if self._udp:
            self.registry.transmit = lambda data, receiver: None  # noqa: ARG005
            self._udp.abort()  # closed, it would stay open on Windows where a datagram is on its way
            self._udp = None

    # -- what the rest of the local Discord does with it ----------------------------------------------------------

    def is_here(self, host: str) -> bool:
        """Tell whether a Host header names the voice server."""
        return host.partition(":")[0] == self.endpoint.partition(":")[0]

    def admit(self, guild_id: int, channel_id: int, user_id: int, session_id: str) -> dict[str, Any]:
        """Let a member into a channel, and out of the one it was in; returns VOICE_SERVER_UPDATE for its client."""
        return self.update_for(self.registry.admit(guild_id, channel_id, user_id, session_id))

    def update_for(self, session: VoiceSession) -> dict[str, Any]:
        """Return VOICE_SERVER_UPDATE for a session."""
        return {"token": session.token, "guild_id": str(session.guild_id), "endpoint": self.endpoint}

    def dismiss(self, guild_id: int, user_id: int) -> None:
        """Take a member out of its channel; its connection is closed with 4014."""
        self.registry.dismiss(guild_id, user_id)

    def silence(self, guild_id: int, user_id: int, *, mute: bool, deaf: bool) -> None:
        """Set whether a member is heard by nobody, and whether it hears nobody."""
        if session := self.session(guild_id, user_id):
            session.mute, session.deaf = mute, deaf

    def session(self, guild_id: int, user_id: int) -> VoiceSession | None:
        """Return a member's session, from the moment it was let in."""
        return self.registry.session(guild_id, user_id)

    def heard(self, guild_id: int, user_id: int) -> Reception:
        """Return the counts of what came from a member of a guild."""
        return self.registry.heard(guild_id, user_id)

    async def arrival(self, guild_id: int, user_id: int, within: float = 10.0) -> VoiceSession:
        """Wait until a member's client is connected and has said that it is ready to speak.

        Args:
            guild_id: the guild.
            user_id: the member.
            within: seconds.

        Raises:
            TimeoutError: it is not in time.
        """
        await self.heard(guild_id, user_id).until(lambda _: self._present(guild_id, user_id) is not None, within)
        session = self._present(guild_id, user_id)
        if session is None:
            raise TimeoutError("the client came and has gone again")
        return session

    def _present(self, guild_id: int, user_id: int) -> VoiceSession | None:
        session = self.session(guild_id, user_id)
        return session if session and session.outlet and session.announced else None

    def break_connection(self, guild_id: int, user_id: int, code: CloseCode | None = None) -> bool:
        """Break a member's connection, as a fault; its session can be resumed.

        Args:
            guild_id: the guild.
            user_id: the member.
            code: what the client is told; None cuts the connection without a word (the client sees 1006).

        Returns:
            Whether there was a connection.
        """
        for connection in self._sockets:
            session = connection.talk.session
            if session and (session.guild_id, session.user_id) == (guild_id, user_id) and session.outlet is connection:
                session.outlet = None
                self.registry.say_goodbye(session)
                connection.close(code) if code else connection.cut()
                return True
        return False

    def sentence(self) -> str:
        """Say in one sentence where voice is, and what is encrypted end to end."""
        host, port = self.registry.udp_address
        version = self.registry.e2ee.protocol_version
        e2ee = f"DAVE version {version} between clients" if version else "no end-to-end encryption (DAVE version 0)"
        return f"wss://{self.endpoint} by the local connector, UDP {host}:{port}, {e2ee}"

    def summary(self) -> dict[str, Any]:
        """Return the state of voice, for health pages and people."""
        return {
            "endpoint": self.endpoint,
            "udp": "{}:{}".format(*self.registry.udp_address),
            "modes": offered_modes(),
            "dave_protocol_version": self.registry.e2ee.protocol_version,
            "sessions": [
                {
                    "guild_id": str(session.guild_id),
                    "channel_id": str(session.channel_id),
                    "user_id": str(session.user_id),
                    "connected": session.outlet is not None,
                    "mode": session.mode,
                    "heard": session.heard.summary(),
                }
                for session in self.registry.sessions()
            ],
        }

    # -- the websocket -------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a connection to the voice gateway; an aiohttp handler."""
        socket = web.WebSocketResponse(timeout=CLOSE_SECONDS, max_msg_size=1 << 16)
        await socket.prepare(request)
        connection = _Connection(socket, request, self.registry)
        self._sockets[connection] = None
        try:
            await connection.serve()
        finally:
            del self._sockets[connection]
        return socket


def _best_e2ee() -> E2ee:
    try:
        return Dave()
    except MissingLibraryError as error:
        logger.info("clients are told DAVE version 0, no end-to-end encryption: %s", error)
        return NoE2ee()


class _Connection:
    """One websocket: what is said on it, and what waits to be sent."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, registry: Registry) -> None:
        self.socket = socket
        self.request = request
        version = request.query.get("v", str(VERSIONS[0]))
        self.talk = Conversation(registry, self, int(version) if version.isdecimal() else 0)
        self.closed = asyncio.Event()
        self.patience = 2 * registry.heartbeat_interval
        self._queue: asyncio.Queue[dict[str, Any] | bytes | _End | None] = asyncio.Queue()
        self._deadline: asyncio.TimerHandle | None = None

    def send(self, message: dict[str, Any] | bytes) -> None:
        self._queue.put_nowait(message)

    def close(self, code: CloseCode, reason: str = "") -> None:
        self._queue.put_nowait((code, reason or code.reason))

    def cut(self) -> None:
        """End the TCP connection without a close frame."""
        if self.request.transport:
            self.request.transport.abort()

    async def serve(self) -> None:
        """Talk until one side ends it.

        Reading is over before the close frame is sent, so that the client's answer to it is waited for: a transport
        that is closed earlier makes the client see 1006 instead of the code.
        """
        if self.talk.version in VERSIONS:
            self.talk.greet()
            self._expect_heartbeat()
        else:
            self.close(CloseCode.BAD_REQUEST, f"The voice gateway speaks versions {VERSIONS[0]} to {VERSIONS[-1]}.")
        reader = asyncio.create_task(self._read(), name="voice gateway reader")
        try:
            end = await self._write()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            if end:
                await self.socket.close(code=end[0], message=end[1].encode())
        finally:
            reader.cancel()
            if self._deadline:
                self._deadline.cancel()
            self.talk.end()
            self.closed.set()

    async def _read(self) -> None:
        """Hear what the client says; its end is the end of what is written."""
        async for message in self.socket:
            self._hear(message.type, message.data)
        self._queue.put_nowait(None)

    def _hear(self, kind: WSMsgType, data: Any) -> None:
        try:
            if kind is WSMsgType.BINARY:
                self.talk.hear_binary(data)
            elif kind is WSMsgType.TEXT and self.talk.hear(data) is Op.HEARTBEAT:
                self._expect_heartbeat()
        except VoiceClosedError as error:
            self.close(error.code, error.reason)

    def _expect_heartbeat(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self.patience, self.close, CloseCode.SESSION_TIMEOUT)

    async def _write(self) -> _End | None:
        """Send what waits, in order, until a close, which is returned, or until the client has gone."""
        while (message := await self._queue.get()) is not None:
            if isinstance(message, tuple):
                return message
            with contextlib.suppress(ConnectionError):
                if isinstance(message, bytes):
                    await self.socket.send_bytes(message)
                else:
                    await self.socket.send_json(message)
        return None


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP socket: IP discovery, keepalives and audio."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # typeshed has the base
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        sender = addr[:2]
        if len(data) == _DISCOVERY_SIZE and int.from_bytes(data[:2]) == _DISCOVERY_REQUEST:
            self._discover(data, sender)
        elif len(data) == _KEEPALIVE_SIZE:
            self.transport.sendto(data, sender)
        else:
            self.registry.packet(data, sender)

    def _discover(self, data: bytes, sender: tuple[str, int]) -> None:
        """Tell a client where it sends from, and take note of it."""
        ssrc = int.from_bytes(data[4:8])
        session = self.registry.by_ssrc(ssrc)
        if session is None:
            return
        host, port = sender
        answer = struct.pack(">HHI64sH", _DISCOVERY_RESPONSE, _DISCOVERY_SIZE - 4, ssrc, host.encode(), port)
        self.transport.sendto(answer, sender)
        self.registry.locate(session, sender)

    def error_received(self, exc: Exception) -> None:
        """Go on: somebody does not listen any more."""
        logger.debug("a datagram did not arrive: %s", exc)
