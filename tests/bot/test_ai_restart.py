"""What a bot that is killed in the middle of an answer leaves, and what the next one makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.bot import build_bot
from reference.cogs.ai.growing import GrowingAnswers
from reference.utils.database.database import Database
from tests.ai.service import Service
from tests.bot.bot_process import BotProcess, launch
from tests.bot.conftest import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from localdiscord import LocalDiscord
    from reference.config import Settings
    from tests.bot.conftest import Stage

__all__ = ["launch"]


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A service that listens."""
    async with Service() as service:
        yield service


async def test_an_answer_under_way_is_ended_by_the_next_bot(
    discord: LocalDiscord,
    settings: Settings,
    service: Service,
    launch: Callable[..., BotProcess],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After kill -9 the finished turn is remembered and paid for; the other one is neither, and its message says so."""
    bot, general = discord.town.application.bot, discord.town.channels["general"]
    carol = discord.person(discord.town.members[0])
    killed = launch(
        settings.data,
        AI__ENDPOINT__BASE_URL=service.endpoint().base_url,
        AI__ENDPOINT__MODEL="test-model",
        AI__EDIT_SECONDS="0.02",
        AI__RETRIES="0",
    )
    await killed.ready()
    first = carol.say(general, f"<@{bot.id}> hello")
    await carol.expect(general, lambda seen: seen.author is bot and seen.content == "Hello world", after=first.id)
    service.plan.append(service.stalling("Once upon a time"))
    second = carol.say(general, f"<@{bot.id}> tell me a story")
    broken = await carol.expect(general, lambda seen: seen.content == "Once upon a time …", after=second.id)
    killed.kill()
    monkeypatch.setattr(Database, "_instance", None)
    again = build_bot(settings, connector=discord.connector(), guild_ready_timeout=0)
    async with running(again, discord):
        await carol.expect(general, lambda seen: seen.content == "Once upon a time\n-# stopped", after=second.id)
        usage = await carol.reply(carol.slash(general, "ai usage"))
        assert "18 of 50,000 tokens" in str(usage.embeds)
        history = await again.database.get_ai_history(general.id)
        assert [row["content"] for row in history] == ["hello", "Hello world"]
        while await GrowingAnswers(again.database).all():
            await discord.settled()
    assert await Database().close_pool()
    assert broken.content.endswith("stopped")


async def test_an_answer_that_is_gone_is_forgotten(stage: Stage) -> None:
    """What a killed process left behind and Discord has no longer is no trouble."""
    growing = GrowingAnswers(stage.bot.database)
    await growing.begin(1, 2, "en")
    await stage.bot.reload_extension("reference.cogs.ai")
    while await growing.all():
        await stage.discord.settled()
    assert await stage.bot.errors.incidents.recent() == []
