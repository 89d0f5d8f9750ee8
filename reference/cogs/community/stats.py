"""Statistics: what members do, who does most of it, and how a server's days were, in numbers and drawn charts."""

from __future__ import annotations

import asyncio
import io
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

import discord
from discord.ext import commands

from reference.commands import hybrid_group, subcommand
from reference.guilds import Feature
from reference.limits import limited
from reference.listening import concerns
from reference.refusals import Refused

from .chart import Bar, draw_columns, draw_ranking
from .counting import Counting
from .fonts import is_drawable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from discord import app_commands

    from reference.bot import Bot

__all__ = ["Stats"]

RANKS = 10
SHOWN_DAYS = 14

What = Literal["messages", "voice", "commands", "ai", "music"]
COUNTERS: dict[str, str] = {
    "messages": "messages_count",
    "voice": "voice_seconds",
    "commands": "commands_count",
    "ai": "ai_interactions",
    "music": "music_requests",
}


class Stats(commands.Cog):
    """Counts, and shows what was counted.

    Args:
        bot: whose cog it is.

    Attributes:
        clock: tells seconds, for the time in voice.
    """

    feature = Feature.STATS

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.counting = Counting(bot.database, bot.spawn)
        self.clock: Callable[[], float] = time.monotonic
        self._in_voice: dict[tuple[int, int], float] = {}

    async def cog_unload(self) -> None:
        """Write down what was counted, voice that goes on included."""
        for user_id, guild_id in list(self._in_voice):
            self._left_voice(user_id, guild_id)
        await self.counting.flush()

    # Counting

    def _is_uncounted(self, message: discord.Message) -> bool:
        """Count a message of a member at once where the guild's choice is in memory; tell whether it is still to do."""
        if message.guild is None or message.author.bot:
            return False
        config = self.bot.guild_configs.known(message.guild.id)
        if config is not None and config.enabled(Feature.STATS):
            self.counting.add_message(message.author.id, message.guild.id)
        return config is None

    @commands.Cog.listener()
    @concerns(_is_uncounted)
    async def on_message(self, message: discord.Message) -> None:
        """Count a message of a member."""
        if message.guild is not None and not message.author.bot and await self._counts(message.guild.id):
            self.counting.add_message(message.author.id, message.guild.id)

    @commands.Cog.listener()
    async def on_command_completion(self, ctx: commands.Context[Bot]) -> None:
        """Count a command, be it written or a slash command of both kinds."""
        await self._count_command(ctx.author.id, ctx.guild)

    @commands.Cog.listener()
    async def on_app_command_completion(
        self, interaction: discord.Interaction, command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu
    ) -> None:
        """Count a slash command that is nothing else, and a command of a menu."""
        if not hasattr(command, "wrapped"):
            await self._count_command(interaction.user.id, interaction.guild)

    async def _count_command(self, user_id: int, guild: discord.Guild | None) -> None:
        if guild is not None and await self._counts(guild.id):
            self.counting.add(user_id, guild.id, "commands_count")

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Begin to count for those who are in voice already."""
        for guild in self.bot.guilds:
            for channel in guild.voice_channels:
                for member in channel.members:
                    self._joined_voice(member)

    @commands.Cog.listener()
    async def on_voice_state_update(
        self, member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        """Count seconds in voice."""
        if after.channel is None:
            self._left_voice(member.id, member.guild.id)
        elif before.channel is None and await self._counts(member.guild.id):
            self._joined_voice(member)

    def _joined_voice(self, member: discord.Member) -> None:
        if not member.bot:
            self._in_voice.setdefault((member.id, member.guild.id), self.clock())

    def _left_voice(self, user_id: int, guild_id: int) -> None:
        began = self._in_voice.pop((user_id, guild_id), None)
        if began is not None and (seconds := int(self.clock() - began)) > 0:
            self.counting.add(user_id, guild_id, "voice_seconds", seconds)

    async def pending_of(self, _user_id: int) -> None:
        """Return what is kept in memory of a person: nothing, for it is written down first."""
        await self.counting.flush()

    async def forget_user(self, user_id: int) -> int:
        """Forget what is in memory of a person, time in voice that goes on included; return how much went."""
        going_on = [key for key in self._in_voice if key[0] == user_id]
        for key in going_on:
            del self._in_voice[key]
        return self.counting.forget_member(user_id) + len(going_on)

    async def _counts(self, guild_id: int) -> bool:
        return (await self.bot.guild_config(guild_id)).enabled(Feature.STATS)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget the days of a guild that the bot has left."""
        await self.counting.forget_guild(guild.id)

    # Commands

    @hybrid_group(name="stats")
    @commands.guild_only()
    async def stats(self, ctx: commands.Context[Bot]) -> None:
        """What members do here."""
        await ctx.send(await self.bot.text(ctx, "community.stats.usage", prefix=ctx.clean_prefix))

    @subcommand(stats, name="member")
    @limited(5, per=30)
    @commands.guild_only()
    @commands.bot_has_permissions(embed_links=True)
    async def member(self, ctx: commands.Context[Bot], member: discord.Member | None = None) -> None:
        """Show what a member did here.

        Args:
            ctx: where.
            member: Who; you, if left out.
        """
        who = member or cast("discord.Member", ctx.author)
        await self.counting.flush()
        counted = await self.bot.database.get_user_stats(who.id, who.guild.id)
        if counted["first_seen"] is None:
            raise Refused("community.stats.unknown", name=discord.utils.escape_markdown(who.display_name))
        embed = discord.Embed(title=discord.utils.escape_markdown(who.display_name), colour=0x5865F2)
        embed.set_thumbnail(url=who.display_avatar.url)
        for what, counter in COUNTERS.items():
            name = await self.bot.text(ctx, f"community.stats.{what}")
            embed.add_field(name=name, value=_shown(what, counted[counter]))
        await ctx.send(embed=embed)

    @subcommand(stats, name="top")
    @limited(3, per=30)
    @commands.guild_only()
    @commands.bot_has_permissions(embed_links=True, attach_files=True)
    async def top(self, ctx: commands.Context[Bot], what: What = "messages") -> None:
        """Show who did most here, with a chart.

        Args:
            ctx: where.
            what: What is counted.
        """
        await ctx.defer()
        guild = cast("discord.Guild", ctx.guild)
        await self.counting.flush()
        counter = COUNTERS[what]
        rows = await self.bot.database.get_top_users(guild.id, counter, RANKS)
        if not rows:
            raise Refused("community.stats.nothing")
        name = await self.bot.text(ctx, f"community.stats.{what}")
        lines = [
            f"**{number}.** <@{row['user_id']}> · {_shown(what, row[counter])}" for number, row in enumerate(rows, 1)
        ]
        title = await self.bot.text(ctx, "community.stats.top", what=name, guild=guild.name)
        people = [(guild.get_member(row["user_id"]), row[counter]) for row in rows]
        picture = await asyncio.to_thread(_ranking, (title, f"{guild.name}: {what}", what.title()), what, people)
        await self._show(ctx, title, "\n".join(lines), picture)

    @subcommand(stats, name="server")
    @limited(3, per=30)
    @commands.guild_only()
    @commands.bot_has_permissions(embed_links=True, attach_files=True)
    async def server(self, ctx: commands.Context[Bot]) -> None:
        """Show the messages of the last two weeks, with a chart."""
        await ctx.defer()
        guild = cast("discord.Guild", ctx.guild)
        await self.counting.flush()
        today = datetime.now(UTC).date()
        days = [today - timedelta(days=back) for back in range(SHOWN_DAYS - 1, -1, -1)]
        counted = await self.counting.days(guild.id, days[0].isoformat())
        bars = [Bar(f"{day:%d.%m.}", count := counted.get(day.isoformat(), 0), f"{count:,}") for day in days]
        total = sum(bar.value for bar in bars)
        title = await self.bot.text(ctx, "community.stats.server", guild=guild.name)
        picture = await asyncio.to_thread(_columns, (title, guild.name, "Messages"), bars)
        await self._show(ctx, title, await self.bot.text(ctx, "community.stats.total", count=total), picture)

    async def _show(self, ctx: commands.Context[Bot], title: str, text: str, picture: bytes) -> None:
        embed = discord.Embed(title=discord.utils.escape_markdown(title)[:256], description=text, colour=0x5865F2)
        embed.set_image(url="attachment://chart.png")
        file = discord.File(io.BytesIO(picture), "chart.png", description=title[:1000])
        await ctx.send(embed=embed, file=file, allowed_mentions=discord.AllowedMentions.none())


def _shown(what: str, value: int) -> str:
    if what != "voice":
        return f"{value:,}"
    hours, minutes = divmod(value // 60, 60)
    return f"{hours}:{minutes:02} h"


def _ranking(titles: Sequence[str], what: str, people: Sequence[tuple[discord.Member | None, int]]) -> bytes:
    bars = [Bar(_name_of(member), value, _shown(what, value)) for member, value in people]
    return draw_ranking(_drawable(titles), bars)


def _columns(titles: Sequence[str], bars: Sequence[Bar]) -> bytes:
    return draw_columns(_drawable(titles), bars)


def _drawable(titles: Sequence[str]) -> str:
    """Return the first title that this machine's fonts have the letters of; the last one is plain Latin."""
    return next((title for title in titles if is_drawable(title)), titles[-1])


def _name_of(member: discord.Member | None) -> str:
    """Return a name that can be drawn: the member's, else the unique one, which is plain Latin."""
    if member is None:
        return "…"
    return member.display_name if is_drawable(member.display_name) else member.name
