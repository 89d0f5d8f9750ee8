"""Music over time: restarts and kills, people who come and go, the bot moved about, what is kept and forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from localdiscord.actions import messages
from localdiscord.actions.drafts import Draft
from localdiscord.model.channel import ChannelType, Overwrite
from localdiscord.model.files import Upload
from localdiscord.permissions import Permissions
from reference.bot import build_bot
from tests.bot.band import Band, settings_with_music
from tests.bot.bot_process import BotProcess, launch
from tests.bot.conftest import Stage, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from localdiscord import LocalDiscord
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from reference.config import Settings

__all__ = ["launch"]

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture
def settings(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a bot that plays music alone."""
    return settings_with_music(tmp_path, tmp_path_factory.getbasetemp(), monkeypatch)


@pytest.fixture
def band(stage: Stage) -> Band:
    """A stage with a listener."""
    return Band(stage)


@contextlib.asynccontextmanager
async def restarted(band: Band, settings: Settings) -> AsyncIterator[Band]:
    """End the bot in order, and run another one on the same data."""
    discord = band.stage.discord
    await band.stage.bot.close()
    bot = build_bot(settings, connector=discord.connector(), guild_ready_timeout=0)
    async with running(bot, discord):
        yield Band(Stage(discord, bot))


async def test_music_goes_on_after_a_restart(band: Band, settings: Settings) -> None:
    """Queue, position, volume, loop and pause are as before; the bot comes back to the channel by itself."""
    await band.use(band.alice, "play", query="long")
    await band.use(band.alice, "play", query="first")
    await band.use(band.alice, "loop", mode="queue")
    await band.use(band.alice, "volume", percent=30)
    await band.use(band.alice, "seek", position="0:20")
    await band.sent(10)
    panel = await band.panel()
    async with restarted(band, settings) as again:
        await again.sent(10)
        assert again.where() == again.lounge.id
        assert 20.1 <= again.player.position <= 25
        assert again.titles() == ["first"]
        assert again.player.queue.loop == "queue"
        assert again.player.volume == 0.3
        await again.alice.answered(again.alice.click(panel, "⏸️"))
        await again.until(lambda: panel.embeds[0]["title"] == "Paused")
        assert "0:2" in str(panel.embeds[0]["fields"])


async def test_a_pause_is_kept_over_a_restart(band: Band, settings: Settings) -> None:
    """A bot that was paused is back in its channel and silent, until it is told to go on."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    before = await band.paused(band.alice)
    async with restarted(band, settings) as again:
        await again.until(lambda: again.where() == again.lounge.id)
        await again.use(again.alice, "resume")
        await again.sent(5)
        assert again.sound >= before + 5
        assert again.player.position >= before * 0.02


async def test_nobody_left_means_no_music_after_a_restart(band: Band, settings: Settings) -> None:
    """If everybody is gone the bot stays away, and keeps the queue for whoever comes."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    await band.stage.bot.close()
    band.alice.leave_voice(band.lounge)
    async with restarted(band, settings) as again:
        again.alice.leave_voice(again.lounge)
        await again.until(lambda: again.jukebox.known(again.stage.town.guild.id))
        await again.stage.discord.settled()
        assert again.where() is None
        again.alice.join_voice(again.lounge)
        assert await again.use(again.alice, "resume") == "Playing again."
        await again.sent(5)


async def test_music_survives_kill_9(
    discord: LocalDiscord, settings: Settings, launch: Callable[..., BotProcess]
) -> None:
    """A bot that is killed in the middle of a track leaves no ffmpeg behind, and its successor goes on there."""
    nothing: Any = None
    band = Band(Stage(discord, nothing))
    killed = launch(settings.data, MUSIC__SAVE_SECONDS="0.1")
    await killed.ready()
    await band.use(band.alice, "play", query="long")
    await band.use(band.alice, "play", query="first")
    await band.use(band.alice, "seek", position="0:30")
    await band.sent(20)
    players = killed.children()
    assert [child.name() for child in players if "ffmpeg" in child.name()]
    killed.kill()
    with contextlib.closing(sqlite3.connect(settings.database)) as database:
        (position,) = database.execute("SELECT position FROM music_player").fetchone()
    assert position == pytest.approx(30.4, abs=0.25)
    assert (await asyncio.to_thread(psutil.wait_procs, players, 10))[1] == []
    launch(settings.data, MUSIC__SAVE_SECONDS="0.1")
    before = band.sound
    await band.heard.until(lambda heard: heard.packets - heard.silence_frames >= before + 10, 90)
    await band.use(band.alice, "pause")
    panel = await band.panel(lambda text: "Paused" in text and "0:3" in text)
    assert "long" in str(panel.embeds)
    assert "1 song" in str(panel.embeds)


