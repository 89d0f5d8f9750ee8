"""Who is in which voice channel, as the voice server knows it, and what the others hear of them."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Protocol

from localdiscord.voice.ciphers import COUNTER_SIZE, TAG_SIZE, DecryptError
from localdiscord.voice.codes import NUMBERED_FROM, CloseCode, Op, VoiceClosedError
from localdiscord.voice.reception import Reception
from localdiscord.voice.rtp import NotRtpError, RtpHeader, goodbye, is_rtcp
from localdiscord.voice.session import VoiceSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["E2ee", "NoE2ee", "Registry"]

logger = logging.getLogger(__name__)

Address = tuple[str, int]

UNANNOUNCED_PACKETS = 50
"""How much audio may overtake the client's word that it speaks, which goes another way: a second."""


class E2ee(Protocol):
    """The end-to-end encryption of channels (DAVE), as far as the server has a part in it."""

    protocol_version: int

    def version_for(self, session: VoiceSession) -> int:
        """Return the protocol version for a client that joins; 0 is none."""
        ...

    def arrived(self, session: VoiceSession) -> None:
        """Begin the exchange of keys with a client that has joined."""
        ...

    def heard(self, session: VoiceSession, op: Op, data: bytes) -> None:
        """Act on a binary message."""
        ...

    def ready(self, session: VoiceSession, transition: int) -> None:
        """Take note that a client is ready for a transition."""
        ...

    def start_over(self, session: VoiceSession, transition: int) -> None:
        """Act on a client's word that commit or welcome of a transition were invalid."""
        ...

    def left(self, session: VoiceSession) -> None:
        """Take a client out that has left."""
        ...


class NoE2ee:
    """No end-to-end encryption: every client is told protocol version 0."""

    protocol_version = 0

    def version_for(self, session: VoiceSession) -> int:  # noqa: ARG002
        """Return 0."""
        return 0

    def arrived(self, session: VoiceSession) -> None:
        """Do nothing."""

    def heard(self, session: VoiceSession, op: Op, data: bytes) -> None:  # noqa: ARG002
        """Refuse: no keys are exchanged here."""
        raise VoiceClosedError(CloseCode.BAD_REQUEST, "This server told you DAVE protocol version 0.")

    def ready(self, session: VoiceSession, transition: int) -> None:
        """Do nothing."""

    def start_over(self, session: VoiceSession, transition: int) -> None:
        """Do nothing."""

    def left(self, session: VoiceSession) -> None:
        """Do nothing."""


