"""Facts about audio: what is decrypted, counted, refused and passed on."""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from localdiscord.voice import CloseCode, MissingLibraryError, NoE2ee, Reception, VoiceServer
from localdiscord.voice.ciphers import cipher, offered_modes
from localdiscord.voice.rtp import SILENCE, NotRtpError, RtpHeader, is_rtcp, opus_seconds
from tests.localdiscord.voice_peer import CHANNEL, GUILD, TONE, USER, VoicePeer, voice_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Room:
    """A voice server, and clients that have joined a channel."""

    def __init__(self, server: VoiceServer, url: str, http: aiohttp.ClientSession) -> None:
        self.server, self.url, self.http = server, url, http
        self.update = server.admit(GUILD, CHANNEL, USER, "s")
        self.heard = server.heard(GUILD, USER)

    def peer(self, version: int = 8) -> VoicePeer:
        """Return a client that has not connected yet."""
        return VoicePeer(self.http, self.url, version)

    async def friend_joins(self, friend: VoicePeer, user: int = 301) -> None:
        """Bring another user into the channel."""
        update = self.server.admit(GUILD, CHANNEL, user, "s")
        await friend.join(update, user_id=str(user))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """A voice server that has let one user into a channel."""
    async with voice_server(e2ee=NoE2ee()) as (server, url), aiohttp.ClientSession() as http:
        yield Room(server, url, http)


@pytest.mark.parametrize("mode", offered_modes())
async def test_audio_is_heard(room: Room, mode: str) -> None:
    """Packets are decrypted and counted: their number, bytes, seconds and silence, and the frames themselves."""
    async with room.peer() as peer:
        await peer.join(room.update, mode)
        for frame in (TONE, TONE, SILENCE):
            peer.send_raw(peer.packet(frame))
        await room.heard.until(lambda heard: heard.packets == 3)
    assert list(room.heard.frames) == [TONE, TONE, SILENCE]
    assert room.heard.summary() == {
        "packets": 3,
        "opus_bytes": 2 * len(TONE) + 3,
        "silence_frames": 1,
        "reordered": 0,
        "duplicates": 0,
        "decrypt_failures": 0,
        "muted": 0,
        "e2ee_frames": 0,
        "lost": 0,
        "seconds": 0.04,
    }


async def test_gaps_and_disorder_are_counted(room: Room) -> None:
    """Packets that never come are lost, late ones reordered, and the counter wraps from 65535 to 0."""
    async with room.peer() as peer:
        await peer.join(room.update)
        for sequence in (65_534, 65_535, 2, 0, 4):
            peer.send_raw(peer.packet(sequence=sequence))
        await room.heard.until(lambda heard: heard.packets == 5)
    assert (room.heard.lost, room.heard.reordered, room.heard.duplicates) == (2, 1, 0)


async def test_a_replayed_packet_is_dropped(room: Room) -> None:
    """A packet that comes again, at once or much later, is neither counted twice nor passed on."""
    async with room.peer() as peer, room.peer() as friend:
        await peer.join(room.update)
        await room.friend_joins(friend)
        first = peer.packet()
        peer.send_raw(first)
        peer.send_raw(first)
        for _ in range(400):
            peer.send_raw(peer.packet())
            await room.heard.until(lambda heard: heard.packets == peer.sequence)
        peer.send_raw(first)
        await room.heard.until(lambda heard: heard.duplicates == 2)
        assert (room.heard.packets, room.heard.lost) == (401, 0)
        assert friend.inbox.datagrams.qsize() <= 401


async def test_a_packet_with_a_bad_key_is_not_heard(room: Room) -> None:
    """Packets of another key, changed ones and ones too short for a tag are decrypt failures and nothing else."""
    async with room.peer() as peer:
        await peer.join(room.update)
        good = peer.packet()
        peer.send_raw(peer.packet(key=bytes(32)))
        peer.send_raw(good[:20] + bytes([good[20] ^ 1]) + good[21:])
        peer.send_raw(bytes([good[0]]) + bytes([good[1] ^ 0x80]) + good[2:])
        peer.send_raw(good[:24])
        peer.send_raw(good)
        await room.heard.until(lambda heard: heard.packets == 1)
    assert room.heard.decrypt_failures == 4


