"""What a crash, a restart and the passing of time leave: no silent act, no false case, no forgotten ban."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from localdiscord.actions import bans, members
from localdiscord.permissions import Permissions
from reference.bot import build_bot
from reference.cogs.moderation.cases import Action, Draft
from reference.cogs.moderation.texts import audit_reason
from tests.bot.conftest import running
from tests.bot.court import Court, court, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from reference.bot import Bot

__all__ = ["court", "settings"]


async def restart(court: Court) -> Any:
    """Return the body of a new bot on the same database and the same local Discord, after the old one has ended."""
    await court.bot.close()
    return build_bot(court.bot.settings, connector=court.stage.discord.connector(), guild_ready_timeout=0)


def draft(court: Court, action: Action, target: Any, **more: Any) -> Draft:
    """Return what the bot wrote down before it was killed."""
    values = (court.guild.id, action, target.id, target.username, court.bob.user.id, "spam", datetime.now(UTC))
    return Draft(*values, **more)


async def reconciled(bot: Bot, court: Court) -> Any:
    """Wait until nothing is pending, and return the cases that there are."""
    cog: Any = bot.get_cog("Members")
    await court.stage.settled()
    async with asyncio.timeout(5):
        while await cog.acts.store.pending(court.guild.id):
            await court.stage.settled()
    return [case for number in range(1, 9) if (case := await cog.acts.store.find(court.guild.id, number))]


async def test_cases_outlive_a_restart(court: Court) -> None:
    """What was done before is there for another bot object, and numbers go on."""
    await court.use(court.bob, "warn", member=court.carol.user, reason="x")
    bot = await restart(court)
    async with running(bot, court.stage.discord):
        assert await court.use(court.bob, "warn", member=court.carol.user, reason="y") == "Carol was warned: case 2."
        page = await court.bob.reply(court.bob.slash(court.general, "cases", user=court.carol.user))
        assert page.embeds[0]["title"] == "2 cases"


async def test_buttons_of_pages_outlive_a_restart(court: Court) -> None:
    """The pages of `/cases` can be turned after a restart."""
    for number in range(6):
        await court.use(court.bob, "note", user=court.carol.user, text=f"note {number}")
    page = await court.bob.reply(court.bob.slash(court.general, "cases", user=court.carol.user))
    bot = await restart(court)
    async with running(bot, court.stage.discord):
        await court.bob.reply(court.bob.click(page, "▶"))
        assert page.embeds[0]["footer"]["text"] == "Page 2 of 2"


async def test_an_act_that_a_crash_cut_off_from_its_record_is_found(court: Court) -> None:
    """What Discord did, and the bot did not number any more, is numbered at the next start, and told."""
    dave = court.world.add_user("Dave")
    members.join(court.world, court.guild, dave)
    bot_user = court.stage.town.application.bot
    kick = await court.acts.store.open(draft(court, Action.KICK, dave))
    ban = await court.acts.store.open(draft(court, Action.BAN, court.carol.user))
    members.kick(court.world, court.guild, bot_user, dave, audit_reason(kick.id, "bob", "spam"))
    bans.ban(court.world, court.guild, bot_user, court.carol.user, audit_reason(ban.id, "bob", "spam"))
    bot = await restart(court)
    async with running(bot, court.stage.discord):
        found = await reconciled(bot, court)
        assert [(case.number, case.draft.action) for case in found] == [(1, "kick"), (2, "ban")]
        await court.stage.discord.until(lambda: len(court.logged()) == 2)
        await court.stage.settled()
    assert [embed["title"] for embed in court.logged()] == ["Case 1 · Kick", "Case 2 · Ban"]


async def test_a_case_of_what_was_never_done_is_dropped(court: Court) -> None:
    """What was written down and not done, or done by somebody else, is no case."""
    for action in (Action.KICK, Action.BAN, Action.WARN, Action.UNBAN):
        await court.acts.store.open(draft(court, action, court.carol.user))
    end = datetime.now(UTC) + timedelta(hours=1)
    await court.acts.store.open(draft(court, Action.TIMEOUT, court.carol.user, expires_at=end))
    bot = await restart(court)
    async with running(bot, court.stage.discord):
        assert await reconciled(bot, court) == []
    assert court.logged() == []


async def test_without_the_audit_log_the_state_of_the_guild_decides(court: Court) -> None:
    """Where the bot may not read Discord's audit log, it looks who is banned, gone or in time-out."""
    dave, eve = court.world.add_user("Dave"), court.world.add_user("Eve")
    bot_user = court.stage.town.application.bot
    members.join(court.world, court.guild, dave)
    end = datetime.now(UTC) + timedelta(hours=1)
    store = court.acts.store
    await store.open(draft(court, Action.TIMEOUT, court.carol.user, expires_at=end))
    await store.open(draft(court, Action.UNTIMEOUT, court.somchai.user))
    await store.open(draft(court, Action.KICK, eve))
    await store.open(draft(court, Action.KICK, dave))
    await store.open(draft(court, Action.BAN, eve))
    await store.open(draft(court, Action.UNBAN, dave))
    await store.open(draft(court, Action.TIMEOUT, eve, expires_at=end))
    carol = court.guild.member(court.carol.user.id)
    change = {"communication_disabled_until": end}
    members.change(court.world, court.guild, bot_user, carol, change)
    role = next(role for role in court.guild.roles.values() if role.managed)
    role.permissions = Permissions.BAN_MEMBERS | Permissions.VIEW_CHANNEL | Permissions.SEND_MESSAGES
    role.permissions |= Permissions.EMBED_LINKS
    bot = await restart(court)
    async with running(bot, court.stage.discord):
        found = await reconciled(bot, court)
    done = [(case.draft.action, case.draft.target_name) for case in found]
    assert done == [("timeout", "carol"), ("untimeout", "somchai"), ("kick", "eve"), ("unban", "dave")]


