"""What the server heard from one client: the numbers by which a test sees that audio was really played."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.voice.rtp import SILENCE, RtpHeader, opus_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reception"]

KEPT_FRAMES = 512
"""How many of the last frames can be looked at; ten seconds of music."""

WINDOW = 128
"""Packets that may come late by so many and still be told from repeated ones."""

E2EE_MARK = b"\xfa\xfa"
"""What frames encrypted end to end end with (DAVE)."""

_ROUND = 1 << 16


@dataclass
class Reception:
    """Counts of what came from one client, over all its connections.

    Attributes:
        packets: those that were decrypted, once each.
        opus_bytes: their opus, silence included.
        seconds: how long they sound, silence not included.
        silence_frames: how many were silence.
        reordered: came after one that was sent later.
        duplicates: came again, and were dropped: the network's doubles, or somebody's replay.
        decrypt_failures: were not encrypted with the client's key, or were changed.
        muted: came while the client was muted by the server, and were passed to nobody.
        e2ee_frames: were encrypted end to end as well, so that the server cannot tell what they hold.
        frames: the last frames, oldest first.
    """

    packets: int = 0
    opus_bytes: int = 0
    seconds: float = 0.0
    silence_frames: int = 0
    reordered: int = 0
    duplicates: int = 0
    decrypt_failures: int = 0
    muted: int = 0
    e2ee_frames: int = 0
    frames: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT_FRAMES))
    _expected: int = 0
    _highest: int | None = None
    _seen: set[int] = field(default_factory=set)
    _waiting: list[tuple[Callable[[Reception], bool], asyncio.Future[None]]] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """How many packets are missing between the first and the last that came."""
        return max(0, self._expected - self.packets)

    def take(self, header: RtpHeader, frame: bytes) -> bool:
        """Count a decrypted packet; False for one that came before, which is not to be passed on."""
        if not self._is_new(header.sequence):
            self.duplicates += 1
            self.changed()
            return False
        self.packets += 1
        self.opus_bytes += len(frame)
        self.frames.append(frame)
        if frame == SILENCE:
            self.silence_frames += 1
        elif frame.endswith(E2EE_MARK):
            self.e2ee_frames += 1
        else:
            self.seconds += opus_seconds(frame)
        self.changed()
        return True

    def _is_new(self, sequence: int) -> bool:
        """Place a sequence number on a line that does not wrap, and tell whether its place was free."""
        if self._highest is None:
            place = self._highest = sequence + _ROUND
            self._expected += 1
        else:
            step = (sequence - self._highest + _ROUND // 2) % _ROUND - _ROUND // 2
            place = self._highest + step
            if place in self._seen or step <= -WINDOW:
                return False
            if step > 0:
                self._expected += step
                self._highest = place
            else:
                self.reordered += 1
        self._seen.add(place)
        if len(self._seen) > 2 * WINDOW:
            self._seen = {each for each in self._seen if each > self._highest - WINDOW}
        return True

    def begin(self) -> None:
        """Begin a new stream, with a key and sequence numbers of its own."""
        self._highest = None
        self._seen.clear()

    def changed(self) -> None:
        """Wake those whose condition holds now."""
        still = []
        for condition, future in self._waiting:
            if future.done():
                continue
            if condition(self):
                future.set_result(None)
            else:
                still.append((condition, future))
        self._waiting = still

    async def until(self, condition: Callable[[Reception], bool], within: float = 10.0) -> None:
        """Wait until the counts fulfil a condition.

        Args:
            condition: such as `lambda heard: heard.packets >= 50`.
            within: seconds.

        Raises:
            TimeoutError: they do not in time; the message shows them.
        """
        if condition(self):
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        try:
            async with asyncio.timeout(within):
                await future
        except TimeoutError:
            raise TimeoutError(f"the voice server did not hear that within {within:g} s: {self.summary()}") from None

    def summary(self) -> dict[str, Any]:
        """Return the counts by name."""
        names = ("packets", "opus_bytes", "silence_frames", "reordered", "duplicates", "decrypt_failures", "muted")
        counts: dict[str, Any] = {name: getattr(self, name) for name in (*names, "e2ee_frames", "lost")}
        return counts | {"seconds": round(self.seconds, 3)}
