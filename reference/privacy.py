"""What is kept about people, area by area: so that everybody can have theirs, and have it forgotten.

An area says at its set-up what it keeps:

    bot.privacy.register("reminders", export, forget, tables={"reminders"})
    bot.privacy.register_rows(
        "reminders", "SELECT * FROM reminders WHERE user_id = ?", "DELETE FROM reminders WHERE user_id = ?",
        tables={"reminders"},
    )

`export(user_id)` returns plain data, and `forget(user_id)` how many entries went. What must stay is named by `stays`,
the key of a message that says what and why. A test holds that every table with a user in it is named by somebody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .utils.database.database import Database

__all__ = ["Forgotten", "Keeper", "Privacy"]

Export = Callable[[int], Awaitable[Any]]
Forget = Callable[[int], Awaitable[int]]


@dataclass(frozen=True)
class Keeper:
    """What one part of the bot keeps about people.

    Attributes:
        name: what it is called in the file that a person gets.
        export: returns what is kept of a person, as plain data; something false where that is nothing.
        forget: forgets a person, and returns how many entries went.
        tables: those of the database that it answers for.
        stays: the key of a message that says what stays and why; None where nothing does.
    """

    name: str
    export: Export
    forget: Forget
    tables: frozenset[str] = frozenset()
    stays: str | None = None


@dataclass(frozen=True)
class Forgotten:
    """What became of a wish to be forgotten.

    Attributes:
        entries: how many entries went.
        stays: keys of the messages that say what stays and why.
        failed: the keepers that could not forget, with the exceptions.
    """

    entries: int
    stays: tuple[str, ...]
    failed: tuple[tuple[str, Exception], ...]


class Privacy:
    """All that is kept about people.

    Args:
        database: where most of it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keepers: dict[str, Keeper] = {}

    @property
    def keepers(self) -> tuple[Keeper, ...]:
        """Those who keep something, in the order of their names."""
        return tuple(self._keepers[name] for name in sorted(self._keepers))

    @property
    def tables(self) -> frozenset[str]:
        """The tables that somebody answers for."""
        return frozenset[str]().union(*(keeper.tables for keeper in self.keepers))

    def register(
        self, name: str, export: Export, forget: Forget, *, tables: Iterable[str] = (), stays: str | None = None
    ) -> None:
        """Say what is kept; a name is taken by the newest keeper, so that an area may be loaded again.

        Args:
            name: as `Keeper.name`.
            export: as `Keeper.export`.
            forget: as `Keeper.forget`.
            tables: as `Keeper.tables`.
            stays: as `Keeper.stays`.
        """
        self._keepers[name] = Keeper(name, export, forget, frozenset(tables), stays)

    def register_rows(
        self, name: str, select: str, delete: str, *, tables: Iterable[str] = (), stays: str | None = None
    ) -> None:
        """Say which rows of the database are kept.

        Args:
            name: as `Keeper.name`.
            select: a statement with one placeholder, the person's id, that returns the rows.
            delete: one that removes them, or takes the person out of them.
            tables: as `Keeper.tables`.
            stays: as `Keeper.stays`.
        """

        async def export(user_id: int) -> list[dict[str, Any]]:
            rows = await self._database.read(lambda raw: raw.execute(select, (user_id,)).fetchall())
            return [dict(row) for row in rows]

        async def forget(user_id: int) -> int:
            def unit(raw: sqlite3.Connection) -> int:
                raw.execute("PRAGMA secure_delete = ON")
                return raw.execute(delete, (user_id,)).rowcount

            return await self._database.write(unit)

        self.register(name, export, forget, tables=tables, stays=stays)

    async def export(self, user_id: int) -> dict[str, Any]:
        """Return everything that is kept of a person, by the names of the keepers who have something."""
        found = {keeper.name: await keeper.export(user_id) for keeper in self.keepers}
        return {name: kept for name, kept in found.items() if kept}

    async def forget(self, user_id: int) -> Forgotten:
        """Forget a person everywhere, exported files included; a keeper that fails keeps no other from it."""
        entries, stays, failed = 0, [], []
        for keeper in self.keepers:
            try:
                entries += await keeper.forget(user_id)
            except Exception as error:  # noqa: BLE001  keepers are any area's code; the caller reports it
                failed.append((keeper.name, error))
            else:
                stays += [keeper.stays] if keeper.stays else []
        await self._database.flush_pending_exports()
        return Forgotten(entries, tuple(dict.fromkeys(stays)), tuple(failed))
