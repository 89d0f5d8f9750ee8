"""The player of a guild: one task that brings what is heard in line with what was decided.

Commands only decide: they change the queue, the position or the pause, save it, and wake the task. What is to be heard
has a number; when it changes, the task ends the track that it plays, ffmpeg included, and opens the next one.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from .errors import MusicError
from .sound import Sound, workers
from .store import Snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference.utils.media.ytdl_player import YTDLSource

    from .neighbours import Listener, Voice
    from .track import Track
    from .track_queue import TrackQueue

__all__ = ["MOST_FAILURES", "Player"]

logger = logging.getLogger(__name__)

MOST_FAILURES = 3
"""Tracks in a row that may fail before the player stands still."""

TICK_FRAMES = 250
"""Frames after which the position is saved: five seconds."""

STOP_SECONDS = 5.0
"""How long ending a track may take."""

RECONNECT_SECONDS = 30.0
"""How long a lost connection of a voice channel is waited for."""

LOOK_SECONDS = 0.2
"""How often it is looked at meanwhile: discord.py tells nobody when it is back."""

MOST_BREAKS = 3
"""Times in a row that a track is taken up where it broke off."""

STEADY_FRAMES = 50
"""Frames without a break that end such a row: a second."""


class _Ending:
    """How a sound ended; set in the event loop."""

    def __init__(self) -> None:
        self.is_over = False
        self.error: Exception | None = None


class Player:
    """Plays the queue of a guild.

    Args:
        saved: where it was when it was saved.
        open_track: opens the sound of a track at a position in seconds and a volume.
        save: keeps a snapshot.
        save_position: keeps the position alone, in seconds.
        listener: is told what happens.
        volume: 1.0 is as recorded.
        tick_frames: frames after which the position is saved.
    """

    def __init__(
        self,
        saved: Snapshot,
        *,
        open_track: Callable[[Track, float, float], Awaitable[YTDLSource]],
        save: Callable[[Snapshot], Awaitable[None]],
        save_position: Callable[[int, float], Awaitable[None]],
        listener: Listener,
        volume: float = 0.5,
        tick_frames: int = TICK_FRAMES,
    ) -> None:
        self.guild_id = saved.guild_id
        self.queue = saved.queue
        self.is_paused = saved.is_paused
        self.voice_channel_id = saved.voice_channel_id
        self.text_channel_id = saved.text_channel_id
        self.message_id = saved.message_id
        self._start = saved.position
        self._open_track = open_track
        self._save = save
        self._save_position = save_position
        self._listener = listener
        self._volume = volume
        self._tick_frames = tick_frames
        self._voice: Voice | None = None
        self._sound: Sound | None = None
        self._number = 0
        self._playing = -1
        self._failures = 0
        self._breaks = 0
        self._wake = asyncio.Event()
        self._opening: asyncio.Future[YTDLSource] | None = None
        self._task: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._cleaning: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = "paused" if self.is_paused else "playing" if self.is_playing else "idle"
        return f"<Player {self.guild_id} {state} at {self.position:.1f} s, {len(self.queue.upcoming)} waiting>"

    # What it is

    @property
    def position(self) -> float:
        """Seconds of the current track that were sent."""
        sound = self._sound
        return sound.position if sound is not None and self._playing == self._number else self._start

    @property
    def is_playing(self) -> bool:
        """Whether sound is being sent."""
        return self._sound is not None and self._playing == self._number and not self.is_paused

    @property
    def sound(self) -> Sound | None:
        """What is being sent or held."""
        return self._sound

    @property
    def voice(self) -> Voice | None:
        """Where it is sent."""
        return self._voice

    @property
    def volume(self) -> float:
        """How loud it is; 1.0 is as recorded."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = value
        if self._sound is not None:
            self._sound.volume = value
        self._listener.changed(self)

    def snapshot(self) -> Snapshot:
        """Return what is saved."""
        return Snapshot(
            self.guild_id,
            self.queue,
            self.position if self.queue.current else 0.0,
            self.is_paused,
            self.voice_channel_id,
            self.text_channel_id,
            self.message_id,
        )

    # Decisions

    async def arrange(self, queue: TrackQueue) -> None:
        """Change the queue; the current track goes on if it stays the current one."""
        begins = self.queue.current is None and queue.current is not None
        ends = queue.current is None and self.queue.current is not None
        self.queue = queue
        if begins or ends:
            self.is_paused = False
            self._begin_at(0.0)
        await self.save()

    async def go(self, queue: TrackQueue) -> None:
        """Change the queue and play its current track from the beginning, whatever was played and paused."""
        self.queue = queue
        self.is_paused = False
        self._begin_at(0.0)
        await self.save()

    async def seek(self, position: float) -> None:
        """Play on from a position in seconds."""
        self._begin_at(position)
        await self.save()

    async def pause(self) -> None:
        """Send nothing until `resume`."""
        self.is_paused = True
        if self._voice is not None and self._sound is not None:
            self._voice.pause()
        await self.save()

    async def resume(self) -> None:
        """Go on where it was."""
        self.is_paused = False
        self._failures = 0
        if self._voice is not None and self._sound is not None:
            self._voice.resume()
        self._wake.set()
        await self.save()

    async def attach(self, voice: Voice, channel_id: int) -> None:
        """Play into a voice channel from now on."""
        if voice is not self._voice:
            self._begin_at(self.position)
            self._voice = voice
        self.voice_channel_id = channel_id
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"music in guild {self.guild_id}")
        await self.save()

    async def detach(self) -> None:
        """Play nowhere; the queue and the position stay."""
        self._begin_at(self.position)
        self._voice = None
        self.voice_channel_id = None
        await self.save()

    async def _lose(self, position: float) -> None:
        """The connection is gone: play nowhere, but keep the channel, which a restart would come back to."""
        self._begin_at(position)
        self._voice = None
        await self._keep()

    async def _keep(self) -> None:
        """Save for nobody who waits: what cannot be saved is reported, and the music goes on."""
        try:
            await self.save()
        except Exception:
            logger.exception("The queue of guild %d could not be saved", self.guild_id)

    async def save(self) -> None:
        """Keep the state, and tell about it."""
        self._listener.changed(self)
        await self._save(self.snapshot())

    async def close(self) -> None:
        """End everything; what was saved last, with the position of now, is what a restart goes on from."""
        snapshot = self.snapshot()
        self._begin_at(self.position)
        self._voice = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        if last := [task for task in (self._saving, self._cleaning) if task is not None]:
            await asyncio.wait(last)
        await self._save(snapshot)

    def _begin_at(self, position: float) -> None:
        """Have the current track opened anew at a position."""
        self._start = position
        self._number += 1
        if self._opening is not None:
            self._opening.cancel()
        self._wake.set()

    # The task

    async def _run(self) -> None:
        while True:
            if self.queue.current is None or self.is_paused or self._voice is None:
                await self._news()
                continue
            track = self.queue.current
            try:
                await self._play(track, self._voice, self._number)
            except Exception:
                logger.exception("The player of guild %d stumbles", self.guild_id)
                await self._skip_failed(self._number, MusicError("music.failed", title=track.title))

    async def _play(self, track: Track, voice: Voice, number: int) -> None:
        start = self._start
        try:
            sound = await self._opened(track, start)
        except MusicError as error:
            await self._skip_failed(number, error)
            return
        if sound is None:
            return
        ending = _Ending()
        try:
            is_connected = await self._has_connection(voice, number)
            if number != self._number or self.is_paused:
                return
            if not is_connected:
                await self._lose(start)
                return
            voice.play(sound, after=self._after(ending))
            self._sound, self._playing = sound, number
            self._listener.changed(self)
            await self._heard(voice, number, ending)
        finally:
            await self._ended(voice, sound, ending)
        if number == self._number and ending.is_over:
            await self._over(track, voice, sound, ending.error)

    async def _opened(self, track: Track, start: float) -> Sound | None:
        """Open the sound of a track; None if something else was decided meanwhile."""
        opening = self._opening = asyncio.ensure_future(self._open_track(track, start, self._volume))
        try:
            await asyncio.wait({opening})
        finally:
            opening.cancel()
            self._opening = None
        if opening.cancelled():
            return None
        loop = asyncio.get_running_loop()
        tick = partial(loop.call_soon_threadsafe, self._tick)
        return Sound(opening.result(), start=start, every=self._tick_frames, tick=tick)

    async def _has_connection(self, voice: Voice, number: int) -> bool:
        """Tell whether sound can be sent, now or soon; it is given up when something else is decided."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RECONNECT_SECONDS):
                while not voice.is_connected() and number == self._number:
                    await self._news(LOOK_SECONDS)
        return voice.is_connected()

    async def _news(self, seconds: float | None = None) -> None:
        """Wait until something is decided or over, for some seconds at most."""
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _after(self, ending: _Ending) -> Callable[[Exception | None], object]:
        loop = asyncio.get_running_loop()

        def settle(error: Exception | None) -> None:
            ending.is_over, ending.error = True, error
            self._wake.set()

        def after(error: Exception | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, error)

        return after

    async def _heard(self, voice: Voice, number: int, ending: _Ending) -> None:
        """Wait until the sound is over, or something else is to be heard."""
        while not ending.is_over and number == self._number and self._voice is voice:
            await self._news()

    async def _ended(self, voice: Voice, sound: Sound, ending: _Ending) -> None:
        """End the sound if it is not over, and ffmpeg for certain, also when this is cancelled."""
        try:
            if self._sound is sound and not ending.is_over:
                voice.stop()
                await self._until_over(voice, ending)
        finally:
            self._sound = None
            self._wake.set()
            self._cleaning = asyncio.create_task(workers.run(sound.cleanup, deadline=STOP_SECONDS))
        await asyncio.shield(self._cleaning)
        self._listener.changed(self)

    async def _until_over(self, voice: Voice, ending: _Ending) -> None:
        """Wait for discord.py's thread; without a connection it waits for that, and ends by itself some time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while not ending.is_over and voice.is_connected():
                    await self._news(LOOK_SECONDS)

    async def _over(self, track: Track, voice: Voice, sound: Sound, error: Exception | None) -> None:
        """Go on to what follows a sound that is over; take it up again where the connection broke it off."""
        is_broken = error is not None or not voice.is_connected()
        if is_broken and self._may_go_on(sound):
            logger.info("A track broke off in guild %d and is taken up: %s", self.guild_id, error or "no connection")
            self._begin_at(sound.position)
        elif is_broken or sound.position == 0.0:
            logger.warning("A track broke off in guild %d: %s", self.guild_id, error or "ffmpeg gave no sound")
            await self._skip_failed(self._number, MusicError("music.failed", title=track.title))
        else:
            self._failures = self._breaks = 0
            self.queue = self.queue.finished()
            self._begin_at(0.0)
            await self._keep()

    def _may_go_on(self, sound: Sound) -> bool:
        """Tell whether a track that broke off is taken up again: not for ever without getting further."""
        self._breaks = 0 if sound.frames >= STEADY_FRAMES else self._breaks + 1
        return self._breaks <= MOST_BREAKS

    async def _skip_failed(self, number: int, error: MusicError) -> None:
        """Leave a track out that cannot be played; stand still after several in a row."""
        track = self.queue.current
        if number != self._number or track is None:
            return
        self._failures += 1
        self.queue = self.queue.dropped()
        self._begin_at(0.0)
        self._listener.failed(self, track, error)
        if self._failures >= MOST_FAILURES:
            self._failures = 0
            self.is_paused = self.queue.current is not None
            self._listener.gave_up(self)
        await self._keep()

    def _tick(self) -> None:
        """Tell and save the position; one save at a time."""
        self._listener.progressed(self)
        if (self._saving is None or self._saving.done()) and self.queue.current is not None:
            self._saving = asyncio.create_task(self._save_tick())

    async def _save_tick(self) -> None:
        try:
            await self._save_position(self.guild_id, self.position)
        except Exception:
            logger.exception("The position of the track in guild %d could not be saved", self.guild_id)