class Registry:
    """The voice sessions that there are, by member and by the number in their packets.

    Args:
        heartbeat_interval: seconds; asked of every client.
        e2ee: what the server does for end-to-end encryption.

    Attributes:
        udp_address: where the server takes datagrams.
        transmit: sends a datagram.
    """

    def __init__(self, heartbeat_interval: float, e2ee: E2ee) -> None:
        self.heartbeat_interval = heartbeat_interval
        self.e2ee = e2ee
        self.udp_address: Address = ("127.0.0.1", 0)
        self.transmit: Callable[[bytes, Address], None] = lambda data, receiver: None  # noqa: ARG005  not open yet
        self._sessions: dict[tuple[int, int], VoiceSession] = {}
        self._by_ssrc: dict[int, VoiceSession] = {}
        self._heard: dict[tuple[int, int], Reception] = {}
        self._former: dict[tuple[int, int], VoiceSession] = {}
        self._ssrcs = itertools.count(1)

    # -- membership ----------------------------------------------------------------------------------------------

    def admit(self, guild_id: int, channel_id: int, user_id: int, session_id: str) -> VoiceSession:
        """Let a member into a channel; the session it had in the guild is over."""
        self.dismiss(guild_id, user_id)
        session = VoiceSession(
            guild_id, channel_id, user_id, session_id, next(self._ssrcs), self.heard(guild_id, user_id)
        )
        self._sessions[guild_id, user_id] = self._by_ssrc[session.ssrc] = session
        return session

    def dismiss(self, guild_id: int, user_id: int, code: CloseCode = CloseCode.DISCONNECTED) -> None:
        """End a member's session, if there is one: it left, was moved or was disconnected."""
        session = self._sessions.pop((guild_id, user_id), None)
        if session is None:
            return
        del self._by_ssrc[session.ssrc]
        if session.address:
            self._former[guild_id, user_id] = session
        if session.mode is not None:
            for other in self.others(session):
                other.post(Op.CLIENT_DISCONNECT, {"user_id": str(user_id)})
            self.e2ee.left(session)
        if session.outlet:
            session.outlet.close(code)
            session.outlet = None
        self.say_goodbye(session)

    def session(self, guild_id: int, user_id: int) -> VoiceSession | None:
        """Return a member's session."""
        return self._sessions.get((guild_id, user_id))

    def sessions(self) -> list[VoiceSession]:
        """Return all sessions."""
        return list(self._sessions.values())

    def heard(self, guild_id: int, user_id: int) -> Reception:
        """Return the counts of what came from a member of a guild, over all its sessions."""
        return self._heard.setdefault((guild_id, user_id), Reception())

    def knows_server(self, guild_id: int) -> bool:
        """Tell whether anybody has been let into a channel of a guild."""
        return any(guild == guild_id for guild, _ in self._heard)

    def by_token(self, guild_id: int, token: str) -> VoiceSession | None:
        """Return the session in a guild that a token is good for."""
        return next((each for each in self.sessions() if (each.guild_id, each.token) == (guild_id, token)), None)

    def others(self, session: VoiceSession) -> Iterator[VoiceSession]:
        """Return those who are in the channel with a session, as far as they have agreed on a protocol."""
        for other in self.sessions():
            if other is not session and other.channel_id == session.channel_id and other.mode is not None:
                yield other

    # -- news ----------------------------------------------------------------------------------------------------

    def arrived(self, session: VoiceSession) -> None:
        """Tell a client who is there, and those who are there of it."""
        others = list(self.others(session))
        _introduce(session, others)
        for other in others:
            _introduce(other, [session])
            if other.speaking:
                session.post(Op.SPEAKING, _speaking(other))
        self.e2ee.arrived(session)

    def speaks(self, session: VoiceSession) -> None:
        """Tell the others in the channel that a client speaks, or has stopped."""
        for other in self.others(session):
            other.post(Op.SPEAKING, _speaking(session))

    # -- audio ---------------------------------------------------------------------------------------------------

    def by_ssrc(self, ssrc: int) -> VoiceSession | None:
        """Return the session whose packets bear a number."""
        return self._by_ssrc.get(ssrc)

    def locate(self, session: VoiceSession, address: Address) -> None:
        """Take note of where a client sends from; where it did before, nothing more comes, and it is told so again.

        A client may have missed the first goodbye: Linux wakes a `select` for it, which looks again at the number of
        the descriptor that it was given, finds the client's new socket under that number, and waits on at the old one.
        """
        if session.address not in {None, address}:
            self.say_goodbye(session)
        session.address = address
        if former := self._former.pop((session.guild_id, session.user_id), None):
            self.say_goodbye(former)

    def say_goodbye(self, session: VoiceSession) -> None:
        """Tell a client by UDP that nothing more comes (RTCP BYE); some wait on a socket until something comes."""
        if session.address and session.cipher:
            self.transmit(_sealed(session, goodbye(session.ssrc), b""), session.address)

    def packet(self, data: bytes, sender: Address) -> None:
        """Take a packet of audio: decrypt and count it, and pass it on to each who hears it, under its key.

        Args:
            data: a datagram.
            sender: where it came from.
        """
        if is_rtcp(data):
            return
        try:
            header = RtpHeader.read(data)
        except NotRtpError:
            logger.debug("no RTP packet: %d bytes from %s port %d", len(data), *sender)
            return
        session = self.by_ssrc(header.ssrc)
        if session is None or session.cipher is None:
            return
        if not (session.announced or self._is_early(session)):
            return
        plain = _opened(session, header, data)
        if plain is None or not session.heard.take(header, plain[header.extension :]):
            return
        session.address = sender
        if session.mute:
            session.heard.muted += 1
            session.heard.changed()
            return
        for other in self.others(session):
            if other.address and other.cipher and not other.deaf:
                self.transmit(_sealed(other, data[: header.size], plain), other.address)

    def _is_early(self, session: VoiceSession) -> bool:
        """Tell whether audio has merely overtaken Speaking; a client that never says it is disconnected."""
        session.unannounced += 1
        if session.unannounced > UNANNOUNCED_PACKETS and session.outlet:
            session.outlet.close(CloseCode.BAD_REQUEST, "Invalid SSRC: Speaking has to come before audio.")
        return session.unannounced <= UNANNOUNCED_PACKETS


def _opened(session: VoiceSession, header: RtpHeader, data: bytes) -> bytes | None:
    """Return what a packet holds, or None, counted, where it was not encrypted with the session's key."""
    sealed, counter = data[header.size : -COUNTER_SIZE], data[-COUNTER_SIZE:]
    if session.cipher is not None and len(sealed) >= TAG_SIZE + header.extension:
        try:
            return session.cipher.open(data[: header.size], sealed, counter)
        except DecryptError:
            pass
    session.heard.decrypt_failures += 1
    session.heard.changed()
    return None


def _sealed(session: VoiceSession, header: bytes, plain: bytes) -> bytes:
    """Encrypt a packet for one who hears it."""
    session.passed_on += 1
    counter = session.passed_on.to_bytes(COUNTER_SIZE)
    if session.cipher is None:
        raise AssertionError("only those who have agreed on a mode hear")
    return header + session.cipher.seal(header, plain, counter) + counter


def _introduce(session: VoiceSession, others: list[VoiceSession]) -> None:
    """Tell a client of others in the channel, in the words of its version."""
    if session.version >= NUMBERED_FROM:
        if others:
            session.post(Op.CLIENTS_CONNECT, {"user_ids": [str(other.user_id) for other in others]})
        return
    for other in others:
        session.post(Op.CLIENT_CONNECT, {"user_id": str(other.user_id), "audio_ssrc": other.ssrc, "video_ssrc": 0})


def _speaking(session: VoiceSession) -> dict[str, object]:
    return {"user_id": str(session.user_id), "ssrc": session.ssrc, "speaking": session.speaking}
