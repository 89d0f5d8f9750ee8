"""DAVE, Discord's end-to-end encryption of voice, protocol version 1: the server's part in it.

Each channel is an MLS group of the clients in it. The server proposes additions and removals, and hands the members'
commits and welcomes on. It holds no key of the group: it counts encrypted frames without knowing what they hold. A
client that is alone has nobody to agree with, and discord.py sends plain opus then. People of the local Discord have
no voice client, so they are not in the group. There is no way back to version 0 within a channel: a client without
DAVE is refused with 4017, as Discord does.
"""

from __future__ import annotations

import logging
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localdiscord.voice.codes import CloseCode, Op, VoiceClosedError
from localdiscord.voice.mls import Add, ExternalSender, MlsError, Remove, commit_epoch, commit_size, vector

if TYPE_CHECKING:
    from localdiscord.voice.session import VoiceSession

__all__ = ["PROTOCOL_VERSION", "Dave"]

logger = logging.getLogger(__name__)

PROTOCOL_VERSION = 1

_APPEND = b"\0"


@dataclass
class _Change:
    """A change of a group that waits for a commit.

    Attributes:
        session: who is to come; None for a removal, and for one who has left meanwhile.
    """

    proposal: Add | Remove
    session: VoiceSession | None = None


@dataclass
class _Group:
    """The MLS group of a channel.

    Attributes:
        epoch: counts the commits.
        leaves: who stands where in the tree; None while somebody who has left waits to be removed.
        queue: changes, in order; the first has been proposed.
        transitions: who has not yet said that it is ready, by transition.
    """

    channel_id: int
    epoch: int = 0
    leaves: dict[int, VoiceSession | None] = field(default_factory=dict)
    queue: deque[_Change] = field(default_factory=deque)
    transitions: dict[int, set[VoiceSession]] = field(default_factory=dict)
    last_transition: int = 0

    def members(self) -> list[VoiceSession]:
        """Return who is in the group."""
        return [session for session in self.leaves.values() if session is not None]

    def leaf_of(self, session: VoiceSession) -> int | None:
        """Return where a session stands."""
        return next((leaf for leaf, each in self.leaves.items() if each is session), None)

    def free_leaf(self) -> int:
        """Return where the next one will stand: at the leftmost free place."""
        return next(leaf for leaf in range(len(self.leaves) + 1) if leaf not in self.leaves)


