"""A member of a voice channel as the voice server knows it: what was agreed, and what may have to be sent again."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from localdiscord.voice.ciphers import KEY_SIZE, Cipher, cipher
from localdiscord.voice.codes import NUMBERED_FROM, CloseCode, Op

if TYPE_CHECKING:
    from localdiscord.voice.reception import Reception

__all__ = ["Outlet", "VoiceSession"]

KEPT_MESSAGES = 256
"""How many messages wait to be acknowledged, so that they can be sent again."""


class Outlet(Protocol):
    """The way to a client that is connected; neither method waits."""

    def send(self, message: dict[str, Any] | bytes) -> None:
        """Send a message after those before it."""
        ...

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Close the connection after the messages before it."""
        ...


@dataclass(eq=False)
class VoiceSession:
    """A member of a voice channel, from joining to leaving, over any number of connections.

    Attributes:
        session_id: the id that the main gateway told in VOICE_STATE_UPDATE.
        token: what VOICE_SERVER_UPDATE told; good for this session only.
        heard: the counts of what came from it.
        mute: whether the server passes its audio to nobody.
        deaf: whether nothing is passed to it.
        identified: whether the client has been let in once; only then it can resume.
        max_dave_version: what the client said of end-to-end encryption; 0 is none.
        announced: whether the client has told its speaking state, which has to come before audio.
        unannounced: how many packets came before that.
        passed_on: how many packets of others it was sent under this key.
        address: where it really sends from; None before its first datagram.
        outlet: the way to it; None while it is not connected.
    """

    guild_id: int
    channel_id: int
    user_id: int
    session_id: str
    ssrc: int
    heard: Reception
    mute: bool = False
    deaf: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    version: int = NUMBERED_FROM
    identified: bool = False
    max_dave_version: int = 0
    mode: str | None = None
    key: bytes = field(default=b"", repr=False)
    cipher: Cipher | None = field(default=None, repr=False)
    announced: bool = False
    speaking: int = 0
    address: tuple[str, int] | None = None
    outlet: Outlet | None = field(default=None, repr=False)
    passed_on: int = 0
    unannounced: int = 0
    _number: int = 0
    _unacknowledged: deque[tuple[int, dict[str, Any] | bytes]] = field(default_factory=deque, repr=False)

    def post(self, op: Op, data: Any) -> None:
        """Send a message that a resumed connection gets again if it was missed."""
        message: dict[str, Any] = {"op": int(op), "d": data}
        if self.version >= NUMBERED_FROM:
            message["seq"] = self._keep(message)
        if self.outlet:
            self.outlet.send(message)

    def post_binary(self, op: Op, data: bytes) -> None:
        """Send a binary message: its number in two bytes, the opcode in one, and the data."""
        message = bytearray(2) + bytes([op]) + data
        self._number += 1
        message[:2] = (self._number % 65_536).to_bytes(2)
        self._remember(bytes(message))
        if self.outlet:
            self.outlet.send(bytes(message))

    def _keep(self, message: dict[str, Any]) -> int:
        self._number += 1
        self._remember(message)
        return self._number

    def _remember(self, message: dict[str, Any] | bytes) -> None:
        self._unacknowledged.append((self._number, message))
        while len(self._unacknowledged) > KEPT_MESSAGES:
            self._unacknowledged.popleft()

    def acknowledge(self, number: int) -> None:
        """Forget the messages up to a number: the client has them."""
        while self._unacknowledged and self._unacknowledged[0][0] <= number:
            self._unacknowledged.popleft()

    def missed_after(self, number: int) -> list[dict[str, Any] | bytes] | None:
        """Return the messages after a number, in order; None where they are not all there any more.

        Args:
            number: the last that the client has; 0 or less where it has none.
        """
        oldest = self._unacknowledged[0][0] if self._unacknowledged else self._number + 1
        if max(number, 0) + 1 < oldest or number > self._number:
            return None
        return [message for each, message in self._unacknowledged if each > number]

    def agree_on(self, mode: str) -> None:
        """Take a mode, with a new key; what is heard from here on is a new stream."""
        self.key = secrets.token_bytes(KEY_SIZE)
        self.cipher = cipher(mode, self.key)
        self.mode = mode
        self.passed_on = 0
        self.heard.begin()