async def test_what_is_no_audio_is_passed_over(room: Room) -> None:
    """Reports, bytes that are no RTP, and packets of an unknown ssrc disturb nothing."""
    async with room.peer() as peer:
        await peer.join(room.update)
        good = peer.packet()
        for bad in (b"\x81\xc9" + bytes(30), b"\x00" * 30, b"x", good[:8] + b"\xff\xff\xff\xff" + good[12:], good):
            peer.send_raw(bad)
        await room.heard.until(lambda heard: heard.packets == 1)
    assert room.heard.decrypt_failures == 0


async def test_audio_before_speaking_is_refused(room: Room) -> None:
    """A client that sends more than a second of audio before Speaking is disconnected, as Discord warns."""
    async with room.peer() as peer:
        await peer.identify(room.update)
        await peer.say(1, {"protocol": "udp", "data": {"address": "", "port": 1, "mode": offered_modes()[0]}})
        peer.description = (await peer.hear(4))["d"]
        for _ in range(60):
            peer.send_raw(peer.packet())
        assert await peer.closed() == CloseCode.BAD_REQUEST
    assert room.heard.packets == 50


@pytest.mark.parametrize("mode", offered_modes())
async def test_two_clients_hear_each_other(room: Room, mode: str) -> None:
    """What one sends the other gets, under its own key and mode, with the sender's ssrc, after Speaking told of it."""
    async with room.peer() as peer, room.peer(4) as friend:
        await peer.join(room.update, mode)
        await room.friend_joins(friend)
        assert (await peer.hear(11))["d"] == {"user_ids": ["301"]}
        assert (await friend.hear(12))["d"] == {"user_id": "300", "audio_ssrc": peer.ready["ssrc"], "video_ssrc": 0}
        assert (await friend.hear(5))["d"] == {"user_id": "300", "ssrc": peer.ready["ssrc"], "speaking": 1}
        packet = peer.packet()
        peer.send_raw(packet)
        arrived = await friend.datagram()
        assert (arrived[:12], friend.open(arrived)) == (packet[:12], TONE)
        friend.send_raw(friend.packet(SILENCE))
        assert peer.open(await peer.datagram()) == SILENCE


async def test_extensions_are_understood(room: Room) -> None:
    """The first word of a header extension is in the clear, the rest encrypted with the opus, and not taken for it."""
    async with room.peer() as peer:
        await peer.join(room.update)
        header = struct.pack(">BBHIIHH", 0x90, 0x78, 1, 960, peer.ready["ssrc"], 0xBEDE, 1)
        counter = bytes(4)
        box = cipher(peer.description["mode"], bytes(peer.description["secret_key"]))
        peer.send_raw(header + box.seal(header, b"\x10\x01\x00\x00" + TONE, counter) + counter)
        await room.heard.until(lambda heard: heard.packets == 1)
    assert list(room.heard.frames) == [TONE]


async def test_the_muted_and_the_deaf(room: Room) -> None:
    """A muted client is counted but passed to nobody; to a deaf one nothing is passed."""
    async with room.peer() as peer, room.peer() as friend:
        await peer.join(room.update)
        await room.friend_joins(friend)
        room.server.silence(GUILD, USER, mute=True, deaf=True)
        room.server.silence(GUILD, 999, mute=True, deaf=True)
        peer.send_raw(peer.packet())
        friend.send_raw(friend.packet())
        await room.heard.until(lambda heard: heard.muted == 1)
        await room.server.heard(GUILD, 301).until(lambda heard: heard.packets == 1)
        for client in (peer, friend):
            client.send_raw(b"keepaliv")
            assert await client.datagram() == b"keepaliv"


async def test_who_leaves_is_told_of(room: Room) -> None:
    """Those who stay are told when somebody leaves, and of those in other channels they hear nothing."""
    async with room.peer() as peer, room.peer() as friend, room.peer() as stranger:
        await peer.join(room.update)
        await room.friend_joins(friend)
        await stranger.join(room.server.admit(GUILD, CHANNEL + 1, 302, "s"), user_id="302")
        room.server.dismiss(GUILD, 301)
        await peer.hear(13)
    assert [(message["op"], message["d"]) for message in peer.told[3:]] == [
        (11, {"user_ids": ["301"]}),
        (5, {"user_id": "301", "ssrc": 2, "speaking": 1}),
        (13, {"user_id": "301"}),
    ]


