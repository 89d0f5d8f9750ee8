"""The music of one guild, and its connection to a voice channel."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from .access import Channel

if TYPE_CHECKING:
    from reference.bot import Bot

    from .panel import Panel
    from .player import Player

__all__ = ["Session", "hang_up", "is_there", "step_up"]

HANG_UP_SECONDS = 5.0
UNKNOWN_SECONDS = 0.5


@dataclass
class Session:
    """The music of one guild.

    Attributes:
        bot: the bot.
        guild_id: the guild.
        player: plays.
        panel: shows what is played.
        joining: held while a voice channel is joined or left.
        waiting: the task that leaves after a while in which nobody listened or nothing was played.
        uploads: the files that the queue refers to.
    """

    bot: Bot
    guild_id: int
    player: Player
    panel: Panel
    joining: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: asyncio.Task[None] | None = None
    uploads: frozenset[str] = frozenset()

    @property
    def guild(self) -> discord.Guild | None:
        """The guild as it is now; a new session with Discord brings a new object."""
        return self.bot.get_guild(self.guild_id)

    @property
    def voice(self) -> Any:
        """The connection to a voice channel, be it well or not."""
        return self.guild.voice_client if self.guild is not None else None

    @property
    def channel(self) -> Channel | None:
        """The voice channel that the bot is in."""
        voice, guild = self.voice, self.guild
        if guild is None or voice is None or not voice.is_connected() or voice.channel is None:
            return None
        channel = guild.get_channel(voice.channel.id)
        return channel if isinstance(channel, Channel) else None


async def step_up(stage: discord.StageChannel) -> None:
    """Speak on a stage, where everybody is in the audience at first; without permission the bot asks to."""
    me = stage.guild.me
    with contextlib.suppress(discord.HTTPException):
        if stage.permissions_for(me).mute_members:
            await me.edit(suppress=False)
        else:
            await me.request_to_speak()


def is_there(voice: Any, guild: discord.Guild) -> bool:
    """Tell whether a connection is well, and Discord knows of it: a new session with Discord ends the old ones."""
    return bool(voice.is_connected()) and guild.me.voice is not None


async def hang_up(voice: Any, guild: discord.Guild | None) -> None:
    """End a connection to a voice channel, if there is one.

    discord.py waits for Discord to confirm, for as long as joining may take; where Discord does not know that the bot
    is in a channel it never will.
    """
    if voice is None:
        return
    is_known = guild is not None and guild.me.voice is not None
    with contextlib.suppress(TimeoutError, discord.ClientException, OSError):
        async with asyncio.timeout(HANG_UP_SECONDS if is_known else UNKNOWN_SECONDS):
            await voice.disconnect(force=True)