class Dave:
    """Asks every client for DAVE, as Discord does.

    Raises:
        MissingLibraryError: `cryptography` is not installed.
    """

    protocol_version = PROTOCOL_VERSION

    def __init__(self) -> None:
        self._sender = ExternalSender()
        self._groups: dict[int, _Group] = {}

    def version_for(self, session: VoiceSession) -> int:
        """Return the protocol version; a client that has none is refused."""
        if session.max_dave_version < PROTOCOL_VERSION:
            raise VoiceClosedError(CloseCode.E2EE_REQUIRED)
        return PROTOCOL_VERSION

    def arrived(self, session: VoiceSession) -> None:
        """Tell a client the key by which it knows the server's proposals."""
        self._groups.setdefault(session.channel_id, _Group(session.channel_id))
        session.post_binary(Op.MLS_EXTERNAL_SENDER, self._sender.package())

    def heard(self, session: VoiceSession, op: Op, data: bytes) -> None:
        """Take a key package, or a commit with its welcome."""
        group = self._groups.get(session.channel_id)
        if group is None:
            raise VoiceClosedError(CloseCode.BAD_REQUEST, "Keys come after Select Protocol.")
        if op is Op.MLS_COMMIT_WELCOME:
            self._take_commit(group, session, data)
            return
        self._part(group, session)
        self._take_in(self._groups[session.channel_id], _Change(Add(data), session))

    def ready(self, session: VoiceSession, transition: int) -> None:
        """Carry a transition out when all are ready."""
        group = self._groups.get(session.channel_id)
        if group and transition in group.transitions:
            group.transitions[transition].discard(session)
            _execute_what_is_ready(group)

    def start_over(self, session: VoiceSession, transition: int) -> None:
        """Take a client out of the group that cannot follow it; its next key package brings it back."""
        logger.debug("user %d cannot follow transition %d and starts over", session.user_id, transition)
        self.left(session)
        self.arrived(session)

    def left(self, session: VoiceSession) -> None:
        """Have the others take a client out of the group."""
        if group := self._groups.get(session.channel_id):
            self._part(group, session)

    def _part(self, group: _Group, session: VoiceSession) -> None:
        """Take a client out of a group, and out of what waits."""
        for change in group.queue:
            if change.session is session:
                change.session = None
        for waiting in group.transitions.values():
            waiting.discard(session)
        leaf = group.leaf_of(session)
        if leaf is not None:
            group.leaves[leaf] = None
            self._remove(group, leaf)
        _execute_what_is_ready(group)

    def _remove(self, group: _Group, leaf: int) -> None:
        """Have the members remove a leaf; where none is left, those who wait begin another group."""
        if group.members():
            self._enqueue(group, _Change(Remove(leaf)))
            return
        fresh = self._groups[group.channel_id] = _Group(group.channel_id)
        for change in group.queue:
            if change.session is not None:
                self._take_in(fresh, change)

    def _take_in(self, group: _Group, change: _Change) -> None:
        """Let the first client be the group, and have its members add each other one."""
        if group.members():
            self._enqueue(group, change)
        else:
            group.leaves[0] = change.session

    def _enqueue(self, group: _Group, change: _Change) -> None:
        group.queue.append(change)
        if len(group.queue) == 1:
            self._propose(group)

    def _propose(self, group: _Group) -> None:
        """Ask the members for a commit of the first change that waits; what is no longer wanted is passed over."""
        while group.queue and isinstance(group.queue[0].proposal, Add) and group.queue[0].session is None:
            group.queue.popleft()
        if group.queue:
            proposal = self._sender.propose(group.queue[0].proposal, group.channel_id, group.epoch)
            for member in group.members():
                member.post_binary(Op.MLS_PROPOSALS, _APPEND + vector(proposal))

    def _take_commit(self, group: _Group, session: VoiceSession, data: bytes) -> None:
        """Hand the first commit of an epoch on; those of slower members are not needed any more."""
        try:
            size, epoch = commit_size(data), commit_epoch(data)
        except MlsError as error:
            raise VoiceClosedError(CloseCode.BAD_REQUEST, f"No commit: {error}.") from None
        if not group.queue or epoch != group.epoch or group.leaf_of(session) is None:
            return
        change = group.queue.popleft()
        group.epoch += 1
        group.last_transition = group.last_transition % 65_535 + 1
        number = struct.pack(">H", group.last_transition)
        group.transitions[group.last_transition] = set(group.members())
        for member in group.members():
            member.post_binary(Op.MLS_ANNOUNCE_COMMIT_TRANSITION, number + data[:size])
        if isinstance(change.proposal, Remove):
            del group.leaves[change.proposal.leaf]
        else:
            self._welcome(group, change.session, number + data[size:])
        self._propose(group)

    def _welcome(self, group: _Group, newcomer: VoiceSession | None, welcome: bytes) -> None:
        """Bring a newcomer its welcome; one who has left meanwhile is removed again."""
        leaf = group.free_leaf()
        group.leaves[leaf] = newcomer
        if newcomer is None:
            group.queue.append(_Change(Remove(leaf)))
            return
        group.transitions[group.last_transition].add(newcomer)
        newcomer.post_binary(Op.MLS_WELCOME, welcome)


def _execute_what_is_ready(group: _Group) -> None:
    """Carry out the transitions for which nobody is waited any more."""
    for transition in [number for number, waiting in group.transitions.items() if not waiting]:
        del group.transitions[transition]
        for member in group.members():
            member.post(Op.DAVE_EXECUTE_TRANSITION, {"transition_id": transition})
