"""The daily budget of tokens."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reference.cogs.ai.budget import KEPT_DAYS, DailyUsage, TokenBudget
from reference.cogs.ai.chat import Usage
from reference.cogs.ai.errors import BudgetError

if TYPE_CHECKING:
    from reference.utils.database.database import Database

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


class Day:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


def budget_of(database: Database, user: int = 100, guild: int = 150, now: Day | None = None) -> TokenBudget:
    """Make a budget."""
    return TokenBudget(database, user_limit=user, guild_limit=guild, now=now or Day())


async def test_requests_side_by_side_cannot_overdraw(database: Database) -> None:
    """Of many requests at once, as many are let through as the budget has room for."""
    budget = budget_of(database)
    outcomes = await asyncio.gather(*(budget.reserve(1, 7, 30) for _ in range(10)), return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 3
    refused = [outcome for outcome in outcomes if isinstance(outcome, BudgetError)]
    assert {(error.scope, error.used, error.limit) for error in refused} == {("user", 90, 100)}
    assert {error.renewed_at for error in refused} == {datetime(2026, 3, 15, tzinfo=UTC)}
    assert "90 of 100" in str(refused[0])


async def test_a_guild_shares_a_budget(database: Database) -> None:
    """Two people of one guild are stopped by the guild's budget; a direct message is none of the guild's."""
    budget = budget_of(database)
    await budget.reserve(1, 7, 100)
    with pytest.raises(BudgetError) as caught:
        await budget.reserve(2, 7, 60)
    assert (caught.value.scope, caught.value.used) == ("guild", 100)
    await budget.reserve(2, None, 60)
    assert [status.used for status in await budget.status(2, 7)] == [60, 100]


async def test_what_was_used_takes_the_place_of_what_was_reserved(database: Database) -> None:
    """After a request its true cost counts, and after one that failed nothing does."""
    budget = budget_of(database)
    first, second = await budget.reserve(1, 7, 50), await budget.reserve(1, 7, 50)
    await budget.settle(first, Usage(10, 5))
    await budget.release(second)
    user, guild = await budget.status(1, 7)
    assert (user.used, user.left, guild.used, guild.left) == (15, 85, 15, 135)
    assert await budget.days("user", 1) == [DailyUsage("2026-03-14", 10, 5, 1)]


async def test_a_new_day_brings_a_new_budget(database: Database) -> None:
    """What was used yesterday, and a request over midnight, count for the day on which they began."""
    day = Day()
    budget = budget_of(database, now=day)
    over_midnight = await budget.reserve(1, 7, 100)
    day.now += timedelta(hours=12)
    assert (await budget.status(1, 7))[0].used == 0
    await budget.settle(await budget.reserve(1, 7, 100), Usage(60, 40))
    await budget.settle(over_midnight, Usage(1, 1))
    assert [usage.day for usage in await budget.days("guild", 7)] == ["2026-03-15", "2026-03-14"]


async def test_no_limit_is_no_limit(database: Database) -> None:
    """A limit of 0 lets everything pass, and is counted all the same."""
    budget = budget_of(database, user=0, guild=0)
    await budget.settle(await budget.reserve(1, 7, 10**9), Usage(10**9, 0))
    status = (await budget.status(1, 7))[0]
    assert (status.used, status.left) == (10**9, None)


async def test_a_restart_frees_what_was_reserved_and_keeps_what_was_used(database: Database) -> None:
    """What a killed process left reserved is dropped; days beyond use are too."""
    day = Day()
    await budget_of(database, now=day).reserve(1, 7, 90)
    await budget_of(database, now=day).settle(await budget_of(database, now=day).reserve(1, 7, 10), Usage(3, 4))
    after = budget_of(database, now=day)
    await after.open()
    assert (await after.status(1, 7))[0].used == 7
    day.now += timedelta(days=KEPT_DAYS + 1)
    await after.open()
    assert await after.days("user", 1) == []
