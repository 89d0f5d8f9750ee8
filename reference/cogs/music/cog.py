"""The commands that bring music into a channel, and what happens around them in Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_command
from reference.limits import limited
from reference.listening import concerns
from reference.refusals import Refused

from .cog_base import Ctx, guild_of, member_of
from .cog_player import PlayerCommands
from .markup import shown
from .render import label
from .sound import workers
from .uploads import Delivered, is_media
from .views import SearchMenu

if TYPE_CHECKING:
    from reference.bot import Bot

    from .access import Channel
    from .jukebox import Jukebox
    from .session import Session
    from .track import Track

__all__ = ["Music"]

CHOICE_SECONDS = 2.0
LONGEST_CHOICE = 100


class Music(PlayerCommands):
    """Plays music in voice channels.

    Args:
        bot: the bot.
        jukebox: the music of all guilds.
        delivered: the attachments that can be played by their links.
    """

    def __init__(self, bot: Bot, jukebox: Jukebox, delivered: Delivered) -> None:
        super().__init__(bot, jukebox)
        self._delivered = delivered

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
        session, channel = await self.listening(ctx)
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
        session, channel = await self.listening(ctx)
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
        session, channel = await self.listening(ctx)
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
        place = self._delivered.find(guild_of(ctx).id, query.strip())
        if place is None:
            return await self.jukebox.resolver.resolve(query, ctx.author.id)
        channel_id, attachment = place
        channel = guild_of(ctx).get_channel_or_thread(channel_id)
        if channel is None or not channel.permissions_for(member_of(ctx)).read_messages:
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

    # What happens

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Take the music up again after a start, or after a new session with Discord."""
        self.bot.spawn(self.jukebox.restore(), "restore music")

    @commands.Cog.listener()
    @concerns(lambda _cog, message: bool(message.attachments))
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
