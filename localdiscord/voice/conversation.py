"""What is said on one voice connection: each message of a client, and what follows from it. No input or output here."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from localdiscord.voice.ciphers import offered_modes
from localdiscord.voice.codes import NUMBERED_FROM, CloseCode, Op, VoiceClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.voice.registry import Registry
    from localdiscord.voice.session import Outlet, VoiceSession

__all__ = ["Conversation"]

T = TypeVar("T")

LONGEST_ID = 20
"""Digits of a 64-bit id."""


class Conversation:
    """One connection to the voice gateway, from Hello to its end.

    Args:
        registry: the sessions that there are.
        outlet: the way to the client.
        version: of the voice gateway, that the client asked for.

    Attributes:
        session: whose connection it is; None before Identify or Resume.
    """

    def __init__(self, registry: Registry, outlet: Outlet, version: int) -> None:
        self.registry = registry
        self.outlet = outlet
        self.version = version
        self.session: VoiceSession | None = None

    def greet(self) -> None:
        """Say how often a heartbeat is expected."""
        interval = round(self.registry.heartbeat_interval * 1000)
        self._answer(Op.HELLO, {"v": self.version, "heartbeat_interval": interval})

    def hear(self, text: str) -> Op:
        """Act on a message.

        Returns:
            What it was about.

        Raises:
            VoiceClosedError: the connection has to be closed.
        """
        op, data = _read(text)
        handler = self._HANDLERS.get(op)
        if handler is None:
            raise VoiceClosedError(CloseCode.UNKNOWN_OPCODE)
        if self.session is None and op not in _BEFORE_IDENTIFY:
            raise VoiceClosedError(CloseCode.NOT_AUTHENTICATED)
        handler(self, data if op == Op.HEARTBEAT else _object(data))
        return Op(op)

    def hear_binary(self, message: bytes) -> None:
        """Act on a binary message: an opcode in one byte, and data that concern end-to-end encryption.

        Raises:
            VoiceClosedError: the connection has to be closed.
        """
        if not message or message[0] not in _BINARY:
            raise VoiceClosedError(CloseCode.UNKNOWN_OPCODE)
        self.registry.e2ee.heard(self._known(), Op(message[0]), message[1:])

    def end(self) -> None:
        """Take note that the connection is over; the session waits to be resumed."""
        if self.session and self.session.outlet is self.outlet:
            self.session.outlet = None

    # -- what clients say ----------------------------------------------------------------------------------------

    def _identify(self, data: dict[str, Any]) -> None:
        session = self._admitted(data)
        if session.user_id != _number(data, "user_id"):
            raise VoiceClosedError(CloseCode.AUTHENTICATION_FAILED, "The token belongs to another user.")
        session.max_dave_version = _number(data, "max_dave_protocol_version", 0)
        self._take(session)
        session.identified = True
        host, port = self.registry.udp_address
        modes = offered_modes()
        session.post(
            Op.READY,
            {"ssrc": session.ssrc, "ip": host, "port": port, "modes": modes, "experiments": [], "streams": []},
        )

    def _resume(self, data: dict[str, Any]) -> None:
        session = self._admitted(data)
        if not session.identified:
            raise VoiceClosedError(CloseCode.SESSION_INVALID, "This session was never begun: identify.")
        numbered = self.version >= NUMBERED_FROM and data.get("seq_ack") is not None
        missed = session.missed_after(_number(data, "seq_ack")) if numbered else []
        if missed is None:
            raise VoiceClosedError(CloseCode.SESSION_INVALID, "The messages that you missed are not kept any more.")
        self._take(session)
        for message in missed:
            self.outlet.send(message)
        self._answer(Op.RESUMED, None)

    def _admitted(self, data: dict[str, Any]) -> VoiceSession:
        """Return the session that server, token and session id belong to."""
        if self.session is not None:
            raise VoiceClosedError(CloseCode.ALREADY_AUTHENTICATED)
        server, token = _number(data, "server_id"), _field(data, "token", str)
        if not self.registry.knows_server(server):
            raise VoiceClosedError(CloseCode.SERVER_NOT_FOUND)
        session = self.registry.by_token(server, token)
        if session is None:
            raise VoiceClosedError(CloseCode.AUTHENTICATION_FAILED)
        if session.session_id != _field(data, "session_id", str):
            raise VoiceClosedError(CloseCode.SESSION_INVALID)
        return session

    def _take(self, session: VoiceSession) -> None:
        """Make this the connection of a session; an earlier one is closed."""
        if session.outlet is not None:
            session.outlet.close(CloseCode.SESSION_INVALID, "The session goes on in another connection.")
        session.outlet, session.version, self.session = self.outlet, self.version, session

    def _select_protocol(self, data: dict[str, Any]) -> None:
        session = self._known()
        if _field(data, "protocol", str) != "udp":
            raise VoiceClosedError(CloseCode.UNKNOWN_PROTOCOL)
        choice = _field(data, "data", dict)
        mode = _field(choice, "mode", str)
        _field(choice, "address", str)
        _number(choice, "port")
        if mode not in offered_modes():
            raise VoiceClosedError(CloseCode.UNKNOWN_MODE)
        first = session.mode is None
        session.agree_on(mode)
        session.post(
            Op.SESSION_DESCRIPTION,
            {
                "audio_codec": "opus",
                "video_codec": None,
                "media_session_id": secrets.token_hex(16),
                "mode": mode,
                "secret_key": list(session.key),
                "dave_protocol_version": self.registry.e2ee.version_for(session),
            },
        )
        if first:
            self.registry.arrived(session)

    def _speaking(self, data: dict[str, Any]) -> None:
        session = self._known()
        if _number(data, "ssrc", session.ssrc) != session.ssrc:
            raise VoiceClosedError(CloseCode.BAD_REQUEST, "The ssrc is not the one that Ready told.")
        session.speaking = _number(data, "speaking")
        session.announced = True
        session.heard.changed()
        self.registry.speaks(session)

    def _heartbeat(self, data: Any) -> None:
        if self.version < NUMBERED_FROM:
            self._answer(Op.HEARTBEAT_ACK, data)
            return
        beat = _object(data)
        if self.session:
            self.session.acknowledge(_number(beat, "seq_ack", -1))
        self._answer(Op.HEARTBEAT_ACK, {"t": _number(beat, "t")})

    def _transition_ready(self, data: dict[str, Any]) -> None:
        self.registry.e2ee.ready(self._known(), _number(data, "transition_id"))

    def _invalid_commit(self, data: dict[str, Any]) -> None:
        self.registry.e2ee.start_over(self._known(), _number(data, "transition_id"))

    def _ignored(self, data: dict[str, Any]) -> None:
        """Do nothing: a message about video, of which there is none."""

    def _known(self) -> VoiceSession:
        if self.session is None:
            raise VoiceClosedError(CloseCode.NOT_AUTHENTICATED)
        return self.session

    def _answer(self, op: Op, data: Any) -> None:
        """Send a message that is never sent again."""
        self.outlet.send({"op": int(op), "d": data})

    _HANDLERS: ClassVar[dict[int, Callable[[Conversation, Any], None]]] = {
        Op.IDENTIFY: _identify,
        Op.SELECT_PROTOCOL: _select_protocol,
        Op.HEARTBEAT: _heartbeat,
        Op.SPEAKING: _speaking,
        Op.RESUME: _resume,
        Op.CLIENT_CONNECT: _ignored,
        Op.MEDIA_SINK_WANTS: _ignored,
        Op.DAVE_TRANSITION_READY: _transition_ready,
        Op.MLS_INVALID_COMMIT_WELCOME: _invalid_commit,
    }


_BEFORE_IDENTIFY = frozenset({Op.IDENTIFY, Op.RESUME, Op.HEARTBEAT})
_BINARY = frozenset({Op.MLS_KEY_PACKAGE, Op.MLS_COMMIT_WELCOME})


def _read(text: str) -> tuple[int, Any]:
    """Return opcode and data of a message."""
    try:
        message = json.loads(text)
    except ValueError:
        raise VoiceClosedError(CloseCode.NOT_DECODED) from None
    if not isinstance(message, dict) or type(message.get("op")) is not int or "d" not in message:
        raise VoiceClosedError(CloseCode.NOT_DECODED)
    return message["op"], message["d"]


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise VoiceClosedError(CloseCode.BAD_REQUEST, "d has to be an object here.")
    return data


def _field(data: dict[str, Any], name: str, kind: type[T]) -> T:
    value = data.get(name)
    if not isinstance(value, kind):
        raise VoiceClosedError(CloseCode.BAD_REQUEST, f"d.{name} is missing, or not of the type {kind.__name__}.")
    return value


def _number(data: dict[str, Any], name: str, default: int | None = None) -> int:
    """Return a number, or an id written as a string of digits."""
    value = data.get(name, default)
    if isinstance(value, str) and value.isdecimal() and len(value) <= LONGEST_ID:
        return int(value)
    if type(value) is not int:
        raise VoiceClosedError(CloseCode.BAD_REQUEST, f"d.{name} is missing, or not a number.")
    return value
