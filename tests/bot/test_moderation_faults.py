"""Moderation while things go wrong: a killed process, lost answers, servers that fail, an area that is taken away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from reference import bot as bot_module
from reference.bot import build_bot
from reference.utils.database.database import Database
from tests.bot.bot_process import BotProcess, launch
from tests.bot.conftest import Stage, running
from tests.bot.court import Court, court, settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    from localdiscord import LocalDiscord
    from reference.config import Settings

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["court", "launch", "settings"]


async def test_a_bot_that_is_killed_in_the_middle_of_a_ban_leaves_neither_silence_nor_a_lie(
    discord: LocalDiscord, settings: Settings, launch: Callable[..., BotProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After kill -9 the ban that Discord did is a case, the kick that it did not is none; settings are whole."""
    owner, moderator = discord.person(discord.town.owner), discord.person(discord.town.moderator)
    general, guild = discord.town.channels["general"], discord.town.guild
    carol, somchai = discord.town.members
    killed = launch(settings.data)
    await killed.ready()
    log = discord.town.channels["mod-log"]
    await owner.reply(owner.slash(general, "settings channel", purpose="log", channel=log))
    await moderator.reply(moderator.slash(general, "warn", member=carol, reason="first"))
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    banned, asked = asyncio.Event(), asyncio.Event()

    async def done_and_silent(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        banned.set()
        await never
        return web.Response(status=204)

    async def not_done(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        asked.set()
        await never
        return web.Response(status=204)

    discord.faults._wait("silence", "PUT", "/guilds/*/bans/*", 1, done_and_silent)
    discord.faults._wait("hold", "DELETE", "/guilds/*/members/*", 1, not_done)
    moderator.slash(general, "ban", user=carol, reason="second")
    moderator.slash(general, "kick", member=somchai, reason="third")
    async with asyncio.timeout(30):
        await asyncio.gather(banned.wait(), asked.wait())
    killed.kill()
    never.cancel()
    discord.faults._waiting.clear()
    monkeypatch.setattr(bot_module, "AREAS", ("moderation", "settings"))
    monkeypatch.setattr(Database, "_instance", None)
    again = build_bot(settings, connector=discord.connector(), guild_ready_timeout=0)
    async with running(again, discord):
        court = Court(Stage(discord, again))
        async with asyncio.timeout(10):
            await discord.until(lambda: len(court.logged()) == 2)
            while await court.acts.store.pending(guild.id):
                await discord.settled()
        assert [embed["title"] for embed in court.logged()] == ["Case 1 · Warning", "Case 2 · Ban"]
        second = await court.case(2)
        assert (second.draft.reason, second.draft.moderator_id) == ("second", moderator.user.id)
        assert await court.case(3) is None
        assert (await again.guild_config(guild.id)).log_channel_id == log.id
    assert await Database().close_pool()
    assert somchai.id in guild.members


async def test_an_answer_that_is_lost_is_looked_up(court: Court) -> None:
    """Where Discord did it and its answer was lost, the audit log tells, and the case is as usual.

    Some requests are sent a second time by the HTTP client, and then Discord knows no such member.
    """
    faults = court.stage.discord.faults
    faults.drop_answer("/guilds/*/members/*", method="PATCH")
    answer = await court.use(court.bob, "timeout", member=court.somchai.user, duration="1h")
    assert answer.startswith("Somchai is in time-out")
    faults.drop_answer("/guilds/*/members/*", method="DELETE", times=2)
    assert await court.use(court.bob, "kick", member=court.carol.user, reason="x") == "Carol was kicked: case 2."
    assert await court.acts.store.pending(court.guild.id) == []
    await court.stage.settled()
    assert [embed["title"] for embed in court.logged()] == ["Case 1 · Time-out", "Case 2 · Kick"]


async def test_somebody_who_left_meanwhile_is_no_case(court: Court) -> None:
    """Where the member left by themselves a moment before, the kick is refused kindly and leaves no case."""
    faults = court.stage.discord.faults
    fault = faults.hold("/guilds/*/members/*", method="DELETE")
    asked = court.bob.slash(court.general, "kick", member=court.carol.user)
    await court.stage.discord.until(lambda: court.direct(court.carol.user))
    court.carol.leave(court.guild)
    fault.release()
    answer = await court.bob.reply(asked)
    assert answer.content == "Carol is not in this server any more."
    assert await court.acts.store.pending(court.guild.id) == []
    assert court.logged() == []


async def test_what_discord_neither_did_nor_refused_is_told_as_such(court: Court) -> None:
    """Where Discord fails and nothing is to be seen, the moderator hears so, and no case has a number."""
    court.stage.discord.faults.server_error("/guilds/*/members/*", 503, method="DELETE")
    answer = await court.use(court.bob, "kick", member=court.carol.user)
    assert answer == "Discord did not say whether that was done to Carol. If it was, there is a case of it: see /cases."
    assert await court.case(1) is None
    assert court.carol.user.id in court.guild.members


async def test_an_act_that_shows_late_is_settled_by_its_entry(court: Court) -> None:
    """Where the audit log cannot be read either, the entry that Discord sends later settles the case."""
    faults = court.stage.discord.faults
    faults.server_error("/guilds/*/audit-logs", 503, method="GET")
    faults.server_error("/guilds/*/members/*", 503, method="DELETE")
    assert (await court.use(court.bob, "kick", member=court.carol.user)).startswith("Discord did not say")
    (pending,) = await court.acts.store.pending(court.guild.id)
    court.stage.discord.person(court.stage.town.application.bot).kick(
        court.guild, court.carol.user, f"bob: x [#{pending.id}]"
    )
    await court.stage.settled()
    assert (await court.case(1)).id == pending.id
    assert [embed["title"] for embed in court.logged()] == ["Case 1 · Kick"]


async def test_a_modlog_that_fails_keeps_nothing_from_happening(court: Court) -> None:
    """Where the mod-log or the member cannot be written to, the act and its case are as usual."""
    faults = court.stage.discord.faults
    faults.server_error(f"/channels/{court.log.id}/messages", 503)
    faults.drop_request("/users/@me/channels")
    answer = await court.use(court.bob, "warn", member=court.carol.user, reason="x")
    assert answer.startswith("Carol was warned: case 1.")
    await court.use(court.bob, "warn", member=court.carol.user, reason="y")
    assert [embed["title"] for embed in court.logged()] == ["Case 2 · Warning"]
    faults.server_error(f"/channels/{court.log.id}/messages/*", 503, method="PATCH")
    assert await court.use(court.bob, "reason", number=2, text="z") == "Case 2 has its new reason."


async def test_a_ban_that_cannot_be_lifted_yet_is_tried_again(court: Court) -> None:
    """Where Discord does not lift a ban at its time, it is lifted at the next attempt."""
    await court.use(court.bob, "ban", user=court.carol.user, duration="1h")
    fault = court.stage.discord.faults.server_error("/guilds/*/bans/*", 503, method="GET", times=2)
    court.acts.now = lambda: datetime.now(UTC) + timedelta(hours=2)
    watch: Any = court.bot.get_cog("Watch")
    watch.expiry.again = 0.01
    watch.expiry.wake()
    async with asyncio.timeout(10):
        await court.stage.discord.until(lambda: court.carol.user.id not in court.guild.bans)
        await court.stage.discord.until(lambda: len(court.logged()) == 2)
    assert fault.met == 2


async def test_a_ban_of_a_guild_that_is_not_there_waits(court: Court) -> None:
    """Where the bot is not in the guild any more, or the guild is down, the ban stays as it is."""
    await court.use(court.bob, "ban", user=court.carol.user, duration="1h")
    case = await court.case(1)
    watch: Any = court.bot.get_cog("Watch")
    court.stage.discord.faults.outage(court.guild)
    await court.stage.settled()
    assert not await watch.recovery.lift(case)
    court.stage.discord.faults.restore(court.guild)
    await court.stage.settled()
    assert await watch.recovery.lift(case)


async def test_what_is_about_to_be_done_is_not_taken_for_left_off(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case that was just written down is not discarded by a look at what was left off before it is known as busy."""
    watch: Any = court.bot.get_cog("Watch")
    write_down = court.acts.store.open
    looks: list[asyncio.Task[None]] = []

    async def looked_for_at_once(draft: Any) -> Any:
        case = await write_down(draft)
        looks.append(asyncio.create_task(watch.recovery.reconcile(court.bot.get_guild(court.guild.id))))
        await asyncio.wait(looks, timeout=0.2)
        return case

    monkeypatch.setattr(court.acts.store, "open", looked_for_at_once)
    answer = await court.use(court.bob, "ban", user=court.carol.user, reason="x")
    assert "case 1" in answer
    await asyncio.gather(*looks)
    assert [embed["title"] for embed in court.logged()] == ["Case 1 · Ban"]


async def test_a_database_that_fails_does_not_end_the_task(court: Court) -> None:
    """Where due bans cannot be looked up, they are looked up again later."""
    await court.use(court.bob, "ban", user=court.carol.user, duration="1h")
    await court.bot.database.write(lambda raw: raw.execute("ALTER TABLE mod_case RENAME TO away"))
    watch: Any = court.bot.get_cog("Watch")
    watch.expiry.again = 0.01
    watch.expiry.wake()
    await court.stage.settled()
    await court.bot.database.write(lambda raw: raw.execute("ALTER TABLE away RENAME TO mod_case"))
    court.acts.now = lambda: datetime.now(UTC) + timedelta(hours=2)
    watch.expiry.wake()
    async with asyncio.timeout(10):
        await court.stage.discord.until(lambda: court.carol.user.id not in court.guild.bans)
        await court.stage.discord.until(lambda: len(court.logged()) == 2)


async def test_what_is_kept_about_somebody_is_handed_out_and_forgotten(court: Court) -> None:
    """A member gets their cases, and after their wish to be forgotten neither name nor reason is kept."""
    await court.use(court.bob, "warn", member=court.carol.user, reason="be kind")
    exported = await court.bot.privacy.export(court.carol.user.id)
    (case,) = exported["moderation"]
    assert (case["action"], case["reason"], case["number"]) == ("warn", "be kind", 1)
    forgotten = await court.bot.privacy.forget(court.carol.user.id)
    assert "moderation.privacy_stays" in forgotten.stays
    kept = (await court.case(1)).draft
    assert (kept.reason, kept.target_name, kept.target_id) == ("", "", court.carol.user.id)


async def test_an_area_that_is_taken_away_leaves_nothing_running(court: Court) -> None:
    """Unloaded, the area has no task, no menu and no listener left; loaded again it goes on."""
    await court.bot.unload_extension("reference.cogs.moderation")
    assert court.bot.tree.get_commands() == []
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("moderation")]
    await court.bot.load_area("moderation")
    assert court.bot.get_cog("Watch") is not None