class Clock:
    """Lets time pass when the test says so."""

    def __init__(self) -> None:
        """Stand still."""
        self.asked: list[float] = []
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        self.asked.append(seconds)
        await self.over.wait()


@pytest.fixture
def clock(band: Band) -> Clock:
    """The clock of the bot's patience."""
    made = Clock()
    band.jukebox.sleep = made.sleep
    return made


async def test_the_bot_leaves_when_it_is_alone(band: Band, clock: Clock) -> None:
    """After the guild's delay without anybody it leaves, says so, and keeps queue and position."""
    await band.stage.bot.guild_configs.save(band.stage.town.guild.id, auto_disconnect_delay=7)
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    clock.asked.clear()
    band.alice.leave_voice(band.lounge)
    await band.stage.discord.settled()
    await band.heard.until(lambda _: clock.asked == [7])
    clock.over.set()
    await band.alice.expect(band.text, lambda message: message.content.startswith("Everybody was gone"))
    await band.until(lambda: band.where() is None)
    assert band.player.queue.current.title == "long"


async def test_somebody_who_comes_back_in_time_keeps_it(band: Band, clock: Clock) -> None:
    """The wait ends when somebody comes, and begins anew when they go."""
    await band.use(band.alice, "play", query="long")
    session = band.jukebox.known(band.stage.town.guild.id)
    for _ in range(2):
        band.alice.leave_voice(band.lounge)
        await band.stage.discord.settled()
        assert session.waiting is not None
        band.alice.join_voice(band.lounge)
        await band.stage.discord.settled()
        assert session.waiting is None
    assert band.where() == band.lounge.id


async def test_an_idle_bot_leaves(band: Band, clock: Clock) -> None:
    """With nothing to play it leaves after the same delay, although people are there."""
    await band.use(band.alice, "play", query="long")
    clock.asked.clear()
    await band.use(band.alice, "stop")
    clock.over.set()
    await band.alice.expect(band.text, lambda message: message.content.startswith("Nothing was played"))
    await band.until(lambda: band.where() is None)


async def test_a_bot_that_stays_for_ever_stays(band: Band, clock: Clock) -> None:
    """Where the guild wants it to stay, it neither waits nor leaves."""
    await band.stage.bot.guild_configs.save(band.stage.town.guild.id, mode_247=True)
    await band.use(band.alice, "play", query="long")
    session = band.jukebox.known(band.stage.town.guild.id)
    band.alice.leave_voice(band.lounge)
    await band.stage.discord.settled()
    await band.sent(2)
    assert clock.asked == []
    assert session.waiting is None
    assert band.where() == band.lounge.id


async def test_a_bot_that_is_thrown_out_stays_out(band: Band) -> None:
    """Disconnected by a moderator, it keeps queue and position, does not come back by itself, and `/resume` goes on."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    band.bob.disconnect_from_voice(band.bot_user, band.lounge)
    await band.until(lambda: band.player.voice_channel_id is None)
    await band.stage.discord.settled()
    await band.until(lambda: band.player.voice is None)
    assert band.player.queue.current.title == "long"
    assert await band.use(band.alice, "resume") == "Playing again."
    await band.sent(5)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="discord.py 2.7 gives up its voice here")
async def test_a_bot_that_is_moved_plays_on(band: Band) -> None:
    """Moved to another channel it plays there, and those who listen there direct it."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    studio = band.stage.channels["Studio"]
    band.bob.move_to_voice(band.bot_user, studio)
    await band.until(lambda: band.player.voice_channel_id == studio.id)
    await band.sent(20)
    answer = await band.use(band.alice, "pause")
    assert answer == f"I am playing in <#{studio.id}>. Join me there."
    band.carol.join_voice(studio)
    assert await band.use(band.carol, "pause") == "Paused."


