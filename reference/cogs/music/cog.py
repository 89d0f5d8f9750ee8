"""The commands of the music, and what happens around them in Discord."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Literal, cast

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_command
from reference.guilds import Feature
from reference.limits import limited
from reference.refusals import Refused

from .access import Channel, require_direction, require_listening
from .markup import shown
from .render import label, now_playing, page_count, queue_page
from .sound import workers
from .track import clock_text, parse_position
from .track_queue import Loop
from .uploads import Delivered, is_media
from .views import Controls, SearchMenu, page_buttons

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference.bot import Bot

    from .jukebox import Jukebox, Session
    from .track import Track

__all__ = ["Music"]

LARGEST_POSITION = 24 * 3600.0
"""Seconds; nobody seeks further."""

CHOICE_SECONDS = 2.0
LONGEST_CHOICE = 100

Ctx = commands.Context["Bot"]


class Music(commands.Cog):
    """Plays music in voice channels.

    Args:
        bot: the bot.
        jukebox: the music of all guilds.
        delivered: the attachments that can be played by their links.
    """

    feature = Feature.MUSIC

    def __init__(self, bot: Bot, jukebox: Jukebox, delivered: Delivered) -> None:
        self.bot = bot
        self.jukebox = jukebox
        self._delivered = delivered
        self._rng = random.SystemRandom()

    async def cog_load(self) -> None:
        """Take the music up again, if the bot is ready already because the area was loaded anew."""
        if self.bot.is_ready():
            self.bot.spawn(self.jukebox.restore(), "restore music")

    async def cog_unload(self) -> None:
        """Save everything and leave all voice channels."""
        await self.jukebox.close()

    # What is played

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(query="Words, a link, or a file")
    @limited(6, per=20)
    async def play(self, ctx: Ctx, *, query: str) -> None:
        """Play a file of the media folder, a link, or what a search finds."""
        session, channel = await self._listening(ctx)
        self.jukebox.require_voice(channel)
        await ctx.defer()
        await self._add(ctx, session, channel, await self._found(ctx, query))

    @play.autocomplete("query")
    async def _files(self, _interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer files of the media folder."""
        found = await workers.run(self.jukebox.resolver.library.find, current, 25, deadline=CHOICE_SECONDS)
        return [app_commands.Choice(name=place, value=place) for place in found if len(place) <= LONGEST_CHOICE]

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(file="The file")
    @limited(4, per=30)
    async def playfile(self, ctx: Ctx, file: discord.Attachment) -> None:
        """Play a sound or a film that you attach."""
        session, channel = await self._listening(ctx)
        self.jukebox.require_voice(channel)
        await ctx.defer()
        if not is_media(file):
            raise Refused("music.no_sound", name=shown(file.filename))
        await self._add(ctx, session, channel, await self.jukebox.resolver.uploads.keep(file, ctx.author.id))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(words="What to search for")
    @limited(4, per=30)
    async def search(self, ctx: Ctx, *, words: str) -> None:
        """Search for music, and choose what to play."""
        session, channel = await self._listening(ctx)
        self.jukebox.require_voice(channel)
        await ctx.defer(ephemeral=True)
        tracks = await self.jukebox.resolver.search(words, ctx.author.id)
        if not tracks:
            raise Refused("music.not_found", query=shown(words))

        async def choose(interaction: discord.Interaction, track: Track) -> None:
            await interaction.response.defer()
            completed = await self.jukebox.resolver.completed(track)
            text = await self._added(interaction, session, channel, completed)
            await interaction.edit_original_response(content=text, view=None)

        placeholder = await self.bot.text(ctx, "music.choose")
        text = await self.bot.text(ctx, "music.found", count=len(tracks))
        await ctx.send(text, view=SearchMenu(tracks, ctx.author.id, placeholder, choose), ephemeral=True)

    async def _found(self, ctx: Ctx, query: str) -> Track:
        """Return the track that is asked for: an attachment that Discord delivered in this guild, or something else."""
        place = self._delivered.find(_guild(ctx).id, query.strip())
        if place is None:
            return await self.jukebox.resolver.resolve(query, ctx.author.id)
        channel_id, attachment = place
        channel = _guild(ctx).get_channel_or_thread(channel_id)
        if channel is None or not channel.permissions_for(_member(ctx)).read_messages:
            raise Refused("music.not_found", query=shown(query))
        return await self.jukebox.resolver.uploads.keep(attachment, ctx.author.id)

    async def _add(self, ctx: Ctx, session: Session, channel: Channel, track: Track) -> None:
        text = await self._added(ctx, session, channel, track)
        await ctx.send(text, allowed_mentions=discord.AllowedMentions.none())

    async def _added(self, place: Ctx | discord.Interaction, session: Session, channel: Channel, track: Track) -> str:
        """Join the channel, put the track into the queue, and say where it is."""
        await self.jukebox.join(session, channel)
        if place.channel is not None:
            await self.jukebox.show_in(session, place.channel.id)
        position = await self.jukebox.add(session, track)
        await self.bot.database.increment_user_stat(track.requester_id, session.guild_id, "music_requests")
        if position == 0:
            return await self.bot.text(place, "music.now_playing", title=label(track))
        return await self.bot.text(place, "music.queued", title=label(track), position=position)

    # What is shown

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(page="The page, from 1")
    async def queue(self, ctx: Ctx, page: commands.Range[int, 1, 1000] = 1) -> None:
        """Show what is played and what waits."""
        session = await self.jukebox.session(_guild(ctx))
        await ctx.send(**await self._page(session, page, ctx))

    async def turn_to(self, page: int, interaction: discord.Interaction) -> None:
        """Show another page of the queue in the message of a button."""
        session = await self.jukebox.session(_guild(interaction))
        await interaction.response.edit_message(**{"view": None, **await self._page(session, page, interaction)})

    async def _page(self, session: Session, page: int, place: Ctx | discord.Interaction) -> dict[str, Any]:
        queue, pages = session.player.queue, page_count(session.player.queue)
        page = min(page, pages)
        embed, view = queue_page(queue, page, await self.bot.language(place)), page_buttons(page, pages)
        return {"embed": embed} if view is None else {"embed": embed, "view": view}

    @hybrid_command()
    @commands.guild_only()
    async def nowplaying(self, ctx: Ctx) -> None:
        """Show what is played, with buttons."""
        session = await self._playing(ctx)
        embed = now_playing(session.player, await self.bot.language(ctx))
        sent = await ctx.send(embed=embed, view=Controls(self, session.player))
        await self.jukebox.show_in(session, sent.channel.id, sent.id)

    # What is done to the track that is played

    @hybrid_command()
    @commands.guild_only()
    async def pause(self, ctx: Ctx) -> None:
        """Pause the music."""
        session = await self._directing(ctx)
        await session.player.pause()
        await self._say(ctx, "music.paused")

    @hybrid_command()
    @commands.guild_only()
    async def resume(self, ctx: Ctx) -> None:
        """Go on with the music, also after the bot had left."""
        session = await self._directing(ctx)
        await self._resume(session, _member(ctx))
        await self.jukebox.show_in(session, ctx.channel.id)
        await self._say(ctx, "music.resumed")

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
        session = await self._playing(ctx)
        track = await self._skip(session, _member(ctx))
        await self._say(ctx, "music.skipped", title=label(track))

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
        session = await self._directing(ctx)
        if session.channel is None and session.player.queue.history:
            await self.jukebox.join(session, require_listening(_member(ctx), None))
        try:
            queue = session.player.queue.previous()
        except IndexError:
            raise Refused("music.no_previous") from None
        await session.player.go(queue)
        await self._say(ctx, "music.now_playing", title=label(cast("Track", queue.current)))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(position="Such as 1:30, or +15 and -15 from here")
    async def seek(self, ctx: Ctx, position: str) -> None:
        """Go to a position of the track."""
        session = await self._directing(ctx, playing=True)
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
        await self._say(ctx, "music.sought", position=clock_text(seconds))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(percent="From 0 to 200; 100 is as recorded")
    async def volume(self, ctx: Ctx, percent: commands.Range[int, 0, 200] | None = None) -> None:
        """Show or set the volume of this server."""
        if percent is not None:
            session = await self._directing(ctx)
            await self.bot.guild_configs.save(session.guild_id, music_volume=percent / 100)
            session.player.volume = percent / 100
        config = await self.bot.guild_config(_guild(ctx).id)
        await self._say(ctx, "music.volume", percent=round(config.music_volume * 100))

    # What is done to the queue

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(mode="Nothing, the same track again, or the whole queue again")
    async def loop(self, ctx: Ctx, mode: Literal["off", "track", "queue"]) -> None:
        """Choose what happens at the end of a track."""
        session = await self._directing(ctx)
        await session.player.arrange(session.player.queue.looping(Loop(mode)))
        await self._say(ctx, "music.loop_set", mode=await self.bot.text(ctx, f"music.loop_{mode}"))

    @hybrid_command()
    @commands.guild_only()
    async def shuffle(self, ctx: Ctx) -> None:
        """Mix the tracks that wait."""
        session = await self._directing(ctx)
        await self._shuffle(session)
        await self._say(ctx, "music.shuffled", count=len(session.player.queue.upcoming))

    async def _shuffle(self, session: Session) -> None:
        if not session.player.queue.upcoming:
            raise Refused("music.queue_empty")
        await session.player.arrange(session.player.queue.shuffled(self._rng))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(position="Its position in the queue")
    async def remove(self, ctx: Ctx, position: int) -> None:
        """Take a track out of the queue; your own, or any if you direct the music."""
        session, channel = await self._listening(ctx)
        config = await self.bot.guild_config(_guild(ctx).id)
        track = self._at(session, position)
        if track.requester_id != ctx.author.id:
            require_direction(_member(ctx), channel, config)
        await session.player.arrange(session.player.queue.removed(position))
        await self._say(ctx, "music.removed", title=label(track))

    @hybrid_command()
    @commands.guild_only()
    @app_commands.describe(position="Where it is", target="Where it shall be")
    async def move(self, ctx: Ctx, position: int, target: int) -> None:
        """Move a track to another position of the queue."""
        session = await self._directing(ctx)
        track = self._at(session, position)
        self._at(session, target)
        await session.player.arrange(session.player.queue.moved(position, target))
        await self._say(ctx, "music.moved", title=label(track), position=target)

    def _at(self, session: Session, position: int) -> Track:
        try:
            return session.player.queue.at(position)
        except IndexError:
            raise Refused("music.no_position", position=position) from None

    @hybrid_command()
    @commands.guild_only()
    async def clear(self, ctx: Ctx) -> None:
        """Take all tracks out of the queue; the one that is played goes on."""
        session = await self._directing(ctx)
        count = len(session.player.queue.upcoming)
        await session.player.arrange(session.player.queue.cleared())
        await self._say(ctx, "music.cleared", count=count)

    @hybrid_command()
    @commands.guild_only()
    async def stop(self, ctx: Ctx) -> None:
        """Stop the music and empty the queue."""
        session = await self._directing(ctx)
        await session.player.go(session.player.queue.stopped())
        await self._say(ctx, "music.stopped")

    @hybrid_command()
    @commands.guild_only()
    async def leave(self, ctx: Ctx) -> None:
        """Leave the voice channel; the queue is kept."""
        session = await self._directing(ctx)
        if session.channel is None:
            raise Refused("music.not_playing")
        await self.jukebox.leave(session)
        await self._say(ctx, "music.left", count=len(session.player.queue.upcoming))

    # Buttons

    async def press(self, name: str, interaction: discord.Interaction) -> None:
        """Do what a button below the music stands for.

        Raises:
            Refused: it cannot be done now, or not by this person.
        """
        member = _member(interaction)
        session = await self.jukebox.session(_guild(interaction))
        config = await self.bot.require(session.guild_id, Feature.MUSIC)
        channel = require_listening(member, session.channel)
        if session.player.queue.current is None:
            raise Refused("music.not_playing")
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
        await self._shuffle(session)

    # What happens

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Take the music up again after a start, or after a new session with Discord."""
        self.bot.spawn(self.jukebox.restore(), "restore music")

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Remember the attachments of a message, so that a link to one can be played."""
        if message.guild is not None and message.attachments:
            self._delivered.note(message.guild.id, message.channel.id, message.attachments)

    @commands.Cog.listener()
    async def on_voice_state_update(
        self, member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        """Follow the bot, and notice who comes and goes."""
        session = self.jukebox.known(member.guild.id)
        if session is None or before.channel == after.channel:
            return
        if member.id == member.guild.me.id:
            await self.jukebox.follow(session)
        else:
            self.jukebox.heard_by(session)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a guild that the bot is no member of any more."""
        self._delivered.forget_guild(guild.id)
        await self.jukebox.forget_guild(guild.id)

    # Who and where

    async def _listening(self, ctx: Ctx) -> tuple[Session, Channel]:
        """Return the session, and the voice channel of who asks, which has to be the bot's if it is in one."""
        session = await self.jukebox.session(_guild(ctx))
        return session, require_listening(_member(ctx), session.channel)

    async def _directing(self, ctx: Ctx, *, playing: bool = False) -> Session:
        """Return the session, if who asks may direct the music."""
        session = await self._playing(ctx) if playing else await self.jukebox.session(_guild(ctx))
        channel = require_listening(_member(ctx), session.channel)
        require_direction(_member(ctx), channel, await self.bot.guild_config(session.guild_id))
        return session

    async def _playing(self, ctx: Ctx) -> Session:
        session = await self.jukebox.session(_guild(ctx))
        if session.player.queue.current is None:
            raise Refused("music.not_playing")
        return session

    async def _say(self, ctx: Ctx, key: str, **values: Any) -> None:
        await ctx.send(await self.bot.text(ctx, key, **values), allowed_mentions=discord.AllowedMentions.none())


def _guild(place: Ctx | discord.Interaction) -> discord.Guild:
    """Return the guild of a command or a button, neither of which there is anywhere else."""
    return cast("discord.Guild", place.guild)


def _member(place: Ctx | discord.Interaction) -> discord.Member:
    """Return who used a command or a button in a guild."""
    return cast("discord.Member", place.user if isinstance(place, discord.Interaction) else place.author)
