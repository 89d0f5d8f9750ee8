"""The commands and buttons for what is played: pause, position, volume, the next track and the one before."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_command
from reference.guilds import Feature
from reference.limits import check_limits, limited
from reference.refusals import Refused

from .access import require_direction, require_listening
from .cog_base import Ctx, guild_of, member_of
from .cog_queue import QueueCommands
from .markup import shown
from .render import label, now_playing
from .track import clock_text, parse_position
from .track_queue import Loop
from .views import Controls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .session import Session
    from .track import Track

__all__ = ["PlayerCommands"]

LARGEST_POSITION = 24 * 3600.0
"""Seconds; nobody seeks further."""


class PlayerCommands(QueueCommands):
    """What is done to the track that is played."""

    @hybrid_command()
    @commands.guild_only()
    async def nowplaying(self, ctx: Ctx) -> None:
        """Show what is played, with buttons."""
        session = await self.playing(ctx)
        embed = now_playing(session.player, await self.bot.language(ctx))
        sent = await ctx.send(embed=embed, view=Controls(self, session.player))
        await self.jukebox.show_in(session, sent.channel.id, sent.id)

    @hybrid_command()
    @commands.guild_only()
    async def pause(self, ctx: Ctx) -> None:
        """Pause the music."""
        session = await self.directing(ctx)
        await session.player.pause()
        await self.say(ctx, "music.paused")

    @hybrid_command()
    @commands.guild_only()
    async def resume(self, ctx: Ctx) -> None:
        """Go on with the music, also after the bot had left."""
        session = await self.directing(ctx)
        await self._resume(session, member_of(ctx))
        await self.jukebox.show_in(session, ctx.channel.id)
        await self.say(ctx, "music.resumed")

    async def _resume(self, session: Session, member: discord.Member) -> None:
        if session.player.queue.current is None:
            raise Refused("music.not_playing")
        if session.channel is None:
            await self.jukebox.join(session, require_listening(member, None))
        await session.player.resume()

    @hybrid_command()
    @commands.guild_only()
    async def skip(self, ctx: Ctx) -> None:
        """Skip the track that is played; your own, or any if you direct the music."""
        session = await self.playing(ctx)
        track = await self._skip(session, member_of(ctx))
        await self.say(ctx, "music.skipped", title=label(track))

    async def _skip(self, session: Session, member: discord.Member) -> Track:
        config = await self.bot.guild_config(session.guild_id)
        track = session.player.queue.current
        if track is None:
            raise Refused("music.not_playing")
        channel = require_listening(member, session.channel)
        if track.requester_id != member.id:
            require_direction(member, channel, config)
        await session.player.go(session.player.queue.skipped())
        return track

    @hybrid_command()
    @commands.guild_only()
    async def previous(self, ctx: Ctx) -> None:
        """Go back to the track before."""
        session = await self.directing(ctx)
        if session.channel is None and session.player.queue.history:
            await self.jukebox.join(session, require_listening(member_of(ctx), None))
        try:
            queue = session.player.queue.previous()
        except IndexError:
            raise Refused("music.no_previous") from None
        await session.player.go(queue)
        await self.say(ctx, "music.now_playing", title=label(cast("Track", queue.current)))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(position="Such as 1:30, or +15 and -15 from here")
    async def seek(self, ctx: Ctx, position: str) -> None:
        """Go to a position of the track."""
        session = await self.directing(ctx, playing=True)
        player = session.player
        track = player.queue.current
        try:
            seconds = parse_position(position, player.position)
        except ValueError:
            raise Refused("music.bad_position", text=shown(position)) from None
        longest = track.duration if track is not None and track.duration else LARGEST_POSITION
        if seconds > longest:
            raise Refused("music.beyond_end", duration=clock_text(longest))
        await player.seek(seconds)
        await self.say(ctx, "music.sought", position=clock_text(seconds))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(percent="From 0 to 200; 100 is as recorded")
    async def volume(self, ctx: Ctx, percent: commands.Range[int, 0, 200] | None = None) -> None:
        """Show or set the volume of this server."""
        if percent is not None:
            session = await self.directing(ctx)
            await self.bot.guild_configs.save(session.guild_id, music_volume=percent / 100)
            session.player.volume = percent / 100
        config = await self.bot.guild_config(guild_of(ctx).id)
        await self.say(ctx, "music.volume", percent=round(config.music_volume * 100))

    # Buttons

    @limited(20, per=20)
    async def press(self, name: str, interaction: discord.Interaction) -> None:
        """Do what a button below the music stands for.

        Raises:
            Refused: it cannot be done now, or not by this person.
        """
        member, guild = member_of(interaction), guild_of(interaction)
        where = {"channel_id": interaction.channel_id, "guild_id": guild.id}
        await check_limits(self.bot.limiter, "music buttons", self.press, user_id=member.id, **where)
        session = await self.jukebox.session(guild)
        config = await self.bot.require(session.guild_id, Feature.MUSIC)
        channel = require_listening(member, session.channel)
        if session.player.queue.current is None:
            raise Refused("music.not_playing")
        with contextlib.suppress(discord.NotFound):  # the message was replaced meanwhile; the wish stands
            await interaction.response.defer()
        if name == "skip":
            await self._skip(session, member)
            return
        require_direction(member, channel, config)
        await self._buttons()[name](session, member)

    def _buttons(self) -> dict[str, Callable[[Session, discord.Member], Awaitable[None]]]:
        return {"toggle": self._toggle, "stop": self._stop, "loop": self._next_loop, "shuffle": self._mix}

    async def _toggle(self, session: Session, member: discord.Member) -> None:
        if session.player.is_paused or session.channel is None:
            await self._resume(session, member)
        else:
            await session.player.pause()

    async def _stop(self, session: Session, _member: discord.Member) -> None:
        await session.player.go(session.player.queue.stopped())

    async def _next_loop(self, session: Session, _member: discord.Member) -> None:
        modes = list(Loop)
        following = modes[(modes.index(session.player.queue.loop) + 1) % len(modes)]
        await session.player.arrange(session.player.queue.looping(following))

    async def _mix(self, session: Session, _member: discord.Member) -> None:
        await self.shuffled(session)