async def test_what_was_done_by_hand_meanwhile_is_caught_up_with(court: Court) -> None:
    """A ban by hand while the bot was away is a case after its return, once."""
    await court.use(court.bob, "warn", member=court.carol.user, reason="x")
    await court.bot.close()
    bans.ban(court.world, court.guild, court.bob.user, court.carol.user, "by hand")
    for _ in range(2):
        bot = build_bot(court.bot.settings, connector=court.stage.discord.connector(), guild_ready_timeout=0)
        async with running(bot, court.stage.discord):
            await court.stage.discord.until(lambda: len(court.logged()) == 2)
            await court.stage.settled()
            found = await reconciled(bot, court)
    assert [(case.draft.action, case.draft.reason) for case in found] == [("warn", "x"), ("ban", "by hand")]


async def test_a_case_that_the_modlog_was_not_told_is_told_late(court: Court) -> None:
    """A case whose telling a crash cut off is told at the next start; one that was told is not told again."""
    await court.use(court.bob, "warn", member=court.carol.user, reason="told")
    await court.acts.store.record(draft(court, Action.KICK, court.carol.user))
    bot = await restart(court)
    async with running(bot, court.stage.discord):
        await court.stage.discord.until(lambda: len(court.logged()) == 2)
        await court.stage.settled()
    assert [embed["title"] for embed in court.logged()] == ["Case 1 · Warning", "Case 2 · Kick"]


def later(delta: timedelta) -> Callable[[], datetime]:
    """Return a clock that is ahead."""
    return lambda: datetime.now(UTC) + delta


async def test_a_ban_for_a_time_is_lifted_then(court: Court) -> None:
    """A ban of a day is lifted a day later, as a case of the bot, and its own case says so."""
    await court.use(court.bob, "ban", user=court.carol.user, duration="1d")
    watch: Any = court.bot.get_cog("Watch")
    watch.expiry.wake()
    await court.stage.settled()
    assert court.carol.user.id in court.guild.bans
    court.acts.now = later(timedelta(days=1, minutes=1))
    watch.expiry.wake()
    await court.stage.discord.until(lambda: court.carol.user.id not in court.guild.bans)
    await court.stage.discord.until(lambda: len(court.logged()) == 2)
    assert court.logged()[1]["description"] == "The time of the ban in case 1 is over."
    assert (await court.case(1)).is_over


async def test_a_ban_that_ends_while_the_bot_is_away_is_lifted_at_its_return(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a ban outlives a restart, even where it lies in between."""
    await court.use(court.bob, "ban", user=court.carol.user, duration="1h")
    bot = await restart(court)
    monkeypatch.setattr("discord.utils.utcnow", later(timedelta(hours=2)))
    async with running(bot, court.stage.discord):
        await court.stage.discord.until(lambda: court.carol.user.id not in court.guild.bans)
        await court.stage.settled()


async def test_a_ban_that_was_lifted_or_made_anew_by_hand_is_left_alone(court: Court) -> None:
    """Where a moderator lifted a ban, or banned for good since, the end of the first ban means nothing."""
    await court.use(court.bob, "ban", user=court.carol.user, duration="1h")
    await court.use(court.bob, "unban", user=court.carol.user)
    await court.use(court.bob, "ban", user=court.carol.user)
    watch: Any = court.bot.get_cog("Watch")
    court.acts.now = later(timedelta(hours=2))
    assert await court.acts.store.due(court.acts.now()) == []
    watch.expiry.wake()
    await court.stage.settled()
    assert court.carol.user.id in court.guild.bans


async def test_a_ban_that_is_gone_when_its_time_comes_is_over(court: Court) -> None:
    """Where Discord knows of no ban any more, the case is closed without a word."""
    await court.use(court.bob, "ban", user=court.carol.user, duration="1h")
    del court.guild.bans[court.carol.user.id]
    watch: Any = court.bot.get_cog("Watch")
    assert await watch.recovery.lift(await court.case(1))
    assert (await court.case(1)).is_over
    assert len(court.logged()) == 1
