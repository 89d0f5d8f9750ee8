"""The count of connections that are out goes wrong.

The pool counts connections that are out beside the slots that limit them, in plain additions here and there, and acts
on the count elsewhere: before the pool is set up anew, it waits until the count is zero. Where a caller fails or is
cancelled between taking a slot and giving it back, count and slots part for good: the pool shrinks, and setting it up
anew waits for a connection that nobody has. Where it is set up anew while connections are out, those come back to a
semaphore that never lent them, and from then on more connections are out than the limit allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.database import CancelledAt, Openings, free_slots, is_locked, used, within

if TYPE_CHECKING:
    from pathlib import Path

    from harness.subject import Subject

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

MOMENTS = 60
"""Awaits of one use at most, at each of which it is cancelled in turn."""

TURNS = 300
"""Turns of the event loop that setting up anew gets before connections come back."""


class Crowd:
    """Callers that each hold a connection until they are let go.

    Attributes:
        inside: how many hold one now.
        most: how many held one at the same time.
    """

    def __init__(self, database: Any) -> None:
        self._database = database
        self._leave = asyncio.Event()
        self.inside = self.most = 0

    async def enter(self) -> None:
        """Hold a connection until ``let_go``."""
        async with self._database.get_connection() as connection:
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self._leave.wait()
            await connection.execute("SELECT 1")
            self.inside -= 1

    def let_go(self) -> None:
        """Let all go, those that come later too."""
        self._leave.set()

    async def fill(self, count: int) -> None:
        """Wait until ``count`` callers hold a connection."""
        for _ in range(1000):
            if self.inside >= count:
                return
            await pause(0.005)
        raise AssertionError(f"{self.inside} of {count} callers got a connection")


pause = asyncio.sleep


async def all_is_back(database: Any, slots: int, after: str) -> None:
    """Check that nothing is out and that every slot can be had."""
    count = database._connection_count
    assert count == 0, f"{count} connections are counted as out after {after}, and none is"
    free = await free_slots(database)
    assert free == slots, f"{free} of {slots} slots are free after {after}"


async def make_table(database: Any) -> None:
    """Make a table to write to."""
    async with database.get_connection() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
        await connection.commit()


async def write(database: Any, word: str, error: Exception | None = None) -> None:
    """Write a word; commit it, unless an error comes in between."""
    async with database.get_connection() as connection:
        await connection.execute("INSERT INTO words VALUES (?)", (word,))
        if error is not None:
            raise error
        await connection.commit()


async def words(database: Any) -> list[str]:
    """Return the words as the next caller sees them."""
    async with database.get_connection() as connection:
        cursor = await connection.execute("SELECT word FROM words")
        return [row[0] for row in await cursor.fetchall()]


async def test_the_count_is_what_is_out(subject: Subject, tmp_path: Path) -> None:
    """Three times as many callers come as there are slots: the count is that of the holders, and zero at the end."""
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        slots = await free_slots(database)
        crowd = Crowd(database)
        callers = [asyncio.ensure_future(crowd.enter()) for _ in range(3 * slots)]
        await crowd.fill(slots)
        counted, held = database._connection_count, crowd.inside
        crowd.let_go()
        await within(gathered(callers), "callers waited for ever for a connection")
        assert counted == held, f"{counted} connections were counted as out while {held} were"
        assert crowd.most <= slots, f"{crowd.most} connections were out at once; there are {slots} slots"
        await all_is_back(database, slots, "all callers had left")


async def gathered(tasks: list[Any]) -> None:
    """Wait for all tasks and raise what one of them raised."""
    await asyncio.gather(*tasks)


async def test_failures_leave_count_and_slots_right(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections are refused and bodies fail, more often than there are slots; nothing is lost and nothing is kept."""
    openings = Openings(monkeypatch)
    path = tmp_path / "bot.db"
    async with used(subject.database.database, path) as database:
        slots = await free_slots(database)
        for _ in range(slots + 1):
            openings.refuse = 1000
            with contextlib.suppress(sqlite3.OperationalError):
                await within(words(database), "a caller waited for ever for a connection that is refused")
        openings.refuse = 0
        await all_is_back(database, slots, "connections were refused")
        await make_table(database)
        for _ in range(slots + 1):
            with contextlib.suppress(LookupError):
                await within(write(database, "lost", LookupError()), "a caller waited for ever after bodies failed")
        assert not is_locked(path), "a transaction was left open by a body that failed"
        seen = await within(words(database), "no connection could be had after bodies failed")
        assert seen == [], "the next caller sees what a body wrote that failed"
        await all_is_back(database, slots, "bodies failed")


async def test_cancelling_anywhere_leaves_count_and_slots_right(subject: Subject, tmp_path: Path) -> None:
    """A use is cancelled at each of its awaits in turn, the opening of its connection included."""
    for moment in range(1, MOMENTS):
        path = tmp_path / f"{moment}.db"
        async with used(subject.database.database, path) as database:
            slots = await free_slots(database)
            await make_table(database)
            await database._reinitialize_pool()
            use = CancelledAt(write(database, "cancelled"), moment)
            await within(until_cancelled(use), f"a use that was cancelled at its await {moment} did not end")
            await all_is_back(database, slots, f"a use was cancelled at its await {moment}")
            assert not is_locked(path), f"a transaction was left open by a use that was cancelled at its await {moment}"
        if not use.reached:
            return


async def until_cancelled(use: CancelledAt) -> None:
    """Await a use in a task of its own, to its end or its cancellation."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.ensure_future(awaited(use))


async def awaited(use: CancelledAt) -> None:
    """Await a use."""
    await use


async def test_setting_up_anew_does_not_wait_for_nobody(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After refused connections and cancelled callers nothing is out, and the pool is set up anew at once."""
    openings = Openings(monkeypatch)
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        openings.refuse = 1000
        with contextlib.suppress(sqlite3.OperationalError):
            await words(database)
        openings.refuse = 0
        await until_cancelled(CancelledAt(make_table(database), 1))
        await within(database._reinitialize_pool(), "setting up anew waited for a connection that nobody has", 4.0)
        await within(make_table(database), "no connection could be had after the pool was set up anew")


async def test_setting_up_anew_keeps_the_limit(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is set up anew while all connections are out and callers wait: never are more out than slots."""

    async def no_delay(delay: float, result: object = None) -> object:
        return await pause(0, result)

    async with used(subject.database.database, tmp_path / "bot.db") as database:
        slots = await free_slots(database)
        first, crowd = Crowd(database), Crowd(database)
        callers = [asyncio.ensure_future(first.enter()) for _ in range(slots)]
        await first.fill(slots)
        callers += [asyncio.ensure_future(crowd.enter()) for _ in range(slots)]
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "sleep", no_delay)
            renewal = asyncio.ensure_future(database._reinitialize_pool())
            for _ in range(TURNS):
                await pause(0)
        callers += [asyncio.ensure_future(crowd.enter()) for _ in range(2 * slots)]
        await settled(crowd)
        together = first.inside + crowd.inside
        first.let_go()
        await settled(crowd)
        most = max(together, crowd.most)
        crowd.let_go()
        assert most <= slots, f"{most} connections were out at once after the pool was set up anew; it has {slots}"
        await within(gathered([renewal, *callers]), "callers waited for ever after the pool was set up anew")
        await all_is_back(database, slots, "the pool was set up anew under load")


async def settled(crowd: Crowd) -> None:
    """Wait until no caller has come in for a while."""
    for _ in range(100):
        before = crowd.inside
        await pause(0.05)
        if crowd.inside == before:
            return
