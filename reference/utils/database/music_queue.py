"""The tracks that wait in a guild, kept over a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..fast_json import json_dumps, json_loads  # noqa: TID252  the package is loaded under two names
from .store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

__all__ = ["MusicQueue"]

DELETE = "DELETE FROM music_queue WHERE guild_id = ?"
INSERT = "INSERT INTO music_queue (guild_id, position, track) VALUES (?, ?, ?)"
SELECT = "SELECT track FROM music_queue WHERE guild_id = ? ORDER BY position"


class MusicQueue(Store):
    """The queues of guilds."""

    async def save_music_queue(self, guild_id: int, queue: Iterable[Mapping[str, Any]]) -> None:
        """Replace the queue of a guild, in one transaction: nobody ever loads half of one.

        Args:
            guild_id: the guild.
            queue: the tracks in their order, each as an object that JSON can hold.

        Raises:
            TypeError: a track cannot be written as JSON; the old queue stays.
        """
        rows = [(guild_id, position, json_dumps(dict(track))) for position, track in enumerate(queue)]

        def save(raw: sqlite3.Connection) -> None:
            raw.execute(DELETE, (guild_id,))
            raw.executemany(INSERT, rows)

        await self.write(save)

    async def load_music_queue(self, guild_id: int) -> list[dict[str, Any]]:
        """Return the tracks of a guild in their order."""
        rows = await self.read(lambda raw: raw.execute(SELECT, (guild_id,)).fetchall())
        return [json_loads(row[0]) for row in rows]

    async def clear_music_queue(self, guild_id: int) -> int:
        """Empty the queue of a guild; return how many tracks there were."""
        return await self.write(lambda raw: raw.execute(DELETE, (guild_id,)).rowcount)
