"""Facts about the voice gateway: how a client comes in, what it is refused, and how it resumes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localdiscord.voice import CloseCode, NoE2ee
from tests.localdiscord.voice_peer import CHANNEL, GUILD, USER, VoicePeer, voice_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localdiscord.voice import VoiceServer

XCHACHA = "aead_xchacha20_poly1305_rtpsize"


class Room:
    """A voice server, and clients that come to it."""

    def __init__(self, server: VoiceServer, url: str, http: aiohttp.ClientSession) -> None:
        self.server, self.url, self.http = server, url, http
        self.update = server.admit(GUILD, CHANNEL, USER, "s")

    def peer(self, version: int = 8) -> VoicePeer:
        """Return a client that has not connected yet."""
        return VoicePeer(self.http, self.url, version)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """A voice server that has let one user into a channel."""
    async with voice_server(e2ee=NoE2ee()) as (server, url), aiohttp.ClientSession() as http:
        yield Room(server, url, http)


@pytest.mark.parametrize("mode", ["aead_aes256_gcm_rtpsize", XCHACHA])
async def test_a_client_comes_in(room: Room, mode: str) -> None:
    """Hello, Ready and Session Description come in this order, with an ssrc, both modes, a key and DAVE version 0."""
    async with room.peer() as peer:
        await peer.join(room.update, mode)
        assert [message["op"] for message in peer.told] == [8, 2, 4]
        assert peer.told[0] == {"op": 8, "d": {"v": 8, "heartbeat_interval": 13_750}}
        assert peer.ready["modes"] == ["aead_aes256_gcm_rtpsize", XCHACHA]
        assert (peer.description["mode"], len(peer.description["secret_key"])) == (mode, 32)
        assert peer.description["dave_protocol_version"] == 0
        assert [message.get("seq") for message in peer.told] == [None, 1, 2]


async def test_discovery_tells_the_address(room: Room) -> None:
    """IP discovery answers with the address and port that the client's datagram came from."""
    async with room.peer() as peer:
        await peer.identify(room.update)
        assert await peer.discover() == peer.udp.get_extra_info("sockname")


async def test_a_keepalive_comes_back(room: Room) -> None:
    """A UDP keepalive of eight bytes is answered with itself, and discovery for a stranger's ssrc is not answered."""
    async with room.peer() as peer:
        await peer.identify(room.update)
        peer.send_raw(b"\x00\x01\x00\x46\xff\xff\xff\xff".ljust(74, b"\0"))
        peer.send_raw(b"\x07".ljust(8, b"\0"))
        assert await peer.datagram() == b"\x07".ljust(8, b"\0")


async def test_heartbeats_are_acknowledged(room: Room) -> None:
    """A heartbeat, before or after Identify, is answered with its own nonce."""
    async with room.peer() as peer:
        await peer.say(3, {"t": 5, "seq_ack": -1})
        assert (await peer.hear(6))["d"] == {"t": 5}
        await peer.identify(room.update)
        await peer.say(3, {"t": 6, "seq_ack": 1})
        assert (await peer.hear(6))["d"] == {"t": 6}


async def test_older_clients_are_served(room: Room) -> None:
    """A client of version 4 gets its nonce back bare, and no numbers."""
    async with room.peer(4) as peer:
        await peer.join(room.update)
        await peer.say(3, 77)
        assert (await peer.hear(6))["d"] == 77
        assert peer.told[0]["d"]["v"] == 4
        assert not [message for message in peer.told if "seq" in message]


