"""RTP packets and the opus frames in them, as far as a server reads them (RFC 3550, RFC 6716)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["SILENCE", "NotRtpError", "RtpHeader", "goodbye", "is_rtcp", "opus_seconds"]

SILENCE = b"\xf8\xff\xfe"
"""The opus frame of silence; clients send five of it when they stop speaking."""

LONGEST_PACKET = 0.12
"""Seconds; what RFC 6716 allows."""

_FIXED = 12
_VERSION = 2
_HAS_EXTENSION = 0x10
_RTCP_TYPES = range(200, 208)

_FRAME_MS = (10, 20, 40, 60) * 3 + (10, 20) * 2 + (2.5, 5, 10, 20) * 4
"""Milliseconds of one frame, by the upper five bits of an opus packet's first byte."""


class NotRtpError(ValueError):
    """Bytes that are no RTP packet."""


@dataclass(frozen=True, slots=True)
class RtpHeader:
    """The header of an RTP packet.

    Attributes:
        sequence: counts packets, modulo 2**16.
        timestamp: counts samples, modulo 2**32.
        ssrc: whose packet it is.
        size: bytes of the header that stay in the clear: with the sources that contribute and the first word of an
            extension, whose other words are encrypted ("rtpsize").
        extension: bytes of the extension that come first in what was encrypted.
    """

    sequence: int
    timestamp: int
    ssrc: int
    size: int
    extension: int

    @classmethod
    def read(cls, packet: bytes) -> RtpHeader:
        """Read the header of a packet.

        Raises:
            NotRtpError: it has none.
        """
        if len(packet) < _FIXED or packet[0] >> 6 != _VERSION:
            raise NotRtpError("the packet does not begin with an RTP header")
        _, _, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", packet)
        size, extension = _FIXED + 4 * (packet[0] & 0x0F), 0
        if packet[0] & _HAS_EXTENSION:
            size += 4
            if len(packet) < size:
                raise NotRtpError("the packet ends within its RTP header")
            extension = 4 * struct.unpack_from(">H", packet, size - 2)[0]
        return cls(sequence, timestamp, ssrc, size, extension)


def goodbye(ssrc: int) -> bytes:
    """Return the RTCP packet that says that a stream is over."""
    return struct.pack(">BBHI", 0x81, 203, 1, ssrc)


def is_rtcp(packet: bytes) -> bool:
    """Tell whether a packet is a report on the connection (RTCP) rather than media."""
    return len(packet) > 1 and packet[1] in _RTCP_TYPES


def opus_seconds(frame: bytes) -> float:
    """Return how long an opus packet sounds, in seconds; 0 for what is no opus packet.

    Some clients send the headers of their Ogg file as well; read as opus they would be longer than opus can be.
    """
    if not frame:
        return 0.0
    code = frame[0] & 0x03
    if code == 3:  # noqa: SIM108  the number of frames stands in the second byte
        count = frame[1] & 0x3F if len(frame) > 1 else 0
    else:
        count = 1 if code == 0 else 2
    seconds = count * _FRAME_MS[frame[0] >> 3] / 1000
    return seconds if seconds <= LONGEST_PACKET else 0.0
