"""What happened while nobody looked: acts that a crash cut off from their record, acts by hand, bans that are over.

A pending case is looked for in Discord's audit log, where its id stands in the reason. Where the bot may not read it,
the state of the guild decides.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import discord

from reference.utils.monitoring.structured_logger import get_logger

from .cases import Action, Draft
from .texts import TROUBLE, clean, reference_in

if TYPE_CHECKING:
    from .acts import Acts
    from .cases import Case

__all__ = ["Recovery"]

log = get_logger(__name__)

ENTRIES = {
    Action.TIMEOUT: discord.AuditLogAction.member_update,
    Action.UNTIMEOUT: discord.AuditLogAction.member_update,
    Action.KICK: discord.AuditLogAction.kick,
    Action.BAN: discord.AuditLogAction.ban,
    Action.UNBAN: discord.AuditLogAction.unban,
}
MOST_ENTRIES = 200
UNTOLD_FOR = 24
"""Hours for which a case that the mod-log was not told is told late."""


class Recovery:
    """Brings cases and guilds together again.

    Args:
        acts: does what is left to do.
    """

    def __init__(self, acts: Acts) -> None:
        self._acts = acts
        self._store = acts.store
        self._began = acts.now()
        acts.was_done = self._was_done_already

    async def reconcile(self, guild: discord.Guild) -> None:
        """Settle or discard the pending cases of a guild, and tell the mod-log what it was not told."""
        for case in await self._acts.left_off(guild.id):
            if case.draft.action in ENTRIES and await self._was_done(guild, case):
                settled = await self._store.settle(case)
                log.info("a case was found to be done", guild=guild.id, case=settled.number)
                await self._acts.announce(guild, settled)
            else:
                log.info("a case was found not to be done", guild=guild.id, action=case.draft.action)
                await self._store.discard(case)
        since = self._began - timedelta(hours=UNTOLD_FOR)
        for case in await self._store.untold(guild.id, since):
            if case.draft.created_at < self._began:
                await self._acts.modlog.tell(guild, case)

    async def catch_up(self, guild: discord.Guild) -> None:
        """Make cases of what was done by hand since the last case, while the bot was away."""
        last = await self._store.last(guild.id)
        if last is None or not guild.me.guild_permissions.view_audit_log:
            return
        async for entry in guild.audit_logs(limit=MOST_ENTRIES, after=last, oldest_first=True):
            await self.note_entry(entry)

    async def _was_done_already(self, guild: discord.Guild, case: Case, /, *, by_state: bool) -> bool:
        try:
            return await (self._was_done(guild, case) if by_state else self._is_in_audit_log(guild, case))
        except TROUBLE as error:
            log.warning("it is not known yet whether an act was done", guild=guild.id, error=str(error))
            return False

    async def _was_done(self, guild: discord.Guild, case: Case) -> bool:
        try:
            return await self._is_in_audit_log(guild, case)
        except discord.Forbidden:
            return await STATES[case.draft.action](guild, case.draft)

    async def _is_in_audit_log(self, guild: discord.Guild, case: Case) -> bool:
        kind = ENTRIES[case.draft.action]
        async for entry in guild.audit_logs(limit=MOST_ENTRIES, user=guild.me, action=kind):
            if reference_in(entry.reason) == case.id:
                return True
            if entry.created_at < case.draft.created_at - timedelta(minutes=5):
                break
        return False

    async def note_entry(self, entry: discord.AuditLogEntry) -> None:
        """Make a case of what a moderator did by hand in Discord; the bot's own acts have one already."""
        guild = entry.guild
        action = _action_of(entry)
        target = entry.target
        if action is None or entry.user_id is None or target is None:
            return
        if entry.user_id == guild.me.id:
            await self._note_own(entry)
            return
        user = target if isinstance(target, discord.Member | discord.User) else self._acts.bot.get_user(int(target.id))
        name = clean(user.name, 64) if user else ""
        end = entry.after.timed_out_until if action is Action.TIMEOUT else None
        reason = clean(entry.reason)
        draft = Draft(guild.id, action, int(target.id), name, entry.user_id, reason, entry.created_at, end)
        case = await self._store.record(draft, entry.id)
        if case is not None:
            await self._acts.announce(guild, case)

    async def _note_own(self, entry: discord.AuditLogEntry) -> None:
        """Settle the case of an act of the bot that Discord did without an answer."""
        number = reference_in(entry.reason)
        if number is None or number in self._acts.busy:
            return
        case = await self._store.get(number)
        if case is None or case.number is not None:
            return
        if case.draft.guild_id == entry.guild.id:
            await self._acts.announce(entry.guild, await self._store.settle(case, entry.id))

    async def lift(self, case: Case) -> bool:
        """End a ban whose time is over.

        Returns:
            False where it has to be tried again, for the guild is not there.

        Raises:
            discord.HTTPException: Discord does not let the bot do it now.
        """
        guild = self._acts.bot.get_guild(case.draft.guild_id)
        if guild is None or guild.unavailable:
            return False
        try:
            ban = await guild.fetch_ban(discord.Object(case.draft.target_id))
        except discord.NotFound:
            await self._store.set_over(case)
            return True
        reason = await self._acts.bot.text(guild, "moderation.ban_over", number=case.number)
        await self._acts.act(guild, Action.UNBAN, ban.user, guild.me, reason)
        return True


def _action_of(entry: discord.AuditLogEntry) -> Action | None:
    if entry.action is discord.AuditLogAction.member_update:
        if not hasattr(entry.after, "timed_out_until"):
            return None
        return Action.TIMEOUT if entry.after.timed_out_until else Action.UNTIMEOUT
    kinds = {ENTRIES[action]: action for action in (Action.KICK, Action.BAN, Action.UNBAN)}
    return kinds.get(entry.action)


async def _is_banned(guild: discord.Guild, draft: Draft) -> bool:
    try:
        await guild.fetch_ban(discord.Object(draft.target_id))
    except discord.NotFound:
        return False
    return True


async def _is_not_banned(guild: discord.Guild, draft: Draft) -> bool:
    return not await _is_banned(guild, draft)


async def _is_gone(guild: discord.Guild, draft: Draft) -> bool:
    try:
        await guild.fetch_member(draft.target_id)
    except discord.NotFound:
        return True
    return False


async def _has_timeout(guild: discord.Guild, draft: Draft) -> bool:
    """Tell whether a member's time-out ends when a case says, or is over where it says so."""
    try:
        member = await guild.fetch_member(draft.target_id)
    except discord.NotFound:
        return False
    if draft.expires_at is None:
        return member.timed_out_until is None
    ends = member.timed_out_until
    return ends is not None and abs((ends - draft.expires_at).total_seconds()) < 1


STATES = {
    Action.TIMEOUT: _has_timeout,
    Action.UNTIMEOUT: _has_timeout,
    Action.KICK: _is_gone,
    Action.BAN: _is_banned,
    Action.UNBAN: _is_not_banned,
}
