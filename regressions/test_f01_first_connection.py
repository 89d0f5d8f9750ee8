"""The first connection that is asked for with retries cannot be had.

The pool counts its slots with a semaphore that is made when somebody first asks for a connection the ordinary way.
Asking with retries used the semaphore without making it, so a bot whose first database call took that way stopped
with an `AttributeError` about `None`. Which way comes first must not matter: not for a lone caller, not for many at
once, not where the file cannot be opened at first, and not in a second event loop, where a semaphore that was made in
the first one and kept is as useless as none at all.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.database import Openings, free_slots, fresh, used, within
from harness.parts.threads import finish

if TYPE_CHECKING:
    from pathlib import Path

    from harness.subject import Subject

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

STUCK = "the first callers with retries waited for ever for a connection"


async def ask(database: Any) -> object:
    """Ask the database for one value, over a connection with retries."""
    async with database.get_connection_with_retry() as connection:
        cursor = await connection.execute("SELECT 40 + 2")
        row = await cursor.fetchone()
        return row[0]


async def close(database: Any) -> None:
    """Close the pool, without complaint."""
    await asyncio.wait([asyncio.ensure_future(database.close_pool())], timeout=5.0)


def ask_first(database: Any, callers: int) -> list[object]:
    """Let callers with retries be the first of an event loop; return what each got, exceptions too."""

    async def together() -> list[object]:
        try:
            work = asyncio.gather(*(ask(database) for _ in range(callers)), return_exceptions=True)
            return list(await asyncio.wait_for(work, 8.0))
        except TimeoutError:
            raise AssertionError(STUCK) from None
        finally:
            await close(database)

    return finish(lambda: asyncio.run(together()), STUCK, 20.0)


def complaint(answers: list[object]) -> str:
    """Describe the first answer that is an exception."""
    return next((f"{type(each).__name__}: {each}" for each in answers if isinstance(each, BaseException)), "")


@pytest.mark.parametrize("callers", [1, 40])
def test_the_first_callers_may_ask_with_retries(subject: Subject, tmp_path: Path, callers: int) -> None:
    """Nobody asked the ordinary way before, and every caller with retries gets a working connection."""
    database = fresh(subject.database.database, tmp_path / "bot.db")
    answers = ask_first(database, callers)
    assert answers == [42] * callers, f"the first connection with retries could not be had: {complaint(answers)}"


async def test_a_refused_first_connection_says_why(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file cannot be opened, the first caller gets SQLite's error, and all slots are free after."""
    module = subject.database.database
    database = fresh(module, tmp_path / "bot.db")
    Openings(monkeypatch).refuse = 1000
    said: object = None
    try:
        await within(one_try(database), STUCK)
    except Exception as error:  # noqa: BLE001  judged below
        said = error
    assert isinstance(said, sqlite3.OperationalError), (
        f"the first caller of a locked database was told {type(said).__name__}: {said}"
    )
    free = await free_slots(database)
    async with used(module, tmp_path / "other.db") as other:
        assert free == await free_slots(other), f"{free} slots were free after the first connection was refused"
    await close(database)


async def one_try(database: Any) -> None:
    """Use a connection that may be tried for once."""
    async with database.get_connection_with_retry(max_retries=1):
        pass


def test_a_second_event_loop_may_ask_with_retries(subject: Subject, tmp_path: Path) -> None:
    """More callers than slots ask in one event loop and then in another, as a clean-up after Ctrl+C does."""
    database = fresh(subject.database.database, tmp_path / "bot.db")
    callers = 2 * asyncio.run(free_slots(database)) + 1
    ask_first(database, callers)
    answers = ask_first(database, callers)
    assert answers == [42] * callers, f"in a second event loop no connection could be had: {complaint(answers)}"
