"""The pool of connections, under every schedule to a bound and under drawn ones.

Callers of both ways, bodies that fail, callers that are cancelled, files that cannot be opened and renewals meet in any
order. Whatever happens: each caller gets a connection or a plain reason, never more are out than there are slots, the
count is that of the bodies, a connection is set up in one way, and at the end all slots are free and nothing is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import bounds
from fuzz.budget import fuzzer
from fuzz.databases import hops_of, small
from fuzz.explore import drawn, every
from fuzz.schedule import Script, run
from harness.parts.database import free_slots

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
SLOTS = 2
ATTEMPTS = {"get_connection": 1, "get_connection_with_retry": 3}
WAYS = tuple(ATTEMPTS)
HELD = 12.0
"""Seconds for which a body holds a connection that is held for long: two such bodies, one after the other, are within
the patience of a caller who waits for both, as the last of six does on two slots."""


pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


class BodyError(Exception):
    """What a body raises of its own accord."""


@dataclass
class Pool:
    """A pool under observation.

    Attributes:
        database: the tree's database.
        refusals: how many of the next openings SQLite refuses.
        refused: how many it has refused.
        inside: bodies that hold a connection now.
        most: bodies that held one at the same time.
        opened: connections that were opened.
        settings: what the connections said of how they are set up.
    """

    database: Any
    refusals: int = 0
    refused: int = 0
    inside: int = 0
    most: int = 0
    opened: int = 0
    settings: set[Any] = field(default_factory=set)

    @contextlib.contextmanager
    def openings(self) -> Iterator[None]:
        """Count and refuse openings of SQLite."""
        connect = sqlite3.connect

        def opened(*args: Any, **options: Any) -> sqlite3.Connection:
            if self.refusals:
                self.refusals -= 1
                self.refused += 1
                raise sqlite3.OperationalError("unable to open database file")
            self.opened += 1
            connection: sqlite3.Connection = connect(*args, **options)
            return connection

        with mock.patch.object(sqlite3, "connect", opened):
            yield

    async def use(self, way: str, *, fails: bool = False, writes: bool = False, holds: float = 0.0) -> None:
        """Hold a connection for a few steps, or for some seconds, and look at what the pool says of itself."""
        runs, refused = 0, self.refused
        error: BaseException | None = None
        try:
            async with getattr(self.database, way)() as connection:
                runs += 1
                self.inside += 1
                self.most = max(self.most, self.inside)
                try:
                    await self._body(connection, writes=writes)
                    await asyncio.sleep(holds)
                    if fails:
                        raise BodyError
                finally:
                    self.inside -= 1
        except (BodyError, sqlite3.OperationalError, asyncio.CancelledError) as raised:
            error = raised
        assert runs < 2, f"a body was run {runs} times"
        assert not fails or not isinstance(error, sqlite3.Error) or not runs, f"a body raised, its caller got {error!r}"
        seen = self.refused - refused
        if isinstance(error, sqlite3.Error):
            assert seen >= ATTEMPTS[way], f"a caller was told {error} after {seen} of {ATTEMPTS[way]} attempts"
        if isinstance(error, asyncio.CancelledError):
            raise error

    async def _body(self, connection: Any, *, writes: bool) -> None:
        counted = self.database._connection_count
        assert counted >= self.inside, f"{counted} connections are counted as out while {self.inside} bodies hold one"
        cursor = await connection.execute("PRAGMA cache_size")
        self.settings.add((await cursor.fetchone())[0])
        if writes:
            await connection.execute("CREATE TEMP TABLE IF NOT EXISTS words (word TEXT)")
            await connection.execute("INSERT INTO words VALUES ('kept')")
        assert writes or not connection.in_transaction, "a body found somebody else's open transaction"

    async def is_whole(self) -> None:
        """Check that nothing is out, and that all slots and working connections can be had."""
        slots = self.slots
        count = self.database._connection_count
        assert count == 0, f"{count} connections are counted as out at the end, and none is"
        free = await free_slots(self.database)
        assert free == slots, f"{free} of {slots} slots are free at the end"
        assert self.most <= slots, f"{self.most} connections were out at once; the pool has {slots}"
        self.refusals = 0
        await self.use(WAYS[0])
        before = self.opened
        for way in WAYS * 3:
            await self.use(way)
        opened = self.opened - before  # a caller that was cancelled may have left an opening that comes this late
        assert opened <= 2, f"{len(WAYS) * 3} uses in a row opened {opened} connections"
        assert len(self.settings) <= 1, f"connections are set up otherwise than others: cache sizes {self.settings}"

    slots: int = SLOTS


async def _used(pool: Pool, way: str, **options: Any) -> None:
    await pool.use(way, **options)


async def _refused(pool: Pool, way: str, times: int) -> None:
    pool.refusals += times
    await pool.use(way)


async def _cancelled(pool: Pool, way: str, turns: int, *, writes: bool = False) -> None:
    task = asyncio.ensure_future(pool.use(way, writes=writes))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _renewed(pool: Pool) -> None:
    await pool.database._reinitialize_pool()
    await pool.use(WAYS[0])


def scenario(subject: Subject, acts: list[Callable[[Pool], Awaitable[None]]], *, first: str | None = None) -> Any:
    """Return a scenario: all acts at once on a new pool, then a look at it.

    Args:
        subject: the tree.
        acts: what happens at the same time.
        first: a way of asking that is the very first; the slots are counted beforehand where there is none.
    """

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        with hops_of(subject, loop):
            await _play(subject, acts, first)

    return main


async def _play(subject: Subject, acts: list[Callable[[Pool], Awaitable[None]]], first: str | None) -> None:
    pool = Pool(small(subject, ":memory:", SLOTS))
    with pool.openings():
        if first is None:
            pool.slots = await free_slots(pool.database)
        else:
            await pool.use(first)
            pool.slots = await free_slots(pool.database)
        tasks = [asyncio.ensure_future(_acting(act, pool)) for act in acts]
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()
        await pool.is_whole()
        closing = asyncio.ensure_future(pool.database.close_pool())
        await asyncio.wait([closing], timeout=60.0)
        assert closing.done(), "closing the pool did not end"
        closing.result()


async def _acting(act: Callable[[Pool], Awaitable[None]], pool: Pool) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await act(pool)


def use(way: str, **options: Any) -> Callable[[Pool], Awaitable[None]]:
    """Return an act: hold a connection that was asked for this way."""
    return partial(_used, way=way, **options)


CROWDS: dict[str, list[Callable[[Pool], Awaitable[None]]]] = {
    "both ways": [use(WAYS[0]), use(WAYS[1]), use(WAYS[0])],
    "a body that fails": [use(WAYS[0], fails=True, writes=True), use(WAYS[1]), use(WAYS[0])],
    "a file that cannot be opened": [partial(_refused, way=WAYS[0], times=1), use(WAYS[1]), use(WAYS[0])],
    "refused with retries": [partial(_refused, way=WAYS[1], times=2), use(WAYS[1])],
    "cancelled early": [partial(_cancelled, way=WAYS[0], turns=1), use(WAYS[1]), use(WAYS[0])],
    "cancelled later": [partial(_cancelled, way=WAYS[1], turns=3), use(WAYS[0]), use(WAYS[0])],
    "a renewal": [use(WAYS[0]), use(WAYS[1]), _renewed],
    "a renewal while all is held": [use(WAYS[0], holds=HELD), use(WAYS[1], holds=HELD), _renewed, use(WAYS[0])],
    "three times as many as slots, held for long": [use(way, holds=HELD) for way in WAYS * SLOTS + WAYS],
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_every_schedule_of_a_few_callers(subject: Subject, crowd: str, replay: str | None) -> None:
    """Under every schedule with two departures the pool is whole after a few callers."""
    explored = every(scenario(subject, CROWDS[crowd]), departures=2, most=FUZZ.examples, replay=replay)
    bounds.note(FUZZ, crowd, explored)


@pytest.mark.parametrize("way", WAYS)
def test_every_schedule_of_the_first_caller(subject: Subject, way: str, replay: str | None) -> None:
    """Whichever way is the first to be asked for, the caller gets a connection."""
    explored = every(scenario(subject, [use(WAYS[0])], first=way), departures=1, most=FUZZ.examples, replay=replay)
    bounds.note(FUZZ, f"the first by {way}", explored)


def ways() -> st.SearchStrategy[str]:
    """Draw one of the two ways of asking."""
    return st.sampled_from(WAYS)


def acts() -> st.SearchStrategy[list[Callable[[Pool], Awaitable[None]]]]:
    """Draw what happens to a pool at the same time."""
    turns = st.integers(0, 8)
    act: Any = st.one_of(
        st.builds(
            lambda way, fails, writes, holds: use(way, fails=fails, writes=writes, holds=holds),
            *(ways(), st.booleans(), st.booleans(), st.sampled_from([0.0, HELD])),
        ),
        st.builds(lambda way, times: partial(_refused, way=way, times=times), ways(), st.integers(1, 4)),
        st.builds(
            lambda way, n, writes: partial(_cancelled, way=way, turns=n, writes=writes),
            *(ways(), turns, st.booleans()),
        ),
        st.just(_renewed),
    )
    return st.lists(act, min_size=1, max_size=6)


@FUZZ.tries
@given(data=st.data(), crowd=acts())
def test_drawn_schedules_of_any_callers(
    *, subject: Subject, replay: str | None, data: st.DataObject, crowd: list[Callable[[Pool], Awaitable[None]]]
) -> None:
    """Under any schedule, timers going off at any moment, the pool is whole after any callers."""
    drawn(data, scenario(subject, crowd), free_clock=False, replay=replay)


loops = st.lists(
    st.tuples(
        st.lists(ways(), min_size=1, max_size=4), st.dictionaries(st.integers(0, 12), st.integers(1, 2), max_size=2)
    ),
    min_size=2,
    max_size=3,
)
"""Who asks in each event loop, and where its schedule departs from the ordinary."""


@FUZZ.tries
@given(each=loops)
def test_one_event_loop_after_another(*, subject: Subject, each: list[tuple[list[str], dict[int, int]]]) -> None:
    """A pool that served the callers of one event loop, more than it has slots, serves those of the next."""
    database = small(subject, ":memory:", SLOTS)

    async def main(number: int, callers: list[str]) -> None:
        loop: Any = asyncio.get_running_loop()
        with hops_of(subject, loop):
            pool = Pool(database)
            outcomes = await asyncio.gather(*(pool.use(way, holds=1.0) for way in callers), return_exceptions=True)
            failed = [error for error in outcomes if isinstance(error, Exception)]
            assert not failed, f"in event loop {number} no connection could be had: {failed[0]!r}"
            await (database.close_pool() if number == len(each) else database._reinitialize_pool())

    for number, (callers, departures) in enumerate(each, 1):
        run(partial(main, number, callers), Script(departures))
