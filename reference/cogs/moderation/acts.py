"""Doing what moderators decide: written down before it is done, numbered after it, told to those whom it concerns."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import discord

from reference.errors import Refused
from reference.utils.monitoring.structured_logger import get_logger

from .cases import Action, Case, Draft
from .hierarchy import objection, standing
from .modlog import ModLog
from .policies import Policies
from .store import CaseStore
from .texts import TROUBLE, audit_reason, clean, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from reference.bot import Bot

__all__ = ["Acts", "Outcome", "name_of"]

log = get_logger(__name__)

Target = discord.Member | discord.User

TOLD_BEFORE = frozenset({Action.KICK, Action.BAN})
"""Who is told first, because afterwards the bot shares no server with them."""

TOLD_AFTER = frozenset({Action.WARN, Action.TIMEOUT})

REFUSALS = {
    10007: "moderation.gone",
    10013: "moderation.no_such_user",
    10026: "moderation.not_banned",
    30035: "moderation.too_many_bans",
    50013: "moderation.discord_refused",
}
"""What Discord's codes mean to a moderator."""


class WasDone(Protocol):
    """Looks whether an act was done."""

    async def __call__(self, guild: discord.Guild, case: Case, /, *, by_state: bool) -> bool:
        """Tell whether it is to be seen that an act was done.

        Args:
            guild: where.
            case: the act.
            by_state: where the audit log is closed to the bot, let the state of the guild decide.
        """


class Outcome(NamedTuple):
    """What came of an act: its case, and whether the member could be told; None where nobody is told."""

    case: Case
    was_told: bool | None


