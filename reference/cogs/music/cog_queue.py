"""The commands for the queue: what waits, in which order, and what happens at the end of a track."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_command
from reference.refusals import Refused

from .access import require_direction
from .cog_base import Ctx, MusicCog, guild_of, member_of
from .render import label, page_count, queue_page
from .track_queue import Loop
from .views import page_buttons

if TYPE_CHECKING:
    from reference.bot import Bot

    from .jukebox import Jukebox
    from .session import Session
    from .track import Track

__all__ = ["QueueCommands"]


class QueueCommands(MusicCog):
    """What is done to the queue.

    Args:
        bot: the bot.
        jukebox: the music of all guilds.
    """

    def __init__(self, bot: Bot, jukebox: Jukebox) -> None:
        super().__init__(bot, jukebox)
        self._rng = random.SystemRandom()

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(page="The page, from 1")
    async def queue(self, ctx: Ctx, page: commands.Range[int, 1, 1000] = 1) -> None:
        """Show what is played and what waits."""
        session = await self.jukebox.session(guild_of(ctx))
        await ctx.send(**await self._page(session, page, ctx))

    async def turn_to(self, page: int, interaction: discord.Interaction) -> None:
        """Show another page of the queue in the message of a button."""
        session = await self.jukebox.session(guild_of(interaction))
        await interaction.response.edit_message(**{"view": None, **await self._page(session, page, interaction)})

    async def _page(self, session: Session, page: int, place: Ctx | discord.Interaction) -> dict[str, Any]:
        queue, pages = session.player.queue, page_count(session.player.queue)
        page = min(page, pages)
        embed, view = queue_page(queue, page, await self.bot.language(place)), page_buttons(page, pages)
        return {"embed": embed} if view is None else {"embed": embed, "view": view}

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(mode="Nothing, the same track again, or the whole queue again")
    async def loop(self, ctx: Ctx, mode: Literal["off", "track", "queue"]) -> None:
        """Choose what happens at the end of a track."""
        session = await self.directing(ctx)
        await session.player.arrange(session.player.queue.looping(Loop(mode)))
        await self.say(ctx, "music.loop_set", mode=await self.bot.text(ctx, f"music.loop_{mode}"))

    @hybrid_command()
    @commands.guild_only()
    async def shuffle(self, ctx: Ctx) -> None:
        """Mix the tracks that wait."""
        session = await self.directing(ctx)
        await self.shuffled(session)
        await self.say(ctx, "music.shuffled", count=len(session.player.queue.upcoming))

    async def shuffled(self, session: Session) -> None:
        """Mix the tracks that wait.

        Raises:
            Refused: none do.
        """
        if not session.player.queue.upcoming:
            raise Refused("music.queue_empty")
        await session.player.arrange(session.player.queue.shuffled(self._rng))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(position="Its position in the queue")
    async def remove(self, ctx: Ctx, position: int) -> None:
        """Take a track out of the queue; your own, or any if you direct the music."""
        session, channel = await self.listening(ctx)
        config = await self.bot.guild_config(guild_of(ctx).id)
        track = self._at(session, position)
        if track.requester_id != ctx.author.id:
            require_direction(member_of(ctx), channel, config)
        await session.player.arrange(session.player.queue.removed(position))
        await self.say(ctx, "music.removed", title=label(track))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(position="Where it is", target="Where it shall be")
    async def move(self, ctx: Ctx, position: int, target: int) -> None:
        """Move a track to another position of the queue."""
        session = await self.directing(ctx)
        track = self._at(session, position)
        self._at(session, target)
        await session.player.arrange(session.player.queue.moved(position, target))
        await self.say(ctx, "music.moved", title=label(track), position=target)

    def _at(self, session: Session, position: int) -> Track:
        try:
            return session.player.queue.at(position)
        except IndexError:
            raise Refused("music.no_position", position=position) from None

    @hybrid_command()
    @commands.guild_only()
    async def clear(self, ctx: Ctx) -> None:
        """Take all tracks out of the queue; the one that is played goes on."""
        session = await self.directing(ctx)
        count = len(session.player.queue.upcoming)
        await session.player.arrange(session.player.queue.cleared())
        await self.say(ctx, "music.cleared", count=count)

    @hybrid_command()
    @commands.guild_only()
    async def stop(self, ctx: Ctx) -> None:
        """Stop the music and empty the queue."""
        session = await self.directing(ctx)
        await session.player.go(session.player.queue.stopped())
        await self.say(ctx, "music.stopped")

    @hybrid_command()
    @commands.guild_only()
    async def leave(self, ctx: Ctx) -> None:
        """Leave the voice channel; the queue is kept."""
        session = await self.directing(ctx)
        if session.channel is None:
            raise Refused("music.not_playing")
        await self.jukebox.leave(session)
        await self.say(ctx, "music.left", count=len(session.player.queue.upcoming))