def attach(band: Band, person: Any, channel: Any, name: str, data: bytes) -> Message:
    """Have somebody write a message with a file."""
    draft = Draft(files={0: Upload(name, "audio/wav", data)}, attachments=[{"id": "0", "filename": name}])
    return messages.send(band.stage.discord.world, channel, person.user, draft)


def sound_of(settings: Settings) -> bytes:
    """Return a tone of a second."""
    return (settings.media / "first.wav").read_bytes()


async def test_an_attachment_is_played(band: Band, settings: Settings) -> None:
    """`/playfile` fetches the attachment from the local Discord's CDN, plays it, and keeps it no longer than needed."""
    file = Upload("my_song.wav", "audio/wav", sound_of(settings))
    answer = await band.use(band.alice, "playfile", file=file)
    assert answer == "Now playing: **my song**"
    await band.sent(5)
    kept = settings.data / "uploads" / band.player.queue.current.location
    assert kept.exists()
    await band.use(band.alice, "stop")
    await band.stage.discord.settled()
    assert not kept.exists()


async def test_a_link_to_an_attachment_is_played(band: Band, settings: Settings) -> None:
    """A link to what was attached in the server is fetched through the bot's session; any other local link is not."""
    said = attach(band, band.carol, band.stage.channels["general"], "song.wav", sound_of(settings))
    await band.stage.discord.settled()
    url = str(said.attachments[0]["url"])
    assert await band.use(band.alice, "play", query=url) == "Now playing: **song**"
    await band.sent(5)
    other = url.replace("song.wav", "other.wav")
    assert (await band.use(band.alice, "play", query=other)).startswith("That cannot be played: that address is refu")


@pytest.fixture
def hidden(discord: LocalDiscord) -> Channel:
    """A channel that nobody without a role for it sees."""
    guild = discord.town.guild
    channel = discord.world.add_channel(guild, "hidden")
    channel.overwrites.append(Overwrite(guild.id, 0, Permissions(0), Permissions.VIEW_CHANNEL))
    return channel


async def test_a_link_out_of_a_hidden_channel_is_not_played(hidden: Channel, band: Band, settings: Settings) -> None:
    """Who cannot read the channel does not get what was attached there."""
    said = attach(band, band.alice, hidden, "song.wav", sound_of(settings))
    await band.stage.discord.settled()
    band.carol.join_voice(band.lounge)
    url = said.attachments[0]["url"]
    assert (await band.use(band.carol, "play", query=url)).startswith("I found nothing for ")
    assert await band.use(band.alice, "play", query=url) == "Now playing: **song**"


@pytest.mark.parametrize(("name", "data"), [("notes.txt", b"words"), ("song.mp3", b"no sound at all")])
async def test_an_attachment_without_sound_is_told(band: Band, name: str, data: bytes) -> None:
    """What is no media file by name, and what is none in truth, is refused by its name."""
    answer = await band.use(band.alice, "playfile", file=Upload(name, "text/plain", data))
    assert answer == f"{name} holds no sound that I can play."
    assert band.where() is None


def begins(words: str, message: Message) -> bool:
    """Tell whether a message begins with words."""
    return message.content.startswith(words)


async def test_tracks_that_fail_are_told_and_three_stop(band: Band, settings: Settings) -> None:
    """Each track that is gone is named in the channel; after three in a row the bot stands still and says so."""
    await band.use(band.alice, "play", query="long")
    await band.fill(band.alice, "a", "b", "c", file="gone.wav")
    await band.fill(band.alice, "d")
    await band.use(band.alice, "skip")
    for title in ("a", "b", "c"):
        await band.alice.expect(band.text, partial(begins, f"{title} is left out: The file of "))
    await band.alice.expect(band.text, lambda message: message.content.startswith("Three tracks in a row"))
    assert band.player.is_paused
    assert band.player.queue.current.title == "d"
    await band.use(band.alice, "resume")
    await band.sent(5)


