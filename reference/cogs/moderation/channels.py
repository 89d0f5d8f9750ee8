"""Commands about channels: purge, slow mode, lock and unlock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import discord
from discord.ext import commands

from reference.commands import hybrid_command
from reference.errors import Refused

from .durations import write_duration
from .guards import duration_of, guarded, guild_of, quietly
from .texts import audit_line, clean, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference.bot import Bot

    from .acts import Acts
    from .locks import Locks

__all__ = ["Channels"]

BULK = 100
"""Messages that Discord deletes at once."""

BULK_AGE = timedelta(days=14) - timedelta(minutes=2)
"""Discord deletes older messages one by one only; the two minutes are for the way there."""

LOOKED_AT = 2000
"""Messages that a purge looks through at most."""

LONGEST_SLOWMODE = timedelta(hours=6)
Count = commands.Range[int, 1, 500]
OFF = frozenset({"0", "off", "ปิด"})


class Found(NamedTuple):
    """What a purge found: what it may delete, and whether it stopped at messages that are too old."""

    messages: list[discord.Message]
    is_cut: bool


class Channels(commands.Cog):
    """What moderators do to channels."""

    def __init__(self, bot: Bot, acts: Acts, locks: Locks) -> None:
        self.bot = bot
        self.acts = acts
        self.locks = locks

    @hybrid_command()
    @guarded("manage_messages", in_channel=True)
    async def purge(
        self,
        ctx: commands.Context[Bot],
        count: Count,
        user: discord.User | None = None,
        bots: bool | None = None,
        *,
        contains: str | None = None,
    ) -> None:
        """Delete the newest messages here; pinned ones stay.

        Args:
            ctx: where.
            count: How many.
            user: Only those of one person.
            bots: Only those of bots.
            contains: Only those with these words in them.
        """
        await ctx.defer(ephemeral=True)
        before = ctx.message if ctx.interaction is None else None
        found = await self._find(ctx, count, _wanted(user, bots, contains), before)
        reason = audit_line(ctx.author.name, f"purge in #{getattr(ctx.channel, 'name', '')}")
        deleted = await _delete(ctx.channel, found.messages, reason)
        guild = guild_of(ctx)
        details = {"channel": ctx.channel.id, "count": deleted}
        target = user.id if user else None
        await self.bot.database.log_audit("moderation.purge", guild.id, ctx.author.id, target, details)
        await self._tell(guild, "purge", ctx.author, count=deleted, channel=ctx.channel.id)
        text = await self.bot.text(ctx, "moderation.deleted", count=deleted)
        if found.is_cut:
            text += "\n" + await self.bot.text(ctx, "moderation.too_old")
        await ctx.send(text, ephemeral=True)

    async def _find(
        self,
        ctx: commands.Context[Bot],
        count: int,
        wanted: Callable[[discord.Message], bool],
        before: discord.Message | None,
    ) -> Found:
        oldest, found = self.acts.now() - BULK_AGE, list[discord.Message]()
        async for message in ctx.channel.history(limit=LOOKED_AT, before=before):
            if message.created_at < oldest:
                return Found(found, is_cut=True)
            if not message.pinned and wanted(message):
                found.append(message)
            if len(found) == count:
                break
        return Found(found, is_cut=False)

    @hybrid_command()
    @guarded("manage_channels", in_channel=True)
    async def slowmode(
        self, ctx: commands.Context[Bot], duration: str, channel: discord.TextChannel | None = None
    ) -> None:
        """Let each member write only once in a while; `off` ends it.

        Args:
            ctx: where.
            duration: How long to wait: 10s, 5m, up to 6h; off.
            channel: Where, if not here.
        """
        place = _text_channel(channel or ctx.channel)
        _require_channel(ctx, place)
        wait = timedelta(0) if duration.strip().lower() in OFF else duration_of(duration, LONGEST_SLOWMODE)
        await place.edit(slowmode_delay=int(wait.total_seconds()), reason=audit_line(ctx.author.name, "slowmode"))
        guild = guild_of(ctx)
        details = {"channel": place.id, "seconds": int(wait.total_seconds())}
        await self.bot.database.log_audit("moderation.slowmode", guild.id, ctx.author.id, None, details)
        key = "moderation.slowmode" if wait else "moderation.slowmode_off"
        await quietly(ctx, key, channel=place.mention, duration=write_duration(wait))

    @hybrid_command()
    @guarded("manage_channels", "manage_roles", in_channel=True)
    async def lock(
        self, ctx: commands.Context[Bot], channel: discord.TextChannel | None = None, *, reason: str | None = None
    ) -> None:
        """Let nobody write in a channel for now.

        Args:
            ctx: where.
            channel: Which, if not this one.
            reason: Why; everybody can read it.
        """
        place = _text_channel(channel or ctx.channel)
        _require_channel(ctx, place)
        if not await self.locks.lock(place, audit_line(ctx.author.name, clean(reason) or "lock")):
            raise Refused("moderation.locked_before", channel=place.mention)
        await self._say_lock(ctx, place, "locked", reason)

    @hybrid_command()
    @guarded("manage_channels", "manage_roles", in_channel=True)
    async def unlock(
        self, ctx: commands.Context[Bot], channel: discord.TextChannel | None = None, *, reason: str | None = None
    ) -> None:
        """Let people write again in a channel that was locked.

        Args:
            ctx: where.
            channel: Which, if not this one.
            reason: Why; everybody can read it.
        """
        place = _text_channel(channel or ctx.channel)
        _require_channel(ctx, place)
        if not await self.locks.unlock(place, audit_line(ctx.author.name, clean(reason) or "unlock")):
            raise Refused("moderation.not_locked", channel=place.mention)
        await self._say_lock(ctx, place, "unlocked", reason)

    async def _say_lock(
        self, ctx: commands.Context[Bot], place: discord.TextChannel, what: str, reason: str | None
    ) -> None:
        """Tell everybody in the channel, the moderator, the mod-log and the audit log."""
        guild = guild_of(ctx)
        await self.bot.database.log_audit(f"moderation.{what}", guild.id, ctx.author.id, None, {"channel": place.id})
        await self._tell(guild, what, ctx.author, channel=place.id)
        text = await self.bot.text(guild, f"moderation.{what}_here")
        why = shown(clean(reason, 500))
        if place.permissions_for(guild.me).send_messages:
            none = discord.AllowedMentions.none()
            await place.send(f"{text}\n{why}" if why else text, allowed_mentions=none)
        await quietly(ctx, f"moderation.{what}", channel=place.mention)

    async def _tell(self, guild: discord.Guild, what: str, who: discord.abc.User, **values: object) -> None:
        text = await self.bot.text(guild, f"moderation.log.{what}", moderator=who.mention, **values)
        embed = discord.Embed(description=text, colour=0x3498DB, timestamp=self.acts.now())
        await self.acts.modlog.say(guild, embed)


def _wanted(user: discord.User | None, bots: bool | None, contains: str | None) -> Callable[[discord.Message], bool]:
    words = (contains or "").casefold()
    return lambda message: (
        (user is None or message.author.id == user.id)
        and (not bots or message.author.bot)
        and words in message.content.casefold()
    )


async def _delete(channel: discord.abc.Messageable, messages: Sequence[discord.Message], reason: str) -> int:
    """Delete messages, as many at once as Discord takes; return how many."""
    for start in range(0, len(messages), BULK):
        await channel.delete_messages(messages[start : start + BULK], reason=reason)  # type: ignore[attr-defined]  # a guild's
    return len(messages)


def _text_channel(place: object) -> discord.TextChannel:
    if not isinstance(place, discord.TextChannel):
        raise Refused("moderation.text_channels_only")
    return place


def _require_channel(ctx: commands.Context[Bot], place: discord.TextChannel) -> None:
    """Refuse a channel in which the moderator has not the permission that the command needs.

    Raises:
        commands.MissingPermissions: they have not.
    """
    if isinstance(ctx.author, discord.Member) and not place.permissions_for(ctx.author).manage_channels:
        raise commands.MissingPermissions(["manage_channels"])
