"""Facts about end-to-end encryption: keys agreed through the server, with davey's own sessions on the clients' side."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import pytest

from localdiscord.voice import CloseCode, MissingLibraryError, VoiceServer
from localdiscord.voice.dave import Dave
from localdiscord.voice.mls import Add, MlsError, commit_epoch, commit_size, vector
from tests.localdiscord.voice_peer import CHANNEL, GUILD, TONE, VoicePeer, voice_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

davey = pytest.importorskip("davey")

APPEND, REVOKE = 0, 1


class Member(VoicePeer):
    """A client that takes part in DAVE.

    Attributes:
        keys: its MLS session.
        executed: the transitions that the server had carried out.
    """

    def __init__(self, room: Room, user: int) -> None:
        super().__init__(room.http, room.url)
        self.room = room
        self.user = user
        self.executed: list[int] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        update = self.room.server.admit(GUILD, CHANNEL, self.user, "s")
        await self.join(update, user_id=str(self.user), max_dave_protocol_version=1)
        assert self.description["dave_protocol_version"] == 1
        self.keys = davey.DaveSession(1, self.user, CHANNEL)
        self.keys.set_external_sender((await self.hear(25))["data"])
        await self.offer()
        return self

    async def offer(self) -> None:
        """Send a key package."""
        await self.socket.send_bytes(b"\x1a" + self.keys.get_serialized_key_package())

    async def step(self) -> int:
        """Act on the next message as a client does; returns its opcode."""
        async with asyncio.timeout(10):
            message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            told = message.json()
            if told["op"] == 22:
                self.executed.append(told["d"]["transition_id"])
            return int(told["op"])
        assert message.type is aiohttp.WSMsgType.BINARY, f"closed with {self.close_code}"
        op, data = message.data[2], message.data[3:]
        await self.act(op, data)
        return int(op)

    async def act(self, op: int, data: bytes) -> None:
        """Act on a binary message."""
        if op == 27:
            kind = davey.ProposalsOperationType.append if data[0] == APPEND else davey.ProposalsOperationType.revoke
            commit = self.keys.process_proposals(kind, data[1:])
            if commit is not None:
                await self.socket.send_bytes(b"\x1c" + commit.commit + (commit.welcome or b""))
            return
        (transition,) = struct.unpack_from(">H", data)
        take = {29: self.keys.process_commit, 30: self.keys.process_welcome}[op]
        take(data[2:])
        await self.say(23, {"transition_id": transition})

    async def until(self, op: int) -> None:
        """Act on messages up to one of an opcode."""
        while await self.step() != op:
            pass


class Room:
    """A voice server that asks for DAVE."""

    def __init__(self, server: VoiceServer, url: str, http: aiohttp.ClientSession) -> None:
        self.server, self.url, self.http = server, url, http


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """A voice server that asks for DAVE."""
    async with voice_server(e2ee=Dave()) as (server, url), aiohttp.ClientSession() as http:
        yield Room(server, url, http)


async def together(*members: Member) -> None:
    """Let members act until a transition is carried out for all of them."""
    await asyncio.gather(*(member.until(22) for member in members))


def group_of(*members: Member) -> list[list[str]]:
    """Return whom each member believes to be in the group."""
    return [sorted(member.keys.get_user_ids()) for member in members]


async def test_two_clients_agree_on_keys(room: Room) -> None:
    """Two clients come to one group, the server passes their frames on, and only they can read them."""
    async with Member(room, 1) as first, Member(room, 2) as second:
        await together(first, second)
        assert group_of(first, second) == [["1", "2"]] * 2
        first.send_raw(first.packet(first.keys.encrypt_opus(TONE)))
        arrived = second.open(await second.datagram())
        assert arrived != TONE
        assert second.keys.decrypt(1, davey.MediaType.audio, arrived) == TONE
        heard = room.server.heard(GUILD, 1)
        assert (heard.e2ee_frames, heard.packets, heard.seconds) == (1, 1, 0.0)
        assert room.server.summary()["dave_protocol_version"] == 1
        assert room.server.sentence().endswith("DAVE version 1 between clients")


async def test_a_third_client_joins_and_the_first_leaves(room: Room) -> None:
    """Members change while the group lives on, with a new key each time; who left cannot read what follows."""
    async with Member(room, 2) as second, Member(room, 1) as first:
        await together(first, second)
        async with Member(room, 3) as third:
            await together(first, second, third)
            assert group_of(first, second, third) == [["1", "2", "3"]] * 3
            room.server.dismiss(GUILD, 1)
            await together(second, third)
            assert group_of(second, third) == [["2", "3"]] * 2
            frame = second.keys.encrypt_opus(TONE)
            assert third.keys.decrypt(2, davey.MediaType.audio, frame) == TONE
            with pytest.raises(Exception, match="ecrypt"):
                first.keys.decrypt(2, davey.MediaType.audio, frame)
            async with Member(room, 4) as fourth:
                await together(second, third, fourth)
                assert group_of(second, third, fourth) == [["2", "3", "4"]] * 3


async def test_clients_that_come_at_once_are_added_in_turn(room: Room) -> None:
    """Of several clients that come at once one begins the group and the others are added one after the other."""
    async with Member(room, 1) as first, Member(room, 2) as second, Member(room, 3) as third:

        async def all_there(member: Member) -> None:
            while len(member.keys.get_user_ids()) < 3 or not member.executed:
                await member.step()

        await asyncio.gather(*(all_there(member) for member in (first, second, third)))
        assert group_of(first, second, third) == [["1", "2", "3"]] * 3


async def test_a_client_that_cannot_follow_starts_over(room: Room) -> None:
    """After an invalid welcome a client is removed and comes back with a new key package."""
    async with Member(room, 1) as first, Member(room, 2) as second:
        await together(first, second)
        await second.say(31, {"transition_id": 1})
        second.keys.reinit(1, 2, CHANNEL)
        second.keys.set_external_sender((await second.hear(25))["data"])
        await second.offer()
        await together(first)
        await together(first, second)
        assert group_of(first, second) == [["1", "2"]] * 2


async def test_the_group_begins_anew_when_nobody_is_left(room: Room) -> None:
    """When the only member leaves before it made a commit, one who waits begins the group anew."""
    async with Member(room, 1) as first, Member(room, 2) as second, Member(room, 3) as third:
        while await first.step() != 27:
            pass
        room.server.dismiss(GUILD, 1)
        await together(second, third)
        assert group_of(second, third) == [["2", "3"]] * 2


async def test_one_who_leaves_before_the_welcome_is_removed(room: Room) -> None:
    """A newcomer that leaves while the commit is under way is taken out by the next one."""
    async with Member(room, 1) as first, Member(room, 2) as second, Member(room, 3) as third:
        await first.until(27)
        room.server.dismiss(GUILD, 2)
        await second.closed()

        async def only_two(member: Member) -> None:
            while sorted(member.keys.get_user_ids()) != ["1", "3"]:
                await member.step()

        await asyncio.gather(only_two(first), only_two(third))


async def test_a_client_without_dave_is_refused(room: Room) -> None:
    """A client that announces no DAVE is closed with 4017 when it selects a protocol."""
    update = room.server.admit(GUILD, CHANNEL, 9, "s")
    async with VoicePeer(room.http, room.url) as peer:
        await peer.identify(update, user_id="9")
        await peer.say(1, {"protocol": "udp", "data": {"address": "", "port": 1, "mode": peer.ready["modes"][0]}})
        assert await peer.closed() == CloseCode.E2EE_REQUIRED


@pytest.mark.parametrize("message", [b"\x1c" + bytes(40), b"\x1c", b"\x1c\x00\x01\x00\x02"])
async def test_what_is_no_commit_is_refused(room: Room, message: bytes) -> None:
    """Bytes that are no commit close the connection."""
    async with Member(room, 1) as first:
        await first.socket.send_bytes(message)
        assert await first.closed() == CloseCode.BAD_REQUEST


async def test_keys_before_the_protocol_are_refused(room: Room) -> None:
    """A key package before Select Protocol closes the connection."""
    update = room.server.admit(GUILD, CHANNEL, 9, "s")
    async with VoicePeer(room.http, room.url) as peer:
        await peer.identify(update, user_id="9", max_dave_protocol_version=1)
        await peer.socket.send_bytes(b"\x1aabc")
        assert await peer.closed() == CloseCode.BAD_REQUEST


def made_commit(group: Any, peer: Any) -> tuple[bytes, bytes]:
    """Return a commit with its welcome, of davey."""
    sender = Dave()._sender
    for session in (group, peer):
        session.set_external_sender(sender.package())
    proposal = sender.propose(Add(peer.get_serialized_key_package()), CHANNEL, 0)
    made = group.process_proposals(davey.ProposalsOperationType.append, vector(proposal))
    return bytes(made.commit), bytes(made.welcome)


def test_commit_and_welcome_are_told_apart() -> None:
    """A commit's size is found whatever follows it, and a commit that ends early is none, wherever it ends."""
    commit, welcome = made_commit(davey.DaveSession(1, 1, CHANNEL), davey.DaveSession(1, 2, CHANNEL))
    assert (commit_size(commit + welcome), commit_epoch(commit)) == (len(commit), 0)
    for size in range(len(commit)):
        with pytest.raises(MlsError):
            commit_size(commit[:size])


