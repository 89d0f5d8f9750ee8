"""Feedback: reactions to the bot's messages, collected, kept over restarts, and shown."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_command
from reference.guilds import Feature
from reference.limits import limited
from reference.refusals import Refused
from reference.utils.monitoring.feedback import LONGEST_AGE, MEANINGS, FeedbackType
from reference.utils.timestamps import utc_text

from .schedule import utc_now

if TYPE_CHECKING:
    import sqlite3

    from reference.bot import Bot

__all__ = ["Feedback"]

SHOWN_DAYS = 30
BAR = 14
PUT = """
INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (message_id, user_id) DO UPDATE SET emoji = excluded.emoji, kind = excluded.kind
"""
TAKE = "DELETE FROM feedback WHERE message_id = ? AND user_id = ?"
LATEST = "SELECT * FROM feedback WHERE created_at >= ? ORDER BY created_at"
COUNT = "SELECT kind, COUNT(*) FROM feedback WHERE guild_id = ? AND created_at >= ? GROUP BY kind"
TAKE_ALL = "DELETE FROM feedback WHERE message_id = ?"
FORGET_GUILD = "DELETE FROM feedback WHERE guild_id = ?"
GOOD = (FeedbackType.POSITIVE, FeedbackType.LOVE, FeedbackType.FUNNY)


class Feedback(commands.Cog):
    """Hears what people think of the bot's messages.

    Args:
        bot: whose cog it is.
    """

    feature = Feature.FEEDBACK

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Know again what was said lately, so that a voice that is taken back counts no more."""
        since = utc_text(utc_now() - timedelta(seconds=LONGEST_AGE))
        rows = await self.bot.database.read(lambda raw: raw.execute(LATEST, (since,)).fetchall())
        for row in rows:
            self.bot.feedback.track_message(row["message_id"], None, row["channel_id"])
            self.bot.feedback.process_reaction(row["message_id"], row["user_id"], row["emoji"])

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, reaction: discord.RawReactionActionEvent) -> None:
        """Take a reaction to a message of the bot into account."""
        is_ours = self.bot.user is not None and reaction.message_author_id == self.bot.user.id
        is_bot = reaction.member is not None and reaction.member.bot
        if not is_ours or is_bot or reaction.guild_id is None or not await self._listens(reaction.guild_id):
            return
        self.bot.feedback.track_message(reaction.message_id, None, reaction.channel_id)
        emoji = str(reaction.emoji)
        kind = self.bot.feedback.process_reaction(reaction.message_id, reaction.user_id, emoji)
        if kind is None:
            return
        place = (reaction.message_id, reaction.user_id, reaction.guild_id, reaction.channel_id)
        values = (*place, emoji, kind.value, utc_text(utc_now()))
        await self.bot.database.write(lambda raw: raw.execute(PUT, values))

    @commands.Cog.listener()
    async def on_raw_reaction_remove(self, reaction: discord.RawReactionActionEvent) -> None:
        """Take back what was said, when the reaction that said it is taken away."""
        taken = self.bot.feedback.process_reaction(
            reaction.message_id, reaction.user_id, str(reaction.emoji), added=False
        )
        if taken is not None:
            key = (reaction.message_id, reaction.user_id)
            await self.bot.database.write(lambda raw: raw.execute(TAKE, key))

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Forget what was said of a message that is gone."""
        if self.bot.feedback.get_message_feedback(payload.message_id):
            await self.bot.database.write(lambda raw: raw.execute(TAKE_ALL, (payload.message_id,)))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a guild that the bot has left."""
        await self.bot.database.write(lambda raw: raw.execute(FORGET_GUILD, (guild.id,)))

    async def _listens(self, guild_id: int) -> bool:
        return (await self.bot.guild_config(guild_id)).enabled(Feature.FEEDBACK)

    @hybrid_command(name="feedback")
    @limited(3, per=30)
    @commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    @commands.has_guild_permissions(manage_guild=True)
    @commands.bot_has_permissions(embed_links=True)
    async def feedback(self, ctx: commands.Context[Bot]) -> None:
        """Show what members think of my messages, by their reactions."""
        guild = cast("discord.Guild", ctx.guild)
        counts = await self._counts(guild.id)
        total = sum(counts.values())
        if not total:
            raise Refused("community.feedback.none", emojis=" ".join(_example(kind) for kind in FeedbackType))
        lines = [
            await self.bot.text(
                ctx,
                "community.feedback.line",
                emoji=_example(kind),
                bar=_bar(counts.get(kind, 0) / total),
                number=counts.get(kind, 0),
            )
            for kind in FeedbackType
        ]
        title = await self.bot.text(ctx, "community.feedback.title", count=total)
        embed = discord.Embed(title=title, description="\n".join(lines), colour=0x5865F2)
        good, bad = sum(counts.get(kind, 0) for kind in GOOD), counts.get(FeedbackType.NEGATIVE, 0)
        share = f"{good / (good + bad):.0%}" if good + bad else "-"
        embed.set_footer(text=await self.bot.text(ctx, "community.feedback.footer", share=share, days=SHOWN_DAYS))
        await ctx.send(embed=embed, ephemeral=True)

    async def _counts(self, guild_id: int) -> dict[FeedbackType, int]:
        since = utc_text(utc_now() - timedelta(days=SHOWN_DAYS))

        def count(raw: sqlite3.Connection) -> dict[FeedbackType, int]:
            return {FeedbackType(row[0]): row[1] for row in raw.execute(COUNT, (guild_id, since))}

        return await self.bot.database.read(count)


def _example(kind: FeedbackType) -> str:
    return MEANINGS[kind].split()[0]


def _bar(share: float) -> str:
    filled = round(share * BAR)
    return "█" * filled + "░" * (BAR - filled)
