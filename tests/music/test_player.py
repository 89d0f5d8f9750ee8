"""The player: real ffmpeg, a listener that takes frames when it is told, and decisions in the middle of a track."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reference.cogs.music import player as player_module
from reference.cogs.music.library import Library
from reference.cogs.music.player import Player
from reference.cogs.music.resolver import Resolver
from reference.cogs.music.sound import open_file
from reference.cogs.music.store import Snapshot
from reference.cogs.music.track import Kind, Track
from reference.cogs.music.track_queue import Limits, Loop, TrackQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from reference.cogs.music.errors import MusicError
    from reference.utils.media.ytdl_player import YTDLSource

ROOM = Limits()
WHOLE = 50
"""Frames of a tone."""


class Log:
    """Listens to a player and keeps what it saves; `until` waits for something to be true of it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.saved: list[Snapshot] = []
        self.positions: list[float] = []
        self.failures: list[tuple[str, str]] = []
        self.given_up = 0
        self._news = asyncio.Event()

    def changed(self, _: Player) -> None:
        """Something changed."""
        self._news.set()

    def progressed(self, _: Player) -> None:
        """The track went on."""

    def failed(self, _: Player, track: Track, error: MusicError) -> None:
        """A track failed."""
        self.failures.append((track.title, error.answer.key))
        self._news.set()

    def gave_up(self, _: Player) -> None:
        """The player stands still."""
        self.given_up += 1

    async def save(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""
        self.saved.append(snapshot)
        self._news.set()

    async def save_position(self, _: int, position: float) -> None:
        """Keep a position."""
        self.positions.append(position)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true."""
        async with asyncio.timeout(20):
            while not condition():
                self._news.clear()
                await self._news.wait()


class Show:
    """A player with its log and its listener."""

    def __init__(self, player: Player, log: Log, speaker: Any) -> None:
        """Put them together."""
        self.player = player
        self.log = log
        self.speaker = speaker

    async def begins(self, title: str) -> None:
        """Wait until a track is heard."""
        await self.log.until(lambda: self.player.is_playing and self.now == title)

    @property
    def now(self) -> str | None:
        """The title of the current track."""
        return self.player.queue.current.title if self.player.queue.current else None

    async def over(self) -> None:
        """Wait until nothing is left to be played."""
        await self.log.until(lambda: self.player.queue.current is None and self.player.sound is None)


def song(name: str = "first_tone.wav", title: str = "first") -> Track:
    """Make a track of the media folder."""
    return Track(Kind.LIBRARY, name, title, 1, 1.0)


def make_player(media: Path, log: Log, saved: Snapshot | None = None, **options: Any) -> Player:
    """Make a player of the media folder."""
    nothing: Any = None
    resolver = Resolver(Library(media), nothing, nothing, searches_web=False)
    parts: dict[str, Any] = {"open_track": resolver.open, "save": log.save, "save_position": log.save_position}
    return Player(saved or Snapshot(5), **{**parts, "listener": log, "volume": 1.0, **options})


def ffmpegs() -> set[int]:
    """Return the programs that this process runs."""
    return {child.pid for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()}


@pytest.fixture
async def show(media: Path, speaker: Any) -> AsyncIterator[Show]:
    """A player that is connected and has nothing to do; afterwards it leaves no program behind."""
    log = Log()
    player = make_player(media, log)
    await player.attach(speaker, 7)
    yield Show(player, log, speaker)
    await player.close()
    assert ffmpegs() == set()


async def test_a_track_is_played_to_its_end(show: Show) -> None:
    """All its frames are sent, it goes to the history, ffmpeg ends, and each step was saved."""
    show.speaker.free()
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.over()
    assert WHOLE - 2 <= show.speaker.taken <= WHOLE + 1
    assert show.player.queue.history == (song(),)
    assert show.player.position == 0.0
    assert show.log.failures == []
    assert show.log.saved[-1] == show.player.snapshot()
    assert show.speaker.sources[0].is_closed
    assert show.speaker.sources[0].pid is None


async def test_the_position_is_that_of_the_frames_sent(show: Show) -> None:
    """The position does not move while nothing is sent, however much time passes."""
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.begins("first")
    assert show.player.position <= 0.02
    await show.speaker.take(20)
    assert show.player.position == pytest.approx(0.4, abs=0.021)
    assert "playing at 0.4 s" in repr(show.player)


async def test_a_skip_ends_the_track_and_begins_the_next(show: Show) -> None:
    """A skip in the middle ends ffmpeg; the next track begins at its beginning."""
    await show.player.arrange(show.player.queue.add([song(), song(title="second")], ROOM))
    await show.begins("first")
    await show.speaker.take(10)
    await show.player.go(show.player.queue.skipped())
    assert show.player.position == 0.0
    await show.begins("second")
    first, second = show.speaker.sources
    assert first.is_closed
    assert second.frames <= 1
    assert ffmpegs() == {second.pid}


async def test_a_pause_sends_nothing_and_a_resume_goes_on(show: Show) -> None:
    """A pause holds the same sound; it is saved as such; resuming plays the rest."""
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.begins("first")
    await show.speaker.take(10)
    await show.player.pause()
    assert show.log.saved[-1].is_paused
    assert not show.player.is_playing
    show.speaker.free()
    assert show.speaker.taken == 10
    await show.player.resume()
    await show.over()
    assert WHOLE - 2 <= show.speaker.taken <= WHOLE + 1
    assert len(show.speaker.sources) == 1


async def test_seeking_opens_the_track_at_another_place(show: Show) -> None:
    """After seeking to 0.6 s only the rest is sent; the position counts from there, and the place is saved."""
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.begins("first")
    await show.player.seek(0.6)
    assert show.player.position == 0.6
    assert show.log.saved[-1].position == 0.6
    before = show.speaker.taken
    show.speaker.free()
    await show.over()
    assert show.speaker.taken - before <= 22


async def test_seeking_while_paused_waits_for_the_resume(show: Show) -> None:
    """Nothing is opened before the player goes on, and then it is at the new place."""
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.begins("first")
    await show.player.pause()
    await show.player.seek(0.9)
    await show.log.until(lambda: show.player.sound is None)
    assert len(show.speaker.sources) == 1
    show.speaker.resume()
    show.speaker.free()
    await show.player.resume()
    await show.over()
    assert show.speaker.sources[1].position >= 0.9


async def test_seeking_beyond_the_end_ends_the_track(show: Show) -> None:
    """A place behind the end is no failure: the next track follows."""
    await show.player.arrange(show.player.queue.add([song(), song(title="second")], ROOM))
    await show.begins("first")
    await show.player.seek(50.0)
    await show.log.until(lambda: len(show.speaker.sources) == 2)
    await show.speaker.take(1)
    await show.begins("second")
    assert show.log.failures == []


async def test_the_volume_changes_what_is_sent(show: Show) -> None:
    """The volume holds at once for the sound that plays, and for those that follow."""
    await show.player.arrange(show.player.queue.add([song(), song(title="second")], ROOM))
    await show.begins("first")
    loud = max(show.speaker.sources[0].read())
    show.player.volume = 0.0
    assert not any(show.speaker.sources[0].read())
    await show.player.go(show.player.queue.skipped())
    await show.begins("second")
    assert loud
    assert show.speaker.sources[1].volume == show.player.volume == 0.0


async def test_a_looped_track_is_played_again(show: Show) -> None:
    """With a loop over the track it begins anew at its end."""
    await show.player.arrange(show.player.queue.add([song()], ROOM).looping(Loop.TRACK))
    await show.begins("first")
    await show.speaker.take(WHOLE + 20)
    assert len(show.speaker.sources) == 2
    assert show.now == "first"


async def test_a_track_that_is_gone_is_left_out(show: Show) -> None:
    """A missing file, and one that is no sound, are told and the next track is played."""
    broken = [song("missing.wav", "missing"), song("notes.txt", "text")]
    await show.player.arrange(show.player.queue.add([*broken, song()], ROOM))
    await show.speaker.take(1)
    await show.begins("first")
    assert show.log.failures == [("missing", "music.file_gone"), ("text", "music.failed")]
    assert show.log.given_up == 0


async def test_three_failures_in_a_row_stop_the_player(show: Show) -> None:
    """After the third it stands still and keeps what waits; going on plays it."""
    broken = [song("missing.wav", str(number)) for number in range(3)]
    await show.player.arrange(show.player.queue.add([*broken, song()], ROOM))
    await show.log.until(lambda: bool(show.log.given_up) and show.log.saved[-1].is_paused)
    assert [title for title, _ in show.log.failures] == ["0", "1", "2"]
    assert show.now == "first"
    assert show.speaker.sources == []
    await show.player.resume()
    await show.begins("first")


async def test_stopping_ends_everything(show: Show) -> None:
    """An empty queue ends the sound and ffmpeg."""
    await show.player.arrange(show.player.queue.add([song(), song(title="second")], ROOM))
    await show.begins("first")
    await show.player.arrange(show.player.queue.stopped())
    await show.over()
    assert ffmpegs() == set()
    assert "idle" in repr(show.player)


async def test_arranging_the_queue_leaves_the_sound_alone(show: Show) -> None:
    """Removing, moving and clearing what waits does not disturb what is heard."""
    await show.player.arrange(show.player.queue.add([song(), song(title="b"), song(title="c")], ROOM))
    await show.begins("first")
    await show.player.arrange(show.player.queue.moved(1, 2).removed(1).cleared())
    await show.speaker.take(5)
    assert len(show.speaker.sources) == 1


async def test_the_position_is_saved_by_frames(media: Path, speaker: Any) -> None:
    """Every so many frames the position is saved, and a save that fails is reported and no more."""
    log = Log()
    player = make_player(media, log, tick_frames=10)
    await player.attach(speaker, 7)
    await player.arrange(player.queue.add([song()], ROOM))
    await log.until(lambda: player.is_playing)
    await speaker.take(11)
    await log.until(lambda: len(log.positions) == 1)
    assert log.positions[0] == pytest.approx(0.2, abs=0.05)
    await player.close()
    assert log.saved[-1].position == pytest.approx(player.position, abs=0.05)


async def test_a_position_that_cannot_be_saved_disturbs_nobody(
    media: Path, speaker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The track goes on to its end although each save fails."""

    async def broken(guild_id: int, position: float) -> None:
        raise OSError("the disk is full")

    log = Log()
    player = make_player(media, log, tick_frames=10, save_position=broken)
    await player.attach(speaker, 7)
    speaker.free()
    await player.arrange(player.queue.add([song()], ROOM))
    await log.until(lambda: player.queue.current is None and player.sound is None)
    await player.close()
    assert "could not be saved" in caplog.text


async def test_a_queue_that_cannot_be_saved_is_played(
    media: Path, speaker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The people who give a command hear of it, and the next track is played all the same."""
    log = Log()
    player = make_player(media, log)
    await player.attach(speaker, 7)
    await player.arrange(player.queue.add([song(), song(title="second")], ROOM))
    await log.until(lambda: player.is_playing)

    async def broken(snapshot: Snapshot) -> None:
        raise OSError("the disk is full")

    player._save = broken
    with pytest.raises(OSError, match="disk is full"):
        await player.pause()
    with pytest.raises(OSError, match="disk is full"):
        await player.resume()
    speaker.free()
    await log.until(lambda: player.queue.current is None and player.sound is None)
    player._save = log.save
    await player.close()
    assert "could not be saved" in caplog.text
    assert [track.title for track in player.queue.history] == ["first", "second"]


async def test_a_restart_goes_on_where_it_was(media: Path, speaker: Any) -> None:
    """A player made of what another one saved plays the same track from the same place."""
    log = Log()
    player = make_player(media, log)
    await player.attach(speaker, 7)
    await player.arrange(player.queue.add([song(), song(title="second")], ROOM))
    await log.until(lambda: player.is_playing)
    await speaker.take(25)
    await player.close()
    saved = log.saved[-1]
    assert saved.position == pytest.approx(0.5, abs=0.03)
    assert saved.voice_channel_id == 7
    again = make_player(media, log, saved)
    assert again.position == saved.position
    await again.attach(speaker, 7)
    await log.until(lambda: again.is_playing)
    await speaker.take(5)
    assert again.position == pytest.approx(0.6, abs=0.05)
    await again.close()
    assert ffmpegs() == set()


async def test_a_lost_connection_keeps_queue_and_position(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is gone for good is no end of the track: the player waits for another one and goes on there."""
    monkeypatch.setattr(player_module, "RECONNECT_SECONDS", 0.0)
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.begins("first")
    await show.speaker.take(10)
    show.speaker.connected = False
    show.speaker.stop()
    await show.log.until(lambda: show.player.voice is None and show.player.sound is None)
    assert show.player.position == pytest.approx(0.2, abs=0.03)
    assert show.log.saved[-1].voice_channel_id == 7
    show.speaker.connected = True
    await show.player.attach(show.speaker, 8)
    await show.begins("first")
    assert show.player.position >= 0.2
    assert show.player.queue.current == song()


async def test_a_connection_that_comes_back_is_waited_for(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """A track that broke off goes on where it was as soon as the connection is back, and nobody is told."""
    monkeypatch.setattr(player_module, "LOOK_SECONDS", 0.001)
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.begins("first")
    await show.speaker.take(10)
    show.speaker.connected = False
    show.speaker.stop()
    await show.log.until(lambda: show.player.sound is None)
    show.speaker.connected = True
    await show.begins("first")
    assert show.player.position == pytest.approx(0.2, abs=0.03)
    assert show.log.failures == []


async def test_a_decision_ends_the_wait_for_a_connection(show: Show) -> None:
    """Whoever stops the music while the connection is away does not wait for it."""
    show.speaker.connected = False
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.player.arrange(show.player.queue.stopped())
    await show.over()
    assert show.speaker.sources == []


@pytest.mark.parametrize(("breaks", "heard"), [(3, "first"), (4, "second")])
async def test_a_track_that_keeps_breaking_is_left_out(show: Show, breaks: int, heard: str) -> None:
    """An error in the thread that sends is met by going on; without getting further, not for ever."""
    show.speaker.breaks = breaks
    await show.player.arrange(show.player.queue.add([song(), song(title="second")], ROOM))
    await show.log.until(lambda: len(show.speaker.sources) == breaks + 1)
    await show.begins(heard)
    assert show.log.failures == ([] if heard == "first" else [("first", "music.failed")])


class Gate:
    """Opens tracks when it is told to."""

    def __init__(self, media: Path) -> None:
        """Be shut."""
        self.media = media
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.cancelled = 0

    async def open_track(self, track: Track, start: float, volume: float) -> YTDLSource:
        """Wait for the gate, then open the file."""
        self.asked.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return open_file(self.media / track.location, start=start, volume=volume)


async def test_a_skip_does_not_wait_for_a_track_that_hangs(media: Path, speaker: Any) -> None:
    """A track that is being opened when it is skipped is given up at once."""
    log, gate = Log(), Gate(media)
    player = make_player(media, log, open_track=gate.open_track)
    await player.attach(speaker, 7)
    await player.arrange(player.queue.add([song(), song(title="second")], ROOM))
    await gate.asked.wait()
    gate.open.set()
    gate.open = asyncio.Event()
    await player.close()
    assert gate.cancelled <= 1
    assert ffmpegs() == set()


async def test_closing_while_a_track_is_opened(media: Path, speaker: Any) -> None:
    """Closing gives up what is being opened, and saves the queue as it was."""
    log, gate = Log(), Gate(media)
    player = make_player(media, log, open_track=gate.open_track)
    await player.attach(speaker, 7)
    await player.arrange(player.queue.add([song()], ROOM))
    await gate.asked.wait()
    await player.close()
    assert gate.cancelled == 1
    assert log.saved[-1].queue.current == song()
    assert speaker.sources == []


async def test_a_player_that_stumbles_goes_on(media: Path, speaker: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An error of our own in one track is logged and told, and the next one is played."""
    real = make_player(media, Log())._open_track

    async def broken(track: Track, start: float, volume: float) -> YTDLSource:
        if track.title == "first":
            raise ZeroDivisionError
        return await real(track, start, volume)

    log = Log()
    player = make_player(media, log, open_track=broken)
    await player.attach(speaker, 7)
    await player.arrange(player.queue.add([song(), song(title="second")], ROOM))
    await log.until(lambda: player.is_playing)
    assert log.failures == [("first", "music.failed")]
    assert "stumbles" in caplog.text
    await player.close()


async def test_detaching_keeps_the_place(show: Show) -> None:
    """Leaving the channel ends the sound and keeps queue and position."""
    await show.player.arrange(show.player.queue.add([song()], ROOM))
    await show.begins("first")
    await show.speaker.take(10)
    await show.player.detach()
    assert show.log.saved[-1].voice_channel_id is None
    assert show.log.saved[-1].position == pytest.approx(0.2, abs=0.03)
    await show.log.until(lambda: show.player.sound is None)
    assert TrackQueue(song()) == show.player.queue
