"""Facts about voice with a real discord.py client: joining, playing, pausing, moving, being thrown out, coming back."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import davey
import discord
import pytest
from discord import backoff

from localdiscord import LocalDiscord
from localdiscord.voice import CloseCode, Dave, NoE2ee
from localdiscord.voice.rtp import SILENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localdiscord.voice import Reception


class Frames(discord.AudioSource):
    """Opus frames that can be told apart, each of 20 ms."""

    def __init__(self, count: int, start: int = 0) -> None:
        self.left = [b"\x78" + number.to_bytes(4) for number in range(start, start + count)]
        self.sent: list[bytes] = []

    def is_opus(self) -> bool:
        """Say that these are opus already."""
        return True

    def read(self) -> bytes:
        """Return the next frame, none at the end."""
        if not self.left:
            return b""
        self.sent.append(self.left.pop(0))
        return self.sent[-1]


class Stage:
    """A local Discord, a client logged in to it, and its voice channels."""

    def __init__(self, server: LocalDiscord, client: discord.Client) -> None:
        self.server, self.client = server, client
        self.town = server.town
        self.bot = self.town.application.bot
        self.lounge, self.studio = self.town.channels["Lounge"], self.town.channels["Studio"]
        self.moderator = server.person(self.town.moderator)

    @property
    def heard(self) -> Reception:
        """What the voice server heard of the client."""
        return self.server.voice.heard(self.town.guild.id, self.bot.id)

    def channel(self, place: Any) -> discord.VoiceChannel:
        """Return a channel as the client knows it."""
        channel = self.client.get_channel(place.id)
        assert isinstance(channel, discord.VoiceChannel)
        return channel

    async def join(self, place: Any) -> discord.VoiceClient:
        """Have the client join a channel."""
        return await self.channel(place).connect(cls=discord.VoiceClient)

    def where(self) -> int | None:
        """Return the channel that the world has the client in."""
        state = self.town.guild.voice_states.get(self.bot.id)
        return state.channel_id if state else None


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A local Discord and a discord.py client that is ready."""
    async with LocalDiscord() as server, logged_in(server) as client:
        yield Stage(server, client)


@contextlib.asynccontextmanager
async def logged_in(server: LocalDiscord, token: str | None = None) -> AsyncIterator[discord.Client]:
    """Log a client in, and out again."""
    client = discord.Client(
        intents=discord.Intents.all(),
        connector=server.connector(),
        guild_ready_timeout=0,
        chunk_guilds_at_startup=False,
    )
    ready = asyncio.Event()

    @client.event
    async def on_ready() -> None:
        ready.set()

    async with client:
        running = asyncio.create_task(client.start(token or server.town.application.token))
        await asyncio.wait(
            {running, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED, timeout=10
        )
        assert ready.is_set()
        try:
            yield client
        finally:
            await client.close()
            await running


async def played(voice: discord.VoiceClient, source: discord.AudioSource) -> None:
    """Play to the end."""
    done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def after(error: Exception | None) -> None:
        loop.call_soon_threadsafe(done.set_result, error)

    voice.play(source, after=after)
    async with asyncio.timeout(20):
        assert await done is None


async def test_a_client_plays(stage: Stage) -> None:
    """What a discord.py client plays arrives whole, in order, each packet decrypted, with silence after it."""
    voice = await stage.join(stage.lounge)
    assert stage.where() == stage.lounge.id
    source = Frames(10)
    await played(voice, source)
    await stage.heard.until(lambda heard: heard.packets == 15)
    assert list(stage.heard.frames) == [*source.sent, *[SILENCE] * 5]
    assert (stage.heard.lost, stage.heard.decrypt_failures, stage.heard.duplicates) == (0, 0, 0)
    assert stage.heard.seconds == pytest.approx(0.2)
    assert stage.server.voice.summary()["sessions"][0]["connected"]
    await voice.disconnect()
    assert stage.where() is None
    assert stage.server.voice.session(stage.town.guild.id, stage.bot.id) is None


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
async def test_ffmpeg_is_heard(stage: Stage, tmp_path: Path) -> None:
    """Opus that ffmpeg makes of a tone is heard as long as it sounds."""
    tone = tmp_path / "tone.ogg"
    make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:duration=0.4", "-c:a", "libopus", str(tone)]
    await asyncio.to_thread(subprocess.run, make, check=True)
    voice = await stage.join(stage.lounge)
    source = discord.FFmpegOpusAudio(str(tone))
    output = source._stdout
    await played(voice, source)
    output.close()  # discord.py leaves it to the garbage collector
    await stage.heard.until(lambda heard: heard.silence_frames >= 5)
    assert 0.38 <= stage.heard.seconds <= 0.5
    assert stage.heard.decrypt_failures == 0
    await voice.disconnect()


async def test_a_client_pauses(stage: Stage) -> None:
    """A paused client sends silence and stops; resumed, it goes on where it was, and nothing is missing."""
    voice = await stage.join(stage.lounge)
    source = Frames(20)
    voice.play(source)
    await stage.heard.until(lambda heard: heard.packets >= 5)
    voice.pause()
    await stage.heard.until(lambda heard: heard.silence_frames == 5)
    assert source.left
    voice.resume()
    await stage.heard.until(lambda heard: heard.silence_frames == 10)
    assert [frame for frame in stage.heard.frames if frame != SILENCE] == source.sent
    assert (stage.heard.lost, stage.heard.decrypt_failures) == (0, 0)
    await voice.disconnect()


@pytest.mark.parametrize("code", [None, CloseCode.SESSION_INVALID])
async def test_a_client_comes_back(stage: Stage, monkeypatch: pytest.MonkeyPatch, code: CloseCode | None) -> None:
    """A client whose voice connection breaks, without a word or with 4006, joins again and plays the rest.

    It pauses meanwhile: discord.py gives the sound up where a frame is due before it has told of the break.
    """
    monkeypatch.setattr(backoff.ExponentialBackoff, "delay", lambda _: 0.0)
    voice = await stage.join(stage.lounge)
    source = Frames(60)
    voice.play(source)
    await stage.heard.until(lambda heard: heard.packets >= 5)
    voice.pause()
    await stage.heard.until(lambda heard: heard.silence_frames == 5)
    assert source.left
    before = stage.server.voice.session(stage.town.guild.id, stage.bot.id)
    assert stage.server.voice.break_connection(stage.town.guild.id, stage.bot.id, code)
    await stage.server.voice.arrival(stage.town.guild.id, stage.bot.id)
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(voice.wait_until_connected, 1):
            pass
    voice.resume()
    await stage.heard.until(lambda heard: not source.left and heard.frames[-1] == source.sent[-1])
    assert stage.server.voice.session(stage.town.guild.id, stage.bot.id) is not before
    assert stage.heard.decrypt_failures == 0
    await voice.disconnect()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="discord.py 2.7 gives up its voice here")
