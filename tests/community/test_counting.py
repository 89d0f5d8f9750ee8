"""Facts about counting: everything is written down once, however it comes, and nothing is lost by an error."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from reference.cogs.community import counting
from reference.cogs.community.counting import Counting

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from reference.utils.database.database import Database


class Spawner:
    """Runs things in the background, and tells when they are done."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    def __call__(self, work: Coroutine[Any, Any, None], name: str) -> object:
        """Begin something."""
        self.tasks.append(asyncio.create_task(work, name=name))
        return self.tasks[-1]


async def test_counts_add_up(database: Database) -> None:
    """What is counted between two writes is written in one, and added to what was there."""
    counts = Counting(database, Spawner())
    for _ in range(3):
        counts.add_message(1, 7)
    counts.add(1, 7, "voice_seconds", 90)
    counts.add(2, 7, "commands_count")
    await counts.flush()
    counts.add_message(1, 7)
    await counts.flush()
    await counts.flush()
    stats = await database.get_user_stats(1, 7)
    assert (stats["messages_count"], stats["voice_seconds"]) == (4, 90)
    assert list((await counts.days(7, "2000-01-01")).values()) == [4]
    await counts.forget_guild(7)
    assert await counts.days(7, "2000-01-01") == {}


async def test_counts_are_written_after_a_while(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first count starts a timer, at whose end all are written down; many are written at once."""
    monkeypatch.setattr(counting, "FLUSH_SECONDS", 0.01)
    spawner = Spawner()
    counts = Counting(database, spawner)
    counts.add_message(1, 7)
    async with asyncio.timeout(60):
        while (await database.get_user_stats(1, 7))["messages_count"] != 1:
            await asyncio.gather(*spawner.tasks)
    monkeypatch.setattr(counting, "MOST_WAITING", 2)
    monkeypatch.setattr(counting, "FLUSH_SECONDS", 3600)
    counts.add_message(2, 7)
    counts.add_message(3, 7)
    await asyncio.gather(*spawner.tasks)
    assert (await database.get_user_stats(3, 7))["messages_count"] == 1


async def test_an_error_loses_no_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that could not be written are written the next time, once."""
    counts = Counting(database, Spawner())
    counts.add_message(1, 7)
    write = database.write

    async def full(_unit: Any) -> None:
        counts.add_message(1, 7)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(database, "write", full)
    with pytest.raises(sqlite3.OperationalError):
        await counts.flush()
    monkeypatch.setattr(database, "write", write)
    await counts.flush()
    assert (await database.get_user_stats(1, 7))["messages_count"] == 2


async def test_a_forgotten_member_is_not_written(database: Database) -> None:
    """What was counted of somebody who is forgotten meanwhile is not written down; others are."""
    counts = Counting(database, Spawner())
    counts.add_message(1, 7)
    counts.add_message(2, 7)
    assert counts.forget_member(1) == 1
    await counts.flush()
    assert (await database.get_user_stats(1, 7))["first_seen"] is None
    assert (await database.get_user_stats(2, 7))["messages_count"] == 1
