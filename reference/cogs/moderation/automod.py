"""The filters at work: each message and each edit is looked at, and what a guild decided is done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from reference.errors import Refused
from reference.guilds import Feature
from reference.listening import concerns
from reference.utils.monitoring.structured_logger import get_logger
from reference.utils.reliability.memory_manager import TTLCache

from .cases import Action
from .filters import Message, find
from .policy import Filter, Response
from .spam import SpamCounter
from .texts import TROUBLE, clean, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.bot import Bot

    from .acts import Acts
    from .policy import Policy

__all__ = ["AutoMod"]

log = get_logger(__name__)

EVERYONE_COUNTS = 100
"""As how many mentions everyone counts."""

BETWEEN_PUNISHMENTS = 15.0
"""Seconds within which one member is warned, timed out or told once; what else they write meanwhile is deleted only."""

LONGEST_EXCERPT = 500


class AutoMod(commands.Cog):
    """Looks at messages."""

    def __init__(self, bot: Bot, acts: Acts) -> None:
        self.bot = bot
        self.acts = acts
        self.spam = SpamCounter()
        self._handled: TTLCache[int, bool] = TTLCache(10_000, 600.0)
        self._punished: TTLCache[tuple[int, int], bool] = TTLCache(10_000, BETWEEN_PUNISHMENTS)

    @commands.Cog.listener()
    @concerns(lambda cog, message: message.guild and cog.bot.guild_configs.has(message.guild.id, Feature.AUTOMOD))
    async def on_message(self, message: discord.Message) -> None:
        """Look at a new message."""
        await self.look(message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Look at a message that was edited, be it an old one."""
        await self.look(payload.message, is_edit=True)

    async def look(self, message: discord.Message, *, is_edit: bool = False) -> Filter | None:
        """Look at a message, and do what the guild decided; return the filter that took offence.

        Args:
            message: the message.
            is_edit: it was looked at when it was new, so it does not count as another one.
        """
        guild = message.guild
        if guild is None or message.author.bot or message.webhook_id or not isinstance(message.author, discord.Member):
            return None
        if not (await self.bot.guild_config(guild.id)).enabled(Feature.AUTOMOD):
            return None
        policy = await self.acts.policies.of(guild.id)
        if not any(policy.enabled()) or is_moderator(message.author, message.channel):
            return None
        found = find(policy, seen(message))
        if found is None and not is_edit and await self._is_spam(policy, guild, message):
            found = Filter.SPAM
        if found is not None and self._handled.get(message.id) is None:
            self._handled.set(message.id, True)
            await self._respond(guild, message, message.author, found, policy)
        return found

    async def _is_spam(self, policy: Policy, guild: discord.Guild, message: discord.Message) -> bool:
        rule = policy.spam
        if not rule.enabled or seen(message).is_exempt(rule):
            return False
        return await self.spam.is_spam(rule, guild.id, message.author.id, message.content)

    async def _respond(
        self, guild: discord.Guild, message: discord.Message, member: discord.Member, found: Filter, policy: Policy
    ) -> None:
        """Delete the message, tell the moderators, and see to its author."""
        try:
            await message.delete()
        except discord.NotFound:
            log.info("a filtered message was gone", guild=guild.id)
        except discord.Forbidden:
            log.warning("a filtered message could not be deleted", guild=guild.id, channel=message.channel.id)
            return
        await self._tell_moderators(guild, message, found)
        key = (guild.id, member.id)
        if self._punished.get(key) is not None:
            return
        self._punished.set(key, True)
        try:
            await self._punish(guild, message, member, found, policy)
        except Refused as error:
            log.info("a member is out of reach of the filters", guild=guild.id, reason=error.answer.key)

    async def _punish(
        self, guild: discord.Guild, message: discord.Message, member: discord.Member, found: Filter, policy: Policy
    ) -> None:
        response = policy.rule(found).action
        why = await self.bot.text(guild, f"moderation.filter.{found}")
        if response is Response.DELETE:
            values = {"guild": shown(guild.name), "channel": f"<#{message.channel.id}>", "reason": why}
            text = await self.bot.text(guild, "moderation.told.deleted", **values)
            try:
                await member.send(text, allowed_mentions=discord.AllowedMentions.none())
            except TROUBLE as error:
                log.info("a member could not be told", guild=guild.id, user=member.id, error=str(error))
            return
        action, duration = Action.WARN, None
        if response is Response.TIMEOUT:
            action, duration = Action.TIMEOUT, timedelta(minutes=policy.timeout_minutes)
        self.acts.require_reach(guild, guild.me, member, action)
        await self.acts.act(guild, action, member, guild.me, why, duration=duration)

    async def _tell_moderators(self, guild: discord.Guild, message: discord.Message, found: Filter) -> None:
        values = {"author": message.author.mention, "channel": f"<#{message.channel.id}>"}
        embed = discord.Embed(title=await self.bot.text(guild, "moderation.log.filtered"), colour=0xE67E22)
        embed.description = await self.bot.text(guild, "moderation.log.filtered_by", **values)
        why = await self.bot.text(guild, f"moderation.filter.{found}")
        embed.add_field(name=why, value=shown(clean(message.content, LONGEST_EXCERPT))[:1024] or "-")
        await self.acts.modlog.say(guild, embed)


def is_moderator(member: discord.Member, channel: object) -> bool:
    """Tell whether a member is one of those who look after the guild, or after the channel."""
    may = channel.permissions_for(member) if hasattr(channel, "permissions_for") else member.guild_permissions
    may |= member.guild_permissions
    return bool(may.manage_messages or may.moderate_members or may.manage_guild or may.administrator)


def seen(message: discord.Message) -> Message:
    """Return a message as filters see it."""
    channel = message.channel
    above = (getattr(channel, "parent_id", None), getattr(channel, "category_id", None))
    files = [*message.attachments, *(file for forwarded in message.message_snapshots for file in forwarded.attachments)]
    mentioned = len({*message.raw_mentions, *message.raw_role_mentions})
    return Message(
        content="\n".join(_texts(message)),
        mentions=mentioned + EVERYONE_COUNTS * message.mention_everyone,
        files=tuple(file.filename for file in files),
        roles=frozenset(role.id for role in getattr(message.author, "roles", ())),
        places=frozenset(place for place in (channel.id, *above) if place),
    )


def _texts(message: discord.Message) -> Iterator[str]:
    """Yield what a message says: itself, what it forwards, and what its poll asks."""
    yield message.content
    yield from (forwarded.content for forwarded in message.message_snapshots)
    if message.poll is not None:
        yield message.poll.question
        yield from (answer.text for answer in message.poll.answers)
