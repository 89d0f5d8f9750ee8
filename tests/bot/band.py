"""A stage with music: who listens, what the voice server hears of the bot, and the tones that it plays."""

from __future__ import annotations

import asyncio
import functools
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from reference import bot as bot_module
from reference.config import LimitSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from localdiscord.model.message import Message
    from tests.bot.conftest import Stage


@functools.cache
def tones(base: Path) -> Path:
    """Have ffmpeg make a tone of a second, one like it, and one of a minute; return their folder."""
    folder = base / "tones"
    folder.mkdir()
    for name, seconds in (("first.wav", 1), ("long.wav", 60)):
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
        subprocess.run([*command, str(folder / name)], check=True, timeout=60)
    shutil.copy(folder / "first.wav", folder / "second.wav")
    return folder


def settings_with_music(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a bot that plays music alone, and has the tones to play."""
    monkeypatch.setattr(bot_module, "AREAS", ("music",))
    shutil.copytree(tones(base), tmp_path / "data" / "music")
    return Settings(data=tmp_path / "data", limits=LimitSettings(commands=1000))


class Band:
    """The stage with what music needs: who listens, and what the voice server hears of the bot."""

    def __init__(self, stage: Stage) -> None:
        """Have Alice listen in the Lounge."""
        self.stage = stage
        self.lounge = stage.channels["Lounge"]
        self.text = stage.channels["music"]
        self.bot_user = stage.town.application.bot
        self.heard = stage.discord.voice.heard(stage.town.guild.id, self.bot_user.id)
        self.alice, self.bob, self.carol = stage.owner, stage.moderator, stage.member
        self.alice.join_voice(self.lounge)
        if stage.bot is not None:
            self._follow()

    def _follow(self) -> None:
        """Have those look again who wait, when a player changes, too."""
        jukebox = self.jukebox
        inform = jukebox.changed

        def changed(player: Any) -> None:
            inform(player)
            self.stage.discord.notify()

        jukebox.changed = changed

    async def use(self, person: Any, command: str, **options: Any) -> str:
        """Have somebody use a command; return what the bot answers."""
        message = await person.reply(person.slash(self.text, command, **options))
        return str(message.content or message.embeds[0].get("description"))

    async def until(self, look: Callable[[], Any]) -> Any:
        """Wait until something is so in the world."""
        async with asyncio.timeout(10):
            return await self.stage.discord.until(look)

    async def sent(self, more: int) -> None:
        """Wait until so many more frames of sound came."""
        target = self.sound + more
        await self.heard.until(lambda heard: heard.packets - heard.silence_frames >= target)

    @property
    def sound(self) -> int:
        """How many frames of sound came."""
        return self.heard.packets - self.heard.silence_frames

    async def paused(self, person: Any) -> int:
        """Have somebody pause, and wait for the five frames of silence that end all sound; return how much came."""
        target = self.heard.silence_frames + 5
        assert await self.use(person, "pause") == "Paused."
        await self.heard.until(lambda heard: heard.silence_frames >= target)
        return self.sound

    async def panel(self, matches: Callable[[str], bool] = lambda _: True) -> Message:
        """Return the newest message that tells what is played, when it matches."""

        def look() -> Message | None:
            shown = [each for each in reversed(self.text.messages.values()) if each.components and each.embeds]
            return next((each for each in shown if matches(str(each.embeds))), None)

        found: Message = await self.until(look)
        return found

    async def press(self, person: Any, emoji: str) -> None:
        """Have somebody press a button of the panel, and wait until the bot has taken it."""
        await person.answered(person.click(await self.panel(), emoji))

    def where(self) -> int | None:
        """Return the voice channel that the world has the bot in."""
        state = self.stage.town.guild.voice_states.get(self.bot_user.id)
        return state.channel_id if state else None

    def titles(self) -> list[str]:
        """Return the titles that wait."""
        return [track.title for track in self.player.queue.upcoming]

    def module(self, name: str) -> Any:
        """Return a module of the area as the bot has it; discord.py imports areas anew for each bot."""
        return sys.modules[f"reference.cogs.music.{name}"]

    async def fill(self, person: Any, *titles: str, file: str = "first.wav") -> None:
        """Put tracks into the queue."""
        track = self.module("track")
        made = [track.Track(track.Kind.LIBRARY, file, title, person.user.id, 1.0) for title in titles]
        session = await self.jukebox.session(self.stage.bot.get_guild(self.stage.town.guild.id))
        await session.player.arrange(session.player.queue.add(made, self.limits(200, 50)))

    def limits(self, queue: int, user: int) -> Any:
        """Make limits of a queue."""
        return self.module("track_queue").Limits(queue, user)

    async def page(self, number: int) -> str:
        """Return a page of the queue."""
        message = await self.alice.reply(self.alice.slash(self.text, "queue", page=number))
        return str(message.embeds)

    @property
    def jukebox(self) -> Any:
        """The music of the bot."""
        music: Any = self.stage.bot.get_cog("Music")
        return music.jukebox

    @property
    def player(self) -> Any:
        """The player of the guild."""
        return self.jukebox.known(self.stage.town.guild.id).player
