"""Commands about members: warn, note, time-out, kick, ban, and taking it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from reference.commands import hybrid_command
from reference.errors import Refused

from .cases import Action
from .durations import LONGEST_TIMEOUT
from .guards import duration_of, guarded, guild_of, leading_duration, quietly
from .texts import clean, shown

if TYPE_CHECKING:
    from reference.bot import Bot

    from .acts import Acts
    from .expiry import Expiry

__all__ = ["Members"]

LONGEST_BAN = timedelta(days=3650)
Days = commands.Range[int, 0, 7]


class Members(commands.Cog):
    """What moderators do to members."""

    def __init__(self, bot: Bot, acts: Acts, expiry: Expiry) -> None:
        self.bot = bot
        self.acts = acts
        self.expiry = expiry

    @hybrid_command()
    @guarded("moderate_members", "")
    async def warn(self, ctx: commands.Context[Bot], member: discord.Member, *, reason: str) -> None:
        """Warn a member.

        Args:
            ctx: where.
            member: Who.
            reason: Why.
        """
        await self._act(ctx, Action.WARN, member, reason)

    @hybrid_command()
    @guarded("moderate_members", "")
    async def note(self, ctx: commands.Context[Bot], user: discord.User, *, text: str) -> None:
        """Keep a note about somebody, for moderators only.

        Args:
            ctx: where.
            user: About whom.
            text: What moderators should know.
        """
        if not clean(text):
            raise Refused("moderation.empty_note")
        outcome = await self.acts.act(guild_of(ctx), Action.NOTE, user, ctx.author, text)
        await quietly(ctx, "moderation.done.note", name=shown(user.display_name), number=outcome.case.number)

    @hybrid_command()
    @guarded("moderate_members")
    async def timeout(
        self, ctx: commands.Context[Bot], member: discord.Member, duration: str, *, reason: str | None = None
    ) -> None:
        """Put a member into time-out.

        Args:
            ctx: where.
            member: Who.
            duration: How long: 10m, 1h30m, up to 28d.
            reason: Why.
        """
        await self._act(ctx, Action.TIMEOUT, member, reason, duration=duration_of(duration, LONGEST_TIMEOUT))

    @hybrid_command()
    @guarded("moderate_members")
    async def untimeout(self, ctx: commands.Context[Bot], member: discord.Member, *, reason: str | None = None) -> None:
        """End the time-out of a member.

        Args:
            ctx: where.
            member: Who.
            reason: Why.
        """
        if not member.is_timed_out():
            raise Refused("moderation.not_timed_out", name=shown(member.display_name))
        await self._act(ctx, Action.UNTIMEOUT, member, reason)

    @hybrid_command()
    @guarded("kick_members")
    async def kick(self, ctx: commands.Context[Bot], member: discord.Member, *, reason: str | None = None) -> None:
        """Remove a member, who may come back.

        Args:
            ctx: where.
            member: Who.
            reason: Why.
        """
        await self._act(ctx, Action.KICK, member, reason)

    @hybrid_command()
    @guarded("ban_members")
    async def ban(
        self,
        ctx: commands.Context[Bot],
        user: discord.User,
        *,
        reason: str | None = None,
        duration: str | None = None,
        delete_days: Days = 0,
    ) -> None:
        """Ban somebody, for good or for a time.

        Args:
            ctx: where.
            user: Who; an id will do for somebody who is not here.
            reason: Why.
            duration: How long: 1d, 2w; nothing for ever.
            delete_days: Delete the messages of how many days, up to 7.
        """
        if ctx.interaction is None:
            duration, reason = leading_duration(reason)
        lasts = duration_of(duration, LONGEST_BAN) if duration else None
        target = guild_of(ctx).get_member(user.id) or user
        await self._act(ctx, Action.BAN, target, reason, duration=lasts, delete_days=delete_days)
        self.expiry.wake()

    @hybrid_command()
    @guarded("ban_members")
    async def unban(self, ctx: commands.Context[Bot], user: discord.User, *, reason: str | None = None) -> None:
        """Lift a ban.

        Args:
            ctx: where.
            user: Who, by name or id.
            reason: Why.
        """
        await self._act(ctx, Action.UNBAN, user, reason)

    async def _act(
        self,
        ctx: commands.Context[Bot],
        action: Action,
        target: discord.Member | discord.User,
        reason: str | None,
        *,
        duration: timedelta | None = None,
        delete_days: int = 0,
    ) -> None:
        """Do it, and say so; `Acts.act` in a conversation."""
        guild = guild_of(ctx)
        self.acts.require_reach(guild, ctx.author, target, action)
        await ctx.defer(ephemeral=True)
        outcome = await self.acts.act(
            guild, action, target, ctx.author, reason, duration=duration, delete_days=delete_days
        )
        case = outcome.case
        end = case.draft.expires_at
        key = f"moderation.done.{action}" + ("_until" if end else "")
        until = discord.utils.format_dt(end, "R") if end else ""
        text = await self.bot.text(ctx, key, name=shown(target.display_name), number=case.number, until=until)
        if outcome.was_told is False:
            text += "\n" + await self.bot.text(ctx, "moderation.not_told")
        await ctx.send(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())
