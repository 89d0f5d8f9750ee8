"""What the moderators of a guild are told: each case in the channel that they chose, and changes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from reference.utils.monitoring.structured_logger import get_logger

from .cases import Action
from .texts import TROUBLE, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference.bot import Bot, GuildPlace

    from .cases import Case

__all__ = ["ModLog"]

log = get_logger(__name__)

COLOURS = {
    Action.WARN: 0xF1C40F,
    Action.NOTE: 0x95A5A6,
    Action.TIMEOUT: 0xE67E22,
    Action.UNTIMEOUT: 0x2ECC71,
    Action.KICK: 0xE74C3C,
    Action.BAN: 0x992D22,
    Action.UNBAN: 0x2ECC71,
}
NOWHERE = 0
"""Stands for the message of a case that nobody wanted to be told."""


class ModLog:
    """Tells the mod-log of a guild.

    Args:
        bot: the bot.
        set_told: notes which message told a case.
    """

    def __init__(self, bot: Bot, set_told: Callable[[Case, int, int], Awaitable[None]]) -> None:
        self._bot = bot
        self._set_told = set_told

    async def channel(self, guild: discord.Guild) -> discord.abc.Messageable | None:
        """Return the channel that the guild chose, where it is still there."""
        config = await self._bot.guild_config(guild.id)
        place = guild.get_channel_or_thread(config.log_channel_id) if config.log_channel_id else None
        return place if isinstance(place, discord.abc.Messageable) else None

    async def say(self, guild: discord.Guild, embed: discord.Embed) -> discord.Message | None:
        """Write into the mod-log; None where there is none, or it refuses."""
        channel = await self.channel(guild)
        if channel is None:
            return None
        try:
            return await channel.send(embed=embed, allowed_mentions=discord.AllowedMentions.none())
        except TROUBLE as error:
            log.warning("the mod-log could not be told", guild=guild.id, error=str(error))
            return None

    async def tell(self, guild: discord.Guild, case: Case) -> None:
        """Tell a case, and note that it was told."""
        message = await self.say(guild, await self.embed(guild, case))
        ids = (message.channel.id, message.id) if message else (NOWHERE, NOWHERE)
        await self._set_told(case, *ids)

    async def update(self, guild: discord.Guild, case: Case) -> None:
        """Show what has become of a case that was told."""
        if not (case.log_channel_id and case.log_message_id):
            return
        channel = guild.get_channel_or_thread(case.log_channel_id)
        if isinstance(channel, discord.abc.Messageable):
            try:
                message = channel.get_partial_message(case.log_message_id)
                await message.edit(embed=await self.embed(guild, case))
            except TROUBLE as error:
                log.info("an entry of the mod-log could not be changed", guild=guild.id, error=str(error))

    async def embed(self, place: GuildPlace, case: Case) -> discord.Embed:
        """Return a case as people read it.

        Args:
            place: whose language it is in.
            case: the case.
        """

        async def text(key: str, **values: object) -> str:
            return await self._bot.text(place, f"moderation.{key}", **values)

        draft = case.draft
        title = await text("case_title", number=case.number, action=await text(f"action.{draft.action}"))
        embed = discord.Embed(title=title, colour=COLOURS[draft.action], timestamp=draft.created_at)
        embed.description = shown(draft.reason) or await text("no_reason", number=case.number)
        member = f"<@{draft.target_id}> {shown(draft.target_name)}\n`{draft.target_id}`"
        embed.add_field(name=await text("field.member"), value=member)
        embed.add_field(name=await text("field.moderator"), value=f"<@{draft.moderator_id}>")
        if draft.expires_at is not None:
            ends = await text("lifted") if case.is_over else discord.utils.format_dt(draft.expires_at, "R")
            embed.add_field(name=await text("field.until"), value=ends)
        return embed