async def test_what_a_person_asked_for_is_handed_out_and_forgotten(band: Band) -> None:
    """The tracks of a person are part of their data, and forgetting takes them out of the running queue."""
    await band.use(band.alice, "play", query="long")
    await band.fill(band.carol, "hers")
    await band.fill(band.alice, "his")
    exported = await band.stage.bot.privacy.export(band.alice.user.id)
    assert [track["title"] for track in exported["music"]] == ["long", "his"]
    forgotten = await band.stage.bot.privacy.forget(band.alice.user.id)
    assert forgotten.entries == 2
    assert band.player.queue.current.title == "hers"
    assert "music" not in await band.stage.bot.privacy.export(band.alice.user.id)
    await band.stage.bot.privacy.forget(band.carol.user.id)
    assert band.player.queue.tracks == ()


async def test_the_files_of_a_person_are_forgotten_too(band: Band, settings: Settings) -> None:
    """What a person attached is deleted also in a server where nothing is played at the moment."""
    store, track, queue = (band.module(name) for name in ("store", "track", "track_queue"))
    mine = track.Track(track.Kind.UPLOAD, "7.wav", "mine", band.alice.user.id)
    await band.jukebox.store.save(store.Snapshot(99, queue.TrackQueue(mine)))
    kept = settings.data / "uploads" / "7.wav"
    await asyncio.to_thread(kept.parent.mkdir)
    await asyncio.to_thread(shutil.copy, settings.media / "first.wav", kept)
    assert (await band.stage.bot.privacy.forget(band.alice.user.id)).entries == 1
    assert not await asyncio.to_thread(kept.exists)


async def test_a_guild_that_is_left_is_forgotten(band: Band) -> None:
    """Nothing of a guild is kept when the bot is no member any more."""
    await band.use(band.alice, "play", query="long")
    await band.sent(2)
    await band.jukebox.forget_guild(band.stage.town.guild.id)
    assert band.jukebox.sessions == []
    assert await band.jukebox.store.load_all() == []
    band.stage.bot.dispatch("guild_remove", band.stage.bot.get_guild(band.stage.town.guild.id))
    await band.stage.discord.settled()
    assert await band.jukebox.store.load_all() == []


async def test_nothing_is_left_running_at_the_end(band: Band) -> None:
    """When the bot is closed in the middle of a track, it has left the channel and ffmpeg has ended."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    players = [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]
    assert len(players) == 1
    await band.stage.bot.close()
    assert not players[0].is_running()
    await band.until(lambda: band.where() is None)


async def test_the_area_can_be_loaded_again(band: Band) -> None:
    """Reloading saves and leaves, and the new area comes back and plays on."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    await band.stage.bot.reload_extension("reference.cogs.music")
    await band.sent(10)
    assert band.player.queue.current.title == "long"
    assert await band.use(band.alice, "pause") == "Paused."


async def test_a_broken_voice_connection_is_taken_up(band: Band) -> None:
    """When the connection to the voice server breaks it is made anew, and the track goes on where it was."""
    await band.use(band.alice, "play", query="long")
    await band.sent(10)
    before = band.player.position
    assert band.stage.discord.voice.break_connection(band.stage.town.guild.id, band.bot_user.id)
    await band.sent(20)
    assert before < band.player.position < before + 5
    assert len(band.player.queue.history) == 0


async def test_the_volume_of_the_settings_holds_for_the_next_track(band: Band) -> None:
    """What was changed elsewhere is taken over when a track begins."""
    await band.use(band.alice, "play", query="long")
    await band.sent(2)
    await band.stage.bot.guild_configs.save(band.stage.town.guild.id, music_volume=0.1)
    await band.use(band.alice, "seek", position="0:10")
    await band.until(lambda: band.player.volume == 0.1)
    await band.sent(2)


@pytest.fixture
def platform(discord: LocalDiscord) -> Channel:
    """A stage channel, there before the bot comes."""
    return discord.world.add_channel(discord.town.guild, "Platform", ChannelType.STAGE)


