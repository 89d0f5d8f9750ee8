"""A hash chain, for logs that must show a change of their past: each entry seals the one before it.

An entry's hash covers its number, its time, its content and the hash of the entry before it, so no entry can be edited,
removed, moved or put in without breaking the chain behind it. A chain alone cannot tell that its end was cut off; an
anchor outside of it can: the number and hash of the last entry. With a key the hashes are HMACs (RFC 2104), which only
those who have the key can make anew; without one, the anchor must be out of the reach of whoever edits the log.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["GENESIS", "Anchor", "Entry", "Verification", "seal", "verify_chain"]

GENESIS = "0" * 64
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored entry.

    Attributes:
        number: 1 for the first.
        at: when, in UTC, as text.
        body: what is sealed, as text.
        previous: the hash of the entry before.
        hash: of this entry.
    """

    number: int
    at: str
    body: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """How far the chain reached when it was last looked at: the number of its last entry and that entry's hash."""

    number: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look at the whole chain found.

    Attributes:
        ok: whether nothing is wrong.
        entries: how many were read.
        problem: what is wrong, in one sentence; empty otherwise.
        number: of the entry at which it shows; None where nothing is wrong.
        head: the end of the chain that was read.
    """

    ok: bool
    entries: int
    problem: str = ""
    number: int | None = None
    head: Anchor = Anchor()


def seal(number: int, at: str, body: str, previous: str, key: bytes = b"") -> Entry:
    """Make an entry that follows the one whose hash is ``previous``.

    Args:
        number: of the entry.
        at: when, in UTC, as text.
        body: what is sealed, as text.
        previous: the hash of the entry before; `GENESIS` for the first.
        key: for HMAC; empty for a plain SHA-256.
    """
    data = json.dumps([number, at, body, previous], ensure_ascii=True, separators=(",", ":")).encode("ascii")
    digest = hmac.new(key, data, hashlib.sha256) if key else hashlib.sha256(data)
    return Entry(number, at, body, previous, digest.hexdigest())


def verify_chain(entries: Iterable[Entry], anchor: Anchor | None, key: bytes = b"") -> Verification:
    """Check that every entry is as it was written, that none is missing, and that the end is there.

    Entries behind the anchor are in order if they follow it: the process may have ended between the two writes.

    Args:
        entries: all of them, in order.
        anchor: how far the chain reached at least; None where that is not known.
        key: what the entries were sealed with.
    """
    head = Anchor()
    for count, entry in enumerate(entries):
        problem = _problem(entry, head, anchor, key)
        if problem:
            return Verification(False, count, problem, entry.number, head)
        head = Anchor(entry.number, entry.hash)
    if anchor is not None and head.number < anchor.number:
        text = f"the end is missing: the log reached entry {anchor.number}, and ends at {head.number}"
        return Verification(False, head.number, text, head.number + 1, head)
    return Verification(True, head.number, head=head)


def _problem(entry: Entry, head: Anchor, anchor: Anchor | None, key: bytes) -> str:
    if entry.number != head.number + 1:
        return f"entry {head.number + 1} is missing: entry {entry.number} follows {head.number}"
    if entry.previous != head.hash:
        return f"entry {entry.number} does not follow the one before it"
    if not _same(seal(entry.number, entry.at, entry.body, head.hash, key).hash, entry.hash):
        return f"entry {entry.number} is not as it was written"
    if anchor is not None and anchor.number == entry.number and not _same(anchor.hash, entry.hash):
        return f"entry {entry.number} was replaced, and the chain made anew"
    return ""


def _same(one: str, other: str) -> bool:
    """Compare two hashes, of which a forged one may hold any letters."""
    return hmac.compare_digest(one.encode("utf-8"), other.encode("utf-8"))
