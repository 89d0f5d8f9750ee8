"""The numbers of the voice gateway: what a frame is about, and why a connection is closed."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

__all__ = ["VERSIONS", "CloseCode", "Op", "VoiceClosedError"]

VERSIONS = range(4, 9)
"""The versions of the voice gateway that are spoken; Discord retired the earlier ones."""

NUMBERED_FROM = 8
"""The version that numbers messages, so that a resumed connection gets those that it missed."""


class Op(IntEnum):
    """Opcodes, by the names of Discord's documentation."""

    IDENTIFY = 0
    SELECT_PROTOCOL = 1
    READY = 2
    HEARTBEAT = 3
    SESSION_DESCRIPTION = 4
    SPEAKING = 5
    HEARTBEAT_ACK = 6
    RESUME = 7
    HELLO = 8
    RESUMED = 9
    CLIENTS_CONNECT = 11
    CLIENT_CONNECT = 12
    CLIENT_DISCONNECT = 13
    MEDIA_SINK_WANTS = 15
    DAVE_PREPARE_TRANSITION = 21
    DAVE_EXECUTE_TRANSITION = 22
    DAVE_TRANSITION_READY = 23
    DAVE_PREPARE_EPOCH = 24
    MLS_EXTERNAL_SENDER = 25
    MLS_KEY_PACKAGE = 26
    MLS_PROPOSALS = 27
    MLS_COMMIT_WELCOME = 28
    MLS_ANNOUNCE_COMMIT_TRANSITION = 29
    MLS_WELCOME = 30
    MLS_INVALID_COMMIT_WELCOME = 31


class CloseCode(IntEnum):
    """Close codes, with the reason that goes with each."""

    reason: str

    GOING_AWAY = 1001, "The server stops."
    UNKNOWN_OPCODE = 4001, "You sent an invalid opcode."
    NOT_DECODED = 4002, "You sent a payload that is not a JSON object with op and d."
    NOT_AUTHENTICATED = 4003, "You sent a payload before identifying."
    AUTHENTICATION_FAILED = 4004, "The token is incorrect."
    ALREADY_AUTHENTICATED = 4005, "You sent more than one identify payload."
    SESSION_INVALID = 4006, "Your session is no longer valid."
    SESSION_TIMEOUT = 4009, "Your session has timed out."
    SERVER_NOT_FOUND = 4011, "The server that you connect to is not found."
    UNKNOWN_PROTOCOL = 4012, "The protocol is not known here: udp is."
    DISCONNECTED = 4014, "Disconnected: kicked, moved, or the channel is gone."
    SERVER_CRASHED = 4015, "The server crashed. Try resuming."
    UNKNOWN_MODE = 4016, "The encryption mode is not known here."
    E2EE_REQUIRED = 4017, "This channel needs a client that supports end-to-end encryption (DAVE)."
    BAD_REQUEST = 4020, "You sent a malformed request."
    RATE_LIMITED = 4021, "Disconnected: rate limited."
    CALL_TERMINATED = 4022, "Disconnected: the call is over."

    def __new__(cls, code: int, reason: str) -> Self:
        """Make a member that is its number and carries its reason."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        return member


class VoiceClosedError(Exception):
    """A client did what closes its connection.

    Args:
        code: why.
        detail: what exactly; the code's own reason where nothing is said.
    """

    def __init__(self, code: CloseCode, detail: str = "") -> None:
        self.code = code
        self.reason = detail or code.reason
        super().__init__(f"{int(code)}: {self.reason}")