async def test_a_client_is_moved(stage: Stage) -> None:
    """A client that is moved by itself or by a moderator plays on in the other channel."""
    voice = await stage.join(stage.lounge)
    first = voice._connection.socket
    await voice.move_to(stage.channel(stage.studio))
    assert stage.where() == stage.studio.id
    await played(voice, Frames(3))
    await stage.heard.until(lambda heard: heard.packets == 8)
    second = voice._connection.socket
    stage.moderator.move_to_voice(stage.bot, stage.lounge)
    await stage.server.voice.arrival(stage.town.guild.id, stage.bot.id)
    source = Frames(10, start=100)
    voice.play(source)
    await stage.heard.until(lambda heard: not source.left and heard.frames[-1] == source.sent[-1])
    assert voice.channel.id == stage.lounge.id
    assert stage.heard.decrypt_failures == 0
    await voice.disconnect()
    for left_open in (first, second):  # discord.py leaves them to the garbage collector
        left_open.close()


async def test_a_moderator_disconnects_a_client(stage: Stage) -> None:
    """A client that a moderator takes out of the channel is closed with 4014 and gives up its voice connection."""
    voice = await stage.join(stage.lounge)
    left = asyncio.Event()

    @stage.client.event
    async def on_voice_state_update(_: object, __: object, after: discord.VoiceState) -> None:
        if after.channel is None:
            left.set()

    stage.moderator.disconnect_from_voice(stage.bot, stage.lounge)
    async with asyncio.timeout(10):
        await left.wait()
        while voice.is_connected() or stage.client.voice_clients:  # noqa: ASYNC110  discord.py tells nobody of it
            await asyncio.sleep(0)
    assert stage.where() is None
    again = await stage.join(stage.studio)
    assert stage.where() == stage.studio.id
    await again.disconnect()


@pytest.mark.parametrize("e2ee", [NoE2ee, Dave])
async def test_two_bots_hear_each_other(stage: Stage, e2ee: type[NoE2ee | Dave]) -> None:
    """Of two bots in a channel each gets what the other plays; with DAVE only they can read it, not the server."""
    stage.server.voice.registry.e2ee = e2ee()
    other = stage.server.world.add_application("Second", stage.town.owner)
    stage.server.world.add_member(stage.town.guild, other.bot)
    async with logged_in(stage.server, other.token) as second:
        place = second.get_channel(stage.lounge.id)
        assert isinstance(place, discord.VoiceChannel)
        speaker, listener = await stage.join(stage.lounge), await place.connect(cls=discord.VoiceClient)
        async with asyncio.timeout(10):
            while e2ee is Dave and not (speaker._connection.can_encrypt and listener._connection.can_encrypt):  # noqa: ASYNC110
                await asyncio.sleep(0)  # discord.py tells nobody that keys are agreed on
        arrived: asyncio.Queue[bytes] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def hear(data: bytes) -> None:
            loop.call_soon_threadsafe(functools.partial(arrived.put_nowait, data))

        listener._connection.add_socket_listener(hear)
        source = Frames(3)
        await played(speaker, source)
        session = stage.server.voice.session(stage.town.guild.id, other.bot.id)
        assert session is not None
        assert session.cipher is not None
        async with asyncio.timeout(10):
            packets = [await arrived.get() for _ in range(3)]
        frames = [session.cipher.open(packet[:12], packet[12:-4], packet[-4:]) for packet in packets]
        if keys := listener._connection.dave_session:
            assert not set(frames) & set(source.sent)
            frames = [keys.decrypt(stage.bot.id, davey.MediaType.audio, frame) for frame in frames]
        assert frames == source.sent
        assert stage.heard.e2ee_frames == (3 if e2ee is Dave else 0)
        await listener.disconnect()
        await speaker.disconnect()