async def test_music_that_cannot_be_taken_up_waits(
    band: Band, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """If ffmpeg is gone after a restart, the bot stays away and the operator can read why; nothing is lost."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    monkeypatch.setenv("PATH", str(tmp_path))
    with caplog.at_level("WARNING"):
        async with restarted(band, settings) as again:
            answer = await again.use(again.alice, "resume")
            assert answer.startswith("Music is not available at the moment")
            assert again.player.queue.current.title == "long"
    assert "music is not taken up again" in caplog.text


async def test_two_at_once_share_a_session(band: Band) -> None:
    """The first two commands of a server, given at once, make one queue and one connection."""
    band.carol.join_voice(band.lounge)
    answers = await asyncio.gather(
        band.use(band.alice, "play", query="long"), band.use(band.carol, "play", query="first")
    )
    assert sorted(answer[:5] for answer in answers) == ["Added", "Now p"]
    await band.sent(5)
    assert len(band.jukebox.sessions) == 1
    assert len(band.titles()) == 1


async def test_previous_comes_back_into_the_channel(band: Band) -> None:
    """After the bot has left, `/previous` brings it back with the track before."""
    await band.use(band.alice, "play", query="long")
    await band.use(band.alice, "skip")
    await band.use(band.alice, "leave")
    assert await band.use(band.alice, "previous") == "Now playing: **long**"
    await band.sent(5)


async def test_another_text_channel_takes_over(band: Band) -> None:
    """What is played is told where the music was last asked for, and the message before goes."""
    await band.use(band.alice, "play", query="long")
    old = await band.panel()
    general = band.stage.channels["general"]
    await band.alice.reply(band.alice.slash(general, "play", query="first"))
    await band.alice.expect(general, lambda message: bool(message.components))
    await band.until(lambda: old.id not in band.text.messages)


async def test_a_message_that_somebody_deleted_is_sent_again(band: Band) -> None:
    """If what tells the music is deleted, the next change brings it back."""
    await band.use(band.alice, "play", query="long")
    old = await band.panel()
    del band.text.messages[old.id]
    await band.use(band.alice, "pause")
    again = await band.panel(lambda text: "Paused" in text)
    assert again.id != old.id


async def test_a_message_that_fails_stops_no_music(band: Band, caplog: pytest.LogCaptureFixture) -> None:
    """If what is played cannot be shown that is logged; the music goes on, and the next change is shown."""
    await band.use(band.alice, "play", query="long")
    await band.panel()
    path = f"/channels/{band.text.id}/messages/*"
    fault = band.stage.discord.faults.server_error(path, 503, method="PATCH")
    with caplog.at_level("WARNING"):
        await band.use(band.alice, "pause")
        await band.until(lambda: fault.met)
        await band.use(band.alice, "resume")
        await band.sent(5)
        await band.use(band.alice, "pause")
    await band.panel(lambda text: "Paused" in text)
    assert "what is played cannot be shown" in caplog.text


async def test_music_on_a_stage(platform: Channel, band: Band) -> None:
    """The bot comes to a stage channel like to any other, and takes the word where it may."""
    band.alice.join_voice(platform)
    await band.stage.discord.settled()
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    assert band.where() == platform.id


async def test_a_bot_that_ends_in_order_leaves_first(band: Band, settings: Settings) -> None:
    """At the end of the bot the sound ends, its place is saved, and the channel is left before all closes."""
    await band.use(band.alice, "play", query="long")
    await band.sent(10)
    band.stage.bot.ending.begin("a test", restart=True)
    await band.until(lambda: band.where() is None)
    await band.until(lambda: not band.stage.discord.connections)
    async with restarted(band, settings) as again:
        await again.sent(5)
        assert again.player.position > 0.2


async def test_the_position_is_shown_as_it_goes(
    band: Band, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message that tells what is played moves the position on by itself."""
    monkeypatch.setattr(band.module("panel"), "STEP_SECONDS", 0.5)
    monkeypatch.setattr(band.jukebox, "_settings", band.jukebox._settings.model_copy(update={"save_seconds": 0.1}))
    await band.use(band.alice, "play", query="long")
    await band.panel(lambda text: "0:01 / 1:00" in text)


async def at_once(*_: Any, **__: Any) -> None:
    """Identify without the pause that Discord asks of bots."""


async def test_a_new_session_with_discord_does_not_end_the_music(band: Band, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the gateway makes the bot identify anew, it is back in the channel and plays on."""
    monkeypatch.setattr(band.stage.bot, "before_identify_hook", at_once)
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    assert band.stage.discord.faults.invalidate(band.bot_user) == 1
    await band.sent(30)
    assert band.player.queue.current.title == "long"