@pytest.mark.parametrize("is_let_in_anew", [True, False])
async def test_who_sends_from_elsewhere_is_told_so_at_the_former_place(room: Room, is_let_in_anew: bool) -> None:
    """A client that asks where it sends from gets the answer, then a goodbye where it was: what waits there looks up.

    In the same session, or in the one after it, it makes no difference; and the goodbye is sent no more than once.
    """
    async with room.peer() as before, room.peer() as after, room.peer() as later:
        await before.join(room.update)
        if is_let_in_anew:
            room.update = room.server.admit(GUILD, CHANNEL, USER, "s")
            assert is_rtcp(await before.datagram())
        await after.join(room.update)
        assert is_rtcp(await before.datagram())
        await later.join(room.update)
        assert is_rtcp(await after.datagram())
        assert before.inbox.datagrams.empty()


async def test_a_new_key_begins_a_new_stream(room: Room) -> None:
    """A client may select a protocol again: the old key opens nothing any more, and sequence numbers begin anew."""
    async with room.peer() as peer:
        await peer.join(room.update)
        old = peer.packet()
        peer.send_raw(old)
        await room.heard.until(lambda heard: heard.packets == 1)
        await peer.say(1, {"protocol": "udp", "data": {"address": "", "port": 1, "mode": offered_modes()[0]}})
        peer.description = (await peer.hear(4))["d"]
        peer.send_raw(old)
        peer.send_raw(peer.packet(sequence=5000))
        await room.heard.until(lambda heard: heard.packets == 2)
    assert (room.heard.decrypt_failures, room.heard.lost) == (1, 0)


async def test_waiting_in_vain_says_what_was_heard() -> None:
    """A condition that is not met in time is an error that shows the counts; a second one is not disturbed by it."""
    heard = Reception()
    with pytest.raises(TimeoutError, match="'packets': 0"):
        await heard.until(lambda heard: heard.packets > 0, within=0.01)
    heard.changed()
    await heard.until(lambda heard: heard.packets == 0)


@pytest.mark.parametrize(
    ("frame", "seconds"),
    [
        (b"", 0.0),
        (b"\x08", 0.02),
        (b"\x18", 0.06),
        (b"\x80", 0.0025),
        (b"\xf8", 0.02),
        (b"\xf9", 0.04),
        (b"\xfb\x03", 0.06),
        (b"\xfb", 0.0),
        (b"\x60", 0.01),
        (b"OpusHead", 0.0),
    ],
)
def test_how_long_opus_sounds(frame: bytes, seconds: float) -> None:
    """The first byte of an opus packet, and the second where there is one, tell how long it sounds."""
    assert opus_seconds(frame) == pytest.approx(seconds)


@pytest.mark.parametrize("packet", [b"", b"\x80" * 11, b"\x40" * 20, b"\x90" + bytes(12)])
def test_what_is_no_rtp(packet: bytes) -> None:
    """A packet that is too short for its own header, or of another version, is refused."""
    with pytest.raises(NotRtpError):
        RtpHeader.read(packet)


def test_headers_with_sources() -> None:
    """Contributing sources belong to the header."""
    header = RtpHeader.read(b"\x82\x78" + bytes(30))
    assert (header.size, header.extension) == (20, 0)
    assert not is_rtcp(b"\x80")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mode whose library is not installed is not offered, and asking for it says what to install."""
    monkeypatch.setitem(sys.modules, "nacl", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "nacl" else object())
    assert offered_modes() == ["aead_aes256_gcm_rtpsize"]
    with pytest.raises(MissingLibraryError, match="pip install PyNaCl"):
        cipher("aead_xchacha20_poly1305_rtpsize", bytes(32))


async def test_a_server_without_encryption_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any library for encryption the voice server refuses to start and says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", dict[str, object]().get)
    with pytest.raises(MissingLibraryError, match="pip install PyNaCl"):
        await VoiceServer().start()
