"""The few structures of MLS (RFC 9420) that a DAVE voice server writes and reads: it is the group's external sender.

The server proposes whom to add and remove, signed with a key of its own (ciphersuite 2: P-256). The members make the
commits; the server hands them on and cannot read what the group encrypts.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from localdiscord.voice.ciphers import require

__all__ = ["Add", "ExternalSender", "MlsError", "Remove", "commit_epoch", "commit_size", "vector"]

_MLS10 = 1
_PUBLIC_MESSAGE = 1
_BASIC_CREDENTIAL = 1
_SENDER_MEMBER, _SENDER_EXTERNAL = 1, 2
_PROPOSAL, _COMMIT = 2, 3
_PROPOSAL_ADD, _PROPOSAL_REMOVE = 1, 3


class MlsError(ValueError):
    """Bytes that are not what they have to be."""


@dataclass(frozen=True)
class Add:
    """The proposal to add whoever made a key package."""

    key_package: bytes

    def encoded(self) -> bytes:
        """Return it as MLS writes it."""
        return struct.pack(">H", _PROPOSAL_ADD) + self.key_package


@dataclass(frozen=True)
class Remove:
    """The proposal to remove whoever stands at a leaf of the tree."""

    leaf: int

    def encoded(self) -> bytes:
        """Return it as MLS writes it."""
        return struct.pack(">HI", _PROPOSAL_REMOVE, self.leaf)


class ExternalSender:
    """The voice server as MLS groups know it: a signature key, and the right to propose.

    Raises:
        MissingLibraryError: `cryptography` is not installed.
    """

    def __init__(self) -> None:
        require("cryptography", "cryptography", "end-to-end encryption (DAVE)")
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  only where DAVE is used

        self._key = ec.generate_private_key(ec.SECP256R1())

    def package(self) -> bytes:
        """Return public key and credential, which every client is told."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        public = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return vector(public) + struct.pack(">H", _BASIC_CREDENTIAL) + vector(bytes(8))

    def propose(self, proposal: Add | Remove, group: int, epoch: int) -> bytes:
        """Return a signed proposal.

        Args:
            proposal: what is proposed.
            group: the channel's id.
            epoch: of the group.
        """
        content = (
            vector(group.to_bytes(8))
            + struct.pack(">QBI", epoch, _SENDER_EXTERNAL, 0)
            + vector(b"")
            + bytes([_PROPOSAL])
            + proposal.encoded()
        )
        signed = struct.pack(">HH", _MLS10, _PUBLIC_MESSAGE) + content
        return signed + vector(self._sign(b"FramedContentTBS", signed))

    def _sign(self, label: bytes, content: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        return self._key.sign(vector(b"MLS 1.0 " + label) + vector(content), ec.ECDSA(hashes.SHA256()))


def vector(data: bytes) -> bytes:
    """Return bytes with their length before them, as MLS writes vectors."""
    size = len(data)
    if size < 1 << 6:
        return bytes([size]) + data
    if size < 1 << 14:
        return struct.pack(">H", 1 << 14 | size) + data
    return struct.pack(">I", 1 << 31 | size) + data


class _Reader:
    """Reads a message from its beginning."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def number(self, size: int) -> int:
        """Read a number of so many bytes."""
        return int.from_bytes(self.take(size))

    def take(self, size: int) -> bytes:
        """Read bytes."""
        end = self.place + size
        if end > len(self.data):
            raise MlsError("the message ends too early")
        taken, self.place = self.data[self.place : end], end
        return taken

    def vector(self) -> bytes:
        """Read a vector."""
        first = self.number(1)
        size = first & 0x3F
        for _ in range((1 << (first >> 6)) - 1):
            size = size << 8 | self.number(1)
        return self.take(size)


def commit_epoch(message: bytes) -> int:
    """Return the epoch that a commit belongs to.

    Raises:
        MlsError: it is no commit of a member.
    """
    return _begin(_Reader(message))


def commit_size(message: bytes) -> int:
    """Return where a commit ends: DAVE clients append the welcome to it.

    Raises:
        MlsError: it is no commit of a member.
    """
    reader = _Reader(message)
    _begin(reader)
    reader.vector()  # proposals
    if reader.number(1):
        _pass_leaf(reader)
        reader.vector()  # nodes of the path
    reader.vector()  # signature
    reader.vector()  # confirmation tag
    reader.vector()  # membership tag
    return reader.place


def _begin(reader: _Reader) -> int:
    """Read up to the commit itself; returns the epoch."""
    if (reader.number(2), reader.number(2)) != (_MLS10, _PUBLIC_MESSAGE):
        raise MlsError("the message is no public message of MLS 1.0")
    reader.vector()  # group id
    epoch = reader.number(8)
    if reader.number(1) != _SENDER_MEMBER:
        raise MlsError("the message does not come from a member")
    reader.number(4)  # the member's leaf
    reader.vector()  # authenticated data
    if reader.number(1) != _COMMIT:
        raise MlsError("the message is no commit")
    return epoch


def _pass_leaf(reader: _Reader) -> None:
    """Read past the leaf of a commit's path."""
    reader.vector()  # encryption key
    reader.vector()  # signature key
    if reader.number(2) != _BASIC_CREDENTIAL:
        raise MlsError("the credential is not a basic one")
    reader.vector()  # identity
    for _ in range(5):
        reader.vector()  # capabilities: versions, ciphersuites, extensions, proposals, credentials
    if reader.number(1) != _COMMIT:
        raise MlsError("the leaf does not come from a commit")
    reader.vector()  # parent hash
    reader.vector()  # extensions
    reader.vector()  # signature
