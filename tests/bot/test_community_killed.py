"""What a community bot that is killed leaves, and what the next one makes of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reference import bot as bot_module
from reference.bot import build_bot
from reference.utils.database.database import Database
from tests.bot.bot_process import BotProcess, launch
from tests.bot.conftest import running
from tests.bot.square import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from localdiscord import LocalDiscord
    from reference.config import Settings

__all__ = ["launch", "settings"]


async def test_nothing_is_lost_or_doubled_by_a_kill(
    discord: LocalDiscord, settings: Settings, launch: Callable[..., BotProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After kill -9 the reminder on its way was shown once, the other one is kept, and the poll counts on."""
    general = discord.town.channels["general"]
    carol, bob = discord.person(discord.town.members[0]), discord.person(discord.town.moderator)
    killed = launch(settings.data, "tests.bot.forgetful")
    await killed.ready()
    poll = await carol.reply(carol.slash(general, "poll start", question="Tea?", options="yes | no"))
    await bob.answered(bob.click(poll, "1. yes"))
    await carol.reply(carol.slash(general, "remind me", when="1 hour", about="bread"))
    await carol.reply(carol.slash(general, "remind me", when="1s", about="tea"))
    await carol.expect(general, lambda seen: seen.content.startswith("⏰"))
    killed.kill()
    monkeypatch.setattr(Database, "_instance", None)
    monkeypatch.setattr(bot_module, "AREAS", ("community",))
    again = build_bot(settings, connector=discord.connector(), guild_ready_timeout=0)
    async with running(again, discord):
        cog: Any = again.get_cog("Reminders")
        async with asyncio.timeout(10):
            await cog.schedule.settled()
        assert [each.about for each in await cog.store.of_user(carol.user.id)] == ["bread"]
        assert len([seen for seen in general.messages.values() if seen.content.startswith("⏰")]) == 1
        await carol.answered(carol.click(poll, "2. no"))
        await discord.settled()
        assert poll.embeds[0]["footer"]["text"] == "2 people voted · #1"
    assert await Database().close_pool()
