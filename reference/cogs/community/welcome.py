"""Welcome cards: drawn for each newcomer, in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, cast

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_command
from reference.guilds import Feature
from reference.limits import limited
from reference.utils.localization import get_message
from reference.utils.monitoring.structured_logger import get_logger

from .card import draw_card
from .fonts import is_drawable
from .schedule import TROUBLE

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["Welcome"]

log = get_logger(__name__)

AVATAR_SIZE = 256
AVATAR_SECONDS = 5.0
"""How long the avatar may take; a card without it is better than none."""

AT_ONCE = 2
"""Cards that are drawn at a time, so that a raid does not take all threads."""


class Welcome(commands.Cog):
    """Greets newcomers.

    Args:
        bot: whose cog it is.
    """

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._drawing = asyncio.Semaphore(AT_ONCE)

    @commands.Cog.listener()
    async def on_member_join(self, member: discord.Member) -> None:
        """Greet a newcomer in the channel that the server chose, if it chose one."""
        config = await self.bot.guild_config(member.guild.id)
        if member.bot or not config.enabled(Feature.WELCOME) or config.welcome_channel_id is None:
            return
        channel = member.guild.get_channel(config.welcome_channel_id)
        if not isinstance(channel, discord.TextChannel) or not _may_greet(channel):
            log.warning("a newcomer cannot be greeted", guild=member.guild.id, channel=config.welcome_channel_id)
            return
        text = await self.bot.text(member.guild, "community.welcome.text", member=member.mention)
        mentions = discord.AllowedMentions(everyone=False, roles=False, users=[member])
        try:
            await channel.send(text, file=await self.card(member), allowed_mentions=mentions)
        except TROUBLE as error:
            log.warning("a welcome card could not be sent", guild=member.guild.id, error=str(error))

    @hybrid_command(name="welcome")
    @limited(3, per=60)
    @commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    @commands.has_guild_permissions(manage_guild=True)
    @commands.bot_has_permissions(attach_files=True)
    async def welcome(self, ctx: commands.Context[Bot], member: discord.Member | None = None) -> None:
        """Show the card that newcomers get.

        Args:
            ctx: where.
            member: For whom; for you, if left out.
        """
        await ctx.defer(ephemeral=True)
        card = await self.card(member or cast("discord.Member", ctx.author))
        config = await self.bot.guild_config(ctx.guild.id if ctx.guild else None)
        is_on = config.enabled(Feature.WELCOME) and config.welcome_channel_id is not None
        where = f"<#{config.welcome_channel_id}>"
        key = "community.welcome.on" if is_on else "community.welcome.off"
        await ctx.send(await self.bot.text(ctx, key, channel=where), file=card, ephemeral=True)

    async def card(self, member: discord.Member) -> discord.File:
        """Draw the card of a member."""
        guild = member.guild
        language = await self.bot.language(guild)
        greeting = get_message("community.welcome.greeting", language, guild=guild.name)
        below = get_message("community.welcome.number", language, number=f"{guild.member_count or 0:,}")
        avatar = await _avatar_of(member)
        async with self._drawing:
            picture = await asyncio.to_thread(_draw, member, greeting, below, avatar)
        return discord.File(
            io.BytesIO(picture), "welcome.png", description=f"{greeting} · {member.display_name}"[:1000]
        )


def _draw(member: discord.Member, greeting: str, below: str, avatar: bytes | None) -> bytes:
    """Draw with words that this machine's fonts have the letters of."""
    name = member.display_name if is_drawable(member.display_name) else member.name
    if not is_drawable(greeting):
        greeting = "Welcome"
    if not is_drawable(below):
        below = f"#{member.guild.member_count or 0:,}"
    return draw_card(name, greeting, below, avatar)


async def _avatar_of(member: discord.Member) -> bytes | None:
    """Return the avatar of a member, the drawn one where they have none; None where it cannot be had in time."""
    avatar = member.display_avatar.replace(size=AVATAR_SIZE, static_format="png")
    try:
        async with asyncio.timeout(AVATAR_SECONDS):
            return await avatar.read()
    except TROUBLE as error:
        log.warning("an avatar could not be had", user=member.id, error=str(error))
        return None


def _may_greet(channel: discord.TextChannel) -> bool:
    allowed = channel.permissions_for(channel.guild.me)
    return allowed.view_channel and allowed.send_messages and allowed.attach_files