REFUSED: dict[str, tuple[list[tuple[int, Any]], CloseCode]] = {
    "unknown opcode": ([(99, {})], CloseCode.UNKNOWN_OPCODE),
    "op that only servers say": ([(2, {})], CloseCode.UNKNOWN_OPCODE),
    "audio before Identify": ([(5, {"speaking": 1})], CloseCode.NOT_AUTHENTICATED),
    "wrong token": ([(0, {"token": "wrong"})], CloseCode.AUTHENTICATION_FAILED),
    "another's token": ([(0, {"user_id": "1"})], CloseCode.AUTHENTICATION_FAILED),
    "wrong session": ([(0, {"session_id": "wrong"})], CloseCode.SESSION_INVALID),
    "unknown server": ([(0, {"server_id": "1"})], CloseCode.SERVER_NOT_FOUND),
    "no token": ([(0, {"token": None})], CloseCode.BAD_REQUEST),
    "server id of letters": ([(0, {"server_id": "abc"})], CloseCode.BAD_REQUEST),
    "data that is no object": ([(0, [])], CloseCode.BAD_REQUEST),
    "heartbeat of an older version": ([(3, 5)], CloseCode.BAD_REQUEST),
    "Identify twice": ([(0, {}), (0, {})], CloseCode.ALREADY_AUTHENTICATED),
    "Resume of a session never begun": ([(7, {"seq_ack": -1})], CloseCode.SESSION_INVALID),
    "Resume with a wrong token": ([(7, {"token": "x"})], CloseCode.AUTHENTICATION_FAILED),
    "wrong protocol": ([(0, {}), (1, {"protocol": "webrtc", "data": {}})], CloseCode.UNKNOWN_PROTOCOL),
    "mode switched off": (
        [(0, {}), (1, {"protocol": "udp", "data": {"address": "a", "port": 1, "mode": "xsalsa20_poly1305"}})],
        CloseCode.UNKNOWN_MODE,
    ),
    "no mode": ([(0, {}), (1, {"protocol": "udp", "data": {"address": "a", "port": 1}})], CloseCode.BAD_REQUEST),
    "another's ssrc": ([(0, {}), (5, {"speaking": 1, "ssrc": 99})], CloseCode.BAD_REQUEST),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_refused(room: Room, case: str) -> None:
    """What a client must not say closes its connection with the code of Discord's documentation."""
    messages, code = REFUSED[case]
    async with room.peer() as peer:
        for op, data in messages:
            whole = peer.credentials(room.update, **data) if op in {0, 7} and isinstance(data, dict) else data
            await peer.say(op, whole)
        assert await peer.closed() == code


@pytest.mark.parametrize("text", ["no json", "[]", '{"op": "0", "d": {}}', '{"op": 3}', '{"op": true, "d": {}}'])
async def test_what_is_no_message_is_refused(room: Room, text: str) -> None:
    """Text that is no JSON object with a number op and a d closes the connection with 4002."""
    async with room.peer() as peer:
        await peer.socket.send_str(text)
        assert await peer.closed() == CloseCode.NOT_DECODED


@pytest.mark.parametrize("message", [b"", b"\x05abc", b"\x1aabc"])
async def test_keys_are_refused_where_there_is_no_e2ee(room: Room, message: bytes) -> None:
    """A binary message closes the connection: none is known without end-to-end encryption."""
    async with room.peer() as peer:
        await peer.join(room.update)
        await peer.socket.send_bytes(message)
        assert await peer.closed() in {CloseCode.UNKNOWN_OPCODE, CloseCode.BAD_REQUEST}


async def test_keys_before_identify_are_refused(room: Room) -> None:
    """A binary message before Identify closes the connection with 4003."""
    async with room.peer() as peer:
        await peer.socket.send_bytes(b"\x1aabc")
        assert await peer.closed() == CloseCode.NOT_AUTHENTICATED


@pytest.mark.parametrize("version", [0, 3, 9])
async def test_other_versions_are_refused(room: Room, version: int) -> None:
    """A version that is not spoken closes the connection at once."""
    async with room.peer(version) as peer:
        assert await peer.closed() == CloseCode.BAD_REQUEST
        assert peer.told == []


async def test_a_silent_client_is_disconnected() -> None:
    """A client without heartbeats is closed with 4009 after two intervals; one with heartbeats is not."""
    async with voice_server(heartbeat_interval=0.05, e2ee=NoE2ee()) as (server, url), aiohttp.ClientSession() as http:
        room = Room(server, url, http)
        async with room.peer() as silent, room.peer() as alive:
            end = asyncio.create_task(silent.closed())
            while not end.done():
                await alive.say(3, {"t": 1, "seq_ack": -1})
                await alive.hear(6)
            assert await end == CloseCode.SESSION_TIMEOUT
            assert alive.close_code is None


async def test_messages_about_video_are_ignored(room: Room) -> None:
    """Ops 12 and 15, which concern video, change nothing."""
    async with room.peer() as peer:
        await peer.join(room.update)
        await peer.say(12, {"audio_ssrc": 1, "video_ssrc": 0})
        await peer.say(15, {"any": 100})
        await peer.say(23, {"transition_id": 1})
        await peer.say(31, {"transition_id": 1})
        await peer.say(3, {"t": 1, "seq_ack": 2})
        assert (await peer.hear(6))["d"] == {"t": 1}


async def test_a_cut_connection_resumes(room: Room) -> None:
    """Resume brings what was sent while the client was away, once and in order, then Resumed; the key stays."""
    async with room.peer() as peer:
        await peer.join(room.update)
        await peer.say(3, {"t": 1, "seq_ack": 2})
        await peer.hear(6)
        assert room.server.break_connection(GUILD, USER)
        assert await peer.closed() == 1006
    other = room.server.admit(GUILD, CHANNEL, 301, "s2")
    async with room.peer() as friend, room.peer() as again:
        await friend.join(other, user_id="301", session_id="s2")
        await friend.say(3, {"t": 1, "seq_ack": 0})
        await friend.hear(6)
        await again.say(7, again.credentials(room.update, seq_ack=2))
        await again.hear(9)
        assert [(message["op"], message.get("seq")) for message in again.told] == [
            (8, None),
            (11, 3),
            (5, 4),
            (9, None),
        ]
        assert again.told[1]["d"] == {"user_ids": ["301"]}
        again.ready, again.description, again.sequence = peer.ready, peer.description, peer.sequence
        again.send_raw(again.packet())
        await room.server.heard(GUILD, USER).until(lambda heard: heard.packets == 1)


@pytest.mark.parametrize("number", [0, 99])
async def test_what_is_not_kept_cannot_be_resumed(room: Room, number: int) -> None:
    """Resume from a number whose successors were forgotten, or that was never sent, is closed with 4006."""
    async with room.peer() as peer:
        await peer.join(room.update)
        await peer.say(3, {"t": 1, "seq_ack": 2})
        await peer.hear(6)
        room.server.break_connection(GUILD, USER, CloseCode.SERVER_CRASHED)
        assert await peer.closed() == CloseCode.SERVER_CRASHED
    async with room.peer() as again:
        await again.say(7, again.credentials(room.update, seq_ack=number))
        assert await again.closed() == CloseCode.SESSION_INVALID


async def test_older_clients_resume_without_numbers(room: Room) -> None:
    """Resume of version 4 is answered with Resumed and nothing else."""
    async with room.peer(4) as peer:
        await peer.join(room.update)
    async with room.peer(4) as again:
        await again.say(7, again.credentials(room.update))
        await again.hear(9)
        assert [message["op"] for message in again.told] == [8, 9]


async def test_a_second_connection_takes_over(room: Room) -> None:
    """Of two connections with the same credentials the later one lives."""
    async with room.peer() as first, room.peer() as second:
        await first.join(room.update)
        await second.join(room.update)
        assert await first.closed() == CloseCode.SESSION_INVALID
        second.send_raw(second.packet())
        await room.server.heard(GUILD, USER).until(lambda heard: heard.packets == 1)


async def test_a_dismissed_client_is_told(room: Room) -> None:
    """Whoever is taken out of a channel is closed with 4014, and its token is no longer good."""
    async with room.peer() as peer:
        await peer.join(room.update)
        room.server.dismiss(GUILD, USER)
        room.server.dismiss(GUILD, USER)
        assert await peer.closed() == CloseCode.DISCONNECTED
    assert room.server.session(GUILD, USER) is None
    assert not room.server.break_connection(GUILD, USER)
    async with room.peer() as again:
        await again.say(7, again.credentials(room.update, seq_ack=-1))
        assert await again.closed() == CloseCode.AUTHENTICATION_FAILED


async def test_a_moved_client_gets_a_new_session(room: Room) -> None:
    """Moving closes the connection with 4014; the new token opens a session in the other channel."""
    async with room.peer() as peer:
        await peer.join(room.update)
        update = room.server.admit(GUILD, CHANNEL + 1, USER, "s")
        assert await peer.closed() == CloseCode.DISCONNECTED
    async with room.peer() as again:
        await again.join(update)
        session = room.server.session(GUILD, USER)
        assert session is not None
        assert (session.channel_id, session.outlet is not None) == (CHANNEL + 1, True)


async def test_the_summary_says_what_is_not_encrypted(room: Room) -> None:
    """The summary names modes, sessions and the DAVE version, which is 0."""
    async with room.peer() as peer:
        await peer.join(room.update)
        summary = room.server.summary()
    assert summary["dave_protocol_version"] == 0
    assert [(each["user_id"], each["connected"], each["mode"]) for each in summary["sessions"]] == [
        ("300", True, XCHACHA)
    ]
    assert "secret" not in str(summary)


async def test_the_endpoint_is_told_by_its_host(room: Room) -> None:
    """The voice endpoint is known by its host name, with and without port."""
    assert room.server.is_here("local.discord.media")
    assert room.server.is_here(room.update["endpoint"])
    assert not room.server.is_here("gateway.discord.gg")