class Acts:
    """Does what moderators decide.

    Args:
        bot: the bot.

    Attributes:
        store: the cases.
        modlog: tells the moderators of a guild.
        policies: what follows a warning, and what filters do.
        opening: held while a case is written down, until it is known to be busy.
        busy: ids of the cases that are being done at the moment.
        now: tells the time.
        was_done: looks whether Discord did what it did not answer; false where that is not to be seen yet.
    """

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.store = CaseStore(bot.database)
        self.modlog = ModLog(bot, self.store.set_told)
        self.policies = Policies(bot.database)
        self.policies.listeners.append(lambda guild_id: bot.dispatch("policy_change", guild_id))
        self.opening = asyncio.Lock()
        self.busy: set[int] = set()
        self._escalating: set[int] = set()
        self.now: Callable[[], datetime] = discord.utils.utcnow
        self.was_done: WasDone

    def require_reach(self, guild: discord.Guild, moderator: discord.abc.User, target: Target, action: Action) -> None:
        """Refuse what would reach above moderator or bot, before anything happens.

        Raises:
            Refused: it would.
        """
        who = (standing(user, guild.owner_id) for user in (moderator, guild.me, target))
        reason = objection(*who, is_timeout=action is Action.TIMEOUT)
        if reason is not None:
            raise Refused(f"moderation.objection.{reason}", name=shown(target.display_name))

    async def act(
        self,
        guild: discord.Guild,
        action: Action,
        target: Target,
        moderator: discord.abc.User,
        reason: str | None = None,
        *,
        duration: timedelta | None = None,
        delete_days: int = 0,
    ) -> Outcome:
        """Do something to somebody.

        Args:
            guild: where.
            action: what.
            target: to whom.
            moderator: who decided it.
            reason: why, as it was written.
            duration: after which it ends.
            delete_days: days of whose messages a ban deletes.

        Raises:
            Refused: Discord does not let the bot do it: nothing was done, and there is no case. Or Discord does not say
                whether it was done: the case stays pending until that is known.
        """
        now = self.now()
        end = now + duration if duration else None
        draft = Draft(guild.id, action, target.id, name_of(target), moderator.id, clean(reason), now, end)
        async with self.opening:
            case = await self.store.open(draft)
            self.busy.add(case.id)
        try:
            note = await self._tell(guild, draft, target) if action in TOLD_BEFORE else None
            if action in PERFORM:
                await self._perform(guild, case, target, moderator, delete_days, note)
            case = await self.store.settle(case)
        finally:
            self.busy.discard(case.id)
        if action in TOLD_AFTER:
            note = await self._tell(guild, draft, target)
        await self.announce(guild, case)
        if action is Action.WARN and isinstance(target, discord.Member):
            await self._escalate(guild, target)
        return Outcome(case, note is not None if action in TOLD_BEFORE | TOLD_AFTER else None)

    async def left_off(self, guild_id: int) -> list[Case]:
        """Return the pending cases of a guild that nobody is doing, those excluded that came to their end meanwhile."""
        async with self.opening:
            busy = frozenset(self.busy)
            return [case for case in await self.store.pending(guild_id) if case.id not in busy]

    async def _perform(
        self,
        guild: discord.Guild,
        case: Case,
        target: Target,
        moderator: discord.abc.User,
        delete_days: int,
        note: discord.Message | None,
    ) -> None:
        """Let Discord do it; where Discord refuses, forget the case and take back what the member was told."""
        why = audit_reason(case.id, name_of(moderator), case.draft.reason)
        try:
            await PERFORM[case.draft.action](guild, target, why, case.draft, delete_days)
        except TROUBLE as error:
            is_refusal = isinstance(error, discord.HTTPException) and error.status < 500
            # an act whose answer was lost may have been sent twice, and the second time there was nobody left
            is_unclear = isinstance(error, discord.NotFound) or not is_refusal
            if is_unclear and await self.was_done(guild, case, by_state=not is_refusal):
                return
            if not is_refusal:
                raise Refused("moderation.unsure", name=shown(target.display_name)) from error
            await self.store.discard(case)
            if note is not None:
                with contextlib.suppress(*TROUBLE):
                    await note.delete()
            key = REFUSALS.get(getattr(error, "code", 0), "moderation.discord_refused")
            raise Refused(key, name=shown(target.display_name)) from error

    async def _escalate(self, guild: discord.Guild, member: discord.Member) -> None:
        """Put a member into time-out who was warned often enough, where the guild wants that."""
        rule = (await self.policies.of(guild.id)).escalation
        if not rule.enabled or member.id in self._escalating:
            return
        self._escalating.add(member.id)
        try:
            count = await self.store.warnings(guild.id, member.id, self.now() - timedelta(hours=rule.hours))
            if count < rule.warnings:
                return
            self.require_reach(guild, guild.me, member, Action.TIMEOUT)
            reason = await self.bot.text(guild, "moderation.escalation", count=count)
            duration = timedelta(minutes=rule.minutes)
            await self.act(guild, Action.TIMEOUT, member, guild.me, reason, duration=duration)
        except Refused as error:
            log.info("a time-out after warnings was refused", guild=guild.id, user=member.id, reason=error.answer.key)
        finally:
            self._escalating.discard(member.id)

    async def announce(self, guild: discord.Guild, case: Case) -> None:
        """Enter a case into the audit log, and tell the mod-log."""
        draft = case.draft
        details = {"case": case.number}
        kind = f"moderation.{draft.action}"
        await self.bot.database.log_audit(kind, guild.id, draft.moderator_id, draft.target_id, details)
        if draft.action is not Action.NOTE:
            await self.modlog.tell(guild, case)

    async def _tell(self, guild: discord.Guild, draft: Draft, target: Target) -> discord.Message | None:
        """Tell a member what happens to them; None where their messages are closed."""
        if target.bot:
            return None
        values: dict[str, Any] = {"guild": shown(guild.name), "reason": shown(draft.reason) or "-", "until": ""}
        key = f"moderation.told.{draft.action}"
        if draft.expires_at is not None:
            key += "_until"
            values["until"] = discord.utils.format_dt(draft.expires_at, "F")
        try:
            text = await self.bot.text(guild, key, **values)
            return await target.send(text, allowed_mentions=discord.AllowedMentions.none())
        except TROUBLE as error:
            log.info("a member could not be told", guild=guild.id, user=target.id, error=str(error))
            return None


def name_of(user: discord.abc.User) -> str:
    """Return the name of somebody, as it is kept."""
    return clean(user.name, 64)


async def _timeout(_guild: discord.Guild, target: Target, why: str, draft: Draft, _days: int) -> None:
    await _member(target).timeout(draft.expires_at, reason=why)


async def _kick(guild: discord.Guild, target: Target, why: str, _draft: Draft, _days: int) -> None:
    await guild.kick(target, reason=why)


async def _ban(guild: discord.Guild, target: Target, why: str, _draft: Draft, days: int) -> None:
    await guild.ban(target, reason=why, delete_message_seconds=int(timedelta(days=days).total_seconds()))


async def _unban(guild: discord.Guild, target: Target, why: str, _draft: Draft, _days: int) -> None:
    await guild.unban(target, reason=why)


def _member(target: Target) -> discord.Member:
    if not isinstance(target, discord.Member):
        raise Refused("moderation.gone", name=shown(target.display_name))
    return target


PERFORM: dict[Action, Callable[[discord.Guild, Target, str, Draft, int], Awaitable[None]]] = {
    Action.TIMEOUT: _timeout,
    Action.UNTIMEOUT: _timeout,
    Action.KICK: _kick,
    Action.BAN: _ban,
    Action.UNBAN: _unban,
}
