"""What the commands of the music share: who may use them, on what, and how they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import discord
from discord.ext import commands

from reference.guilds import Feature
from reference.refusals import Refused

from .access import Channel, require_direction, require_listening

if TYPE_CHECKING:
    from reference.bot import Bot

    from .jukebox import Jukebox
    from .session import Session

__all__ = ["Ctx", "MusicCog", "guild_of", "member_of"]

Ctx = commands.Context["Bot"]


class MusicCog(commands.Cog):
    """Commands of the music.

    Args:
        bot: the bot.
        jukebox: the music of all guilds.
    """

    feature = Feature.MUSIC

    def __init__(self, bot: Bot, jukebox: Jukebox) -> None:
        self.bot = bot
        self.jukebox = jukebox

    async def listening(self, ctx: Ctx) -> tuple[Session, Channel]:
        """Return the session, and the voice channel of who asks, which has to be the bot's if it is in one."""
        session = await self.jukebox.session(guild_of(ctx))
        return session, require_listening(member_of(ctx), session.channel)

    async def directing(self, ctx: Ctx, *, playing: bool = False) -> Session:
        """Return the session, if who asks may direct the music."""
        session = await self.playing(ctx) if playing else await self.jukebox.session(guild_of(ctx))
        channel = require_listening(member_of(ctx), session.channel)
        require_direction(member_of(ctx), channel, await self.bot.guild_config(session.guild_id))
        return session

    async def playing(self, ctx: Ctx) -> Session:
        """Return the session, if there is something to be played.

        Raises:
            Refused: there is nothing.
        """
        session = await self.jukebox.session(guild_of(ctx))
        if session.player.queue.current is None:
            raise Refused("music.not_playing")
        return session

    async def say(self, ctx: Ctx, key: str, **values: Any) -> None:
        """Answer in the language of the place; see `Bot.text`."""
        await ctx.send(await self.bot.text(ctx, key, **values), allowed_mentions=discord.AllowedMentions.none())


def guild_of(place: Ctx | discord.Interaction) -> discord.Guild:
    """Return the guild of a command or a button, neither of which there is anywhere else."""
    return cast("discord.Guild", place.guild)


def member_of(place: Ctx | discord.Interaction) -> discord.Member:
    """Return who used a command or a button in a guild."""
    return cast("discord.Member", place.user if isinstance(place, discord.Interaction) else place.author)