@pytest.mark.parametrize("size", [0, 63, 64, 16_383, 16_384])
def test_vectors(size: int) -> None:
    """A vector's length is written in one, two or four bytes."""
    prefix = {0: 1, 63: 1, 64: 2, 16_383: 2, 16_384: 4}[size]
    assert len(vector(bytes(size))) == size + prefix


def test_dave_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cryptography DAVE is refused with what to install."""
    monkeypatch.setattr("importlib.util.find_spec", dict[str, object]().get)
    with pytest.raises(MissingLibraryError, match="pip install cryptography"):
        Dave()


async def test_without_the_library_clients_are_told_version_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cryptography is missing the server starts all the same, and says that it encrypts nothing end to end."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "cryptography" else object())
    server = VoiceServer()
    assert server.summary()["dave_protocol_version"] == 0
    assert server.sentence().endswith("no end-to-end encryption (DAVE version 0)")


def test_a_damaged_commit_is_refused_or_measured() -> None:
    """Whatever byte of a commit is damaged, its size is found or refused, and nothing else happens."""
    commit, welcome = made_commit(davey.DaveSession(1, 1, CHANNEL), davey.DaveSession(1, 2, CHANNEL))
    refused = 0
    for place in range(len(commit)):
        damaged = commit[:place] + bytes([commit[place] ^ 0x03]) + commit[place + 1 :] + welcome
        try:
            assert 0 < commit_size(damaged) <= len(damaged)
        except MlsError:
            refused += 1
    assert refused
