"""Names that a caller gives become part of SQL text.

The names of a guild's settings and of a user's counters are checked against a list and then put into the statement as
they came. What reaches SQLite is the caller's text, not the list's: an entry too many in the list, or a text that
merely compares equal to an entry, is SQL that runs. A name that is not in the list is dropped without a word instead,
so a command with a typing error says "saved" and nothing was. So no text of a caller ever becomes SQL, whatever it
is; a name that does not exist is refused with an error that names it; and nothing of the same call is saved.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any, Self

import pytest

from harness.parts.database import Openings, used

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from harness.subject import Subject

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

TOKEN = "zq9x"
HOSTILE = (
    f"{TOKEN}",
    f"prefix = 'a' /* {TOKEN} */",
    f"messages_count = 0 -- {TOKEN}",
    f'"; DROP TABLE user_stats; -- {TOKEN}',
    f"messages_count\n, {TOKEN}",
    f"MESSAGES_COUNT {TOKEN}",
    f"messages_count\0{TOKEN}",
)


class Sly(str):
    """A text that compares equal to another one, as a list of allowed names sees it; SQLite would see the text."""

    __slots__ = ("_taken_for",)

    _taken_for: str

    def __new__(cls, text: str, taken_for: str) -> Self:
        """Make ``text`` that says it is ``taken_for``."""
        made = super().__new__(cls, text)
        made._taken_for = taken_for
        return made

    def __eq__(self, other: object) -> bool:
        return self._taken_for == other

    def __ne__(self, other: object) -> bool:
        return self._taken_for != other

    def __hash__(self) -> int:
        return hash(self._taken_for)


async def outcome(method: Callable[..., Awaitable[object]], *values: object, **named: object) -> Exception | None:
    """Call a method; return the exception with which it refused, None where it accepted."""
    try:
        await method(*values, **named)
    except Exception as error:  # noqa: BLE001  judged by the caller
        return error
    return None


def given_to_sqlite(openings: Openings) -> str | None:
    """Return the first statement that contains what a caller gave as a name."""
    return next((" ".join(text.split()) for text in openings.statements if TOKEN in text), None)


async def columns(database: Any, table: str) -> list[str]:
    """Return the names of a table's columns."""
    async with database.get_connection() as connection:
        cursor = await connection.execute(f"PRAGMA table_info({table})")
        return [row[1] for row in await cursor.fetchall()]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_name_never_becomes_sql(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A name that is SQL is given for a setting and for a counter; SQLite is given no statement with it."""
    openings = Openings(monkeypatch)
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        await database.init_schema()
        await outcome(database.save_guild_settings, 1, **{name: "x"})
        await outcome(database.increment_user_stat, 1, 2, name)
    statement = given_to_sqlite(openings)
    assert statement is None, f"a name that a caller gave became SQL: {statement}"


async def test_a_name_that_passes_for_another_never_becomes_sql(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that compares equal to an allowed name gets past any list; what runs is still the list's own text."""
    openings = Openings(monkeypatch)
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        await database.init_schema()
        hostile = f"messages_count = 0, last_active /* {TOKEN} */"
        await outcome(database.increment_user_stat, 1, 2, Sly(hostile, "messages_count"))
        for column in await columns(database, "guild_settings"):
            await outcome(database.save_guild_settings, 1, **{Sly(f"{column} /* {TOKEN} */", column): None})
    statement = given_to_sqlite(openings)
    assert statement is None, f"a name that a caller gave became SQL: {statement}"


async def test_an_unknown_setting_is_refused(subject: Subject, tmp_path: Path) -> None:
    """A setting that does not exist is refused with an error that names it, and none of the call is saved."""
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        await database.init_schema()
        error = await outcome(database.save_guild_settings, 1, no_such_setting="x")
        assert error is not None, "a setting that does not exist was ignored, as if it had been saved"
        refused_by_name(error, "no_such_setting")
        async with database.get_connection() as connection:
            cursor = await connection.execute("SELECT COUNT(*) FROM guild_settings")
            assert (await cursor.fetchone())[0] == 0, "a call with a setting that does not exist was saved in part"


async def test_an_unknown_counter_is_refused(subject: Subject, tmp_path: Path) -> None:
    """A counter that does not exist is refused with an error that names it; a known one counts."""
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        await database.init_schema()
        error = await outcome(database.increment_user_stat, 1, 2, "no_such_counter")
        assert error is not None, "a counter that does not exist was ignored, as if it had counted"
        refused_by_name(error, "no_such_counter")
        await database.increment_user_stat(1, 2, "messages_count", 3)
        await database.increment_user_stat(1, 2, "messages_count")
        async with database.get_connection() as connection:
            cursor = await connection.execute("SELECT messages_count FROM user_stats")
            counts = [row[0] for row in await cursor.fetchall()]
        assert counts == [4], f"four messages of one user were counted as {counts}"


def refused_by_name(error: Exception, name: str) -> None:
    """Check that an error is the facade's own and names what is unknown."""
    kind = f"{type(error).__name__}: {error}"
    assert not isinstance(error, sqlite3.Error), f"a name that does not exist was left to SQLite to refuse: {kind}"
    assert re.search(name, str(error)), f"the error about a name that does not exist does not name it: {kind}"
