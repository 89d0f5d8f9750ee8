"""What was to be forgotten is forgotten in the exported files too, whatever happens to the caller or the files."""

from __future__ import annotations

import asyncio
import json
import pathlib
from typing import TYPE_CHECKING

import pytest

from harness.parts.database import CancelledAt
from reference.utils.database import database as module

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from reference.utils.database.database import Database

CHANNEL, USER, OTHER = 5, 1, 2
MOST_AWAITS = 20


async def exported(database: Database) -> list[str]:
    """Write what is due, and return what the channel's file says."""
    await database.flush_pending_exports()
    path = module.EXPORT_DIR / f"ai_history_{CHANNEL}.json"
    return [each["content"] for each in json.loads(path.read_bytes())] if path.exists() else []


async def say(database: Database, user: int, content: str) -> None:
    """Have somebody say something, and have it exported."""
    await database.save_ai_message(CHANNEL, user, "user", content)
    assert content in await exported(database)


async def cancelled_at(moment: int, work: Coroutine[object, object, object]) -> bool:
    """Do the work in a task that is cancelled at an await; tell whether it came so far."""
    use = CancelledAt(work, moment)

    async def awaited() -> None:
        await use

    await asyncio.gather(asyncio.create_task(awaited()), return_exceptions=True)
    return use.reached


@pytest.mark.parametrize("moment", range(1, 9))
async def test_a_caller_who_goes_away_leaves_no_file_behind(database: Database, moment: int) -> None:
    """Whoever asks to forget somebody and is cancelled at any await: the file says no more than the database."""
    await say(database, OTHER, "this stays")
    await say(database, USER, "forget this")
    await cancelled_at(moment, database.forget_ai_user(USER))
    assert await exported(database) == [each["content"] for each in await database.get_ai_history(CHANNEL)]


FORGETTING: dict[str, Callable[[Database], Coroutine[object, object, int]]] = {
    "a user": lambda database: database.forget_ai_user(USER),
    "a channel": lambda database: database.delete_ai_history(CHANNEL),
}


@pytest.mark.parametrize("what", FORGETTING)
async def test_a_file_that_is_in_use_is_deleted_later(
    database: Database, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A file that cannot be deleted now, as one that is open on Windows, is deleted with the next files."""
    await say(database, USER, "forget this")
    with monkeypatch.context() as patch:
        patch.setattr(pathlib.Path, "unlink", refuse)
        with pytest.raises(PermissionError):
            await FORGETTING[what](database)
    assert await exported(database) == []


def refuse(path: pathlib.Path, *, missing_ok: bool = False) -> None:
    """Be a file that somebody has open."""
    raise PermissionError(13, "The process cannot access the file", str(path))
