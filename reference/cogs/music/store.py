"""What is kept of the players: the queue in `music_queue`, everything else of a guild in one row of `music_player`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reference.utils.database.music_queue import DELETE as DELETE_QUEUE
from reference.utils.database.music_queue import INSERT as INSERT_TRACK
from reference.utils.database.music_queue import SELECT as SELECT_QUEUE
from reference.utils.fast_json import json_dumps, json_loads

from .track import Kind, Track
from .track_queue import Loop, TrackQueue

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from reference.utils.database.store import Store

__all__ = ["PlayerStore", "Snapshot"]

logger = logging.getLogger(__name__)

SAVE_PLAYER = """
INSERT INTO music_player
    (guild_id, voice_channel_id, text_channel_id, message_id, looping, is_paused, position, current, history)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (guild_id) DO UPDATE SET
    voice_channel_id = excluded.voice_channel_id, text_channel_id = excluded.text_channel_id,
    message_id = excluded.message_id, looping = excluded.looping, is_paused = excluded.is_paused,
    position = excluded.position, current = excluded.current, history = excluded.history
"""
SAVE_POSITION = "UPDATE music_player SET position = ? WHERE guild_id = ?"
SELECT_PLAYER = "SELECT * FROM music_player WHERE guild_id = ?"
SELECT_GUILDS = "SELECT guild_id FROM music_player UNION SELECT guild_id FROM music_queue ORDER BY guild_id"
DELETE_PLAYER = "DELETE FROM music_player WHERE guild_id = ?"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A player at one moment.

    Attributes:
        guild_id: the guild.
        queue: its tracks.
        position: seconds of the current track that were played.
        is_paused: whether it stands still.
        voice_channel_id: where it plays; None where it is in no channel.
        text_channel_id: where it tells what is played.
        message_id: the message that tells it.
    """

    guild_id: int
    queue: TrackQueue = field(default_factory=TrackQueue)
    position: float = 0.0
    is_paused: bool = False
    voice_channel_id: int | None = None
    text_channel_id: int | None = None
    message_id: int | None = None


class PlayerStore:
    """Saves and loads players.

    Args:
        database: of the bot.
    """

    def __init__(self, database: Store) -> None:
        self._database = database

    async def save(self, player: Snapshot) -> None:
        """Save a player with its queue, whole or not at all.

        Raises:
            sqlite3.Error: it cannot be written; what was saved before stays.
        """
        await self._database.write(lambda raw: _save(raw, player))

    async def save_position(self, guild_id: int, position: float) -> None:
        """Save where the current track is, in seconds."""
        await self._database.write(lambda raw: raw.execute(SAVE_POSITION, (position, guild_id)))

    async def load(self, guild_id: int) -> Snapshot:
        """Return the player of a guild as it was saved; an empty one where none was."""
        return await self._database.read(lambda raw: _load(raw, guild_id))

    async def load_all(self) -> list[Snapshot]:
        """Return all players that were saved."""
        return await self._database.read(lambda raw: [_load(raw, guild_id) for guild_id in _guilds(raw)])

    async def forget_guild(self, guild_id: int) -> None:
        """Forget the player of a guild."""

        def forget(raw: sqlite3.Connection) -> None:
            raw.execute(DELETE_PLAYER, (guild_id,))
            raw.execute(DELETE_QUEUE, (guild_id,))

        await self._database.write(forget)

    async def forget_user(self, user_id: int) -> int:
        """Forget the tracks that a person asked for, in all guilds; return how many there were."""

        def forget(raw: sqlite3.Connection) -> int:
            count = 0
            for player in [_load(raw, guild_id) for guild_id in _guilds(raw)]:
                queue = player.queue.without_user(user_id)
                count += len(player.queue.tracks) - len(queue.tracks)
                if queue != player.queue:
                    kept = player.position if queue.current == player.queue.current else 0.0
                    _save(raw, replace(player, queue=queue, position=kept))
            return count

        return await self._database.write(forget)

    async def tracks_of_user(self, user_id: int) -> list[dict[str, Any]]:
        """Return the tracks that a person asked for, with the guild of each, to be handed out to them."""
        return [
            {"guild_id": player.guild_id, **track.to_json()}
            for player in await self.load_all()
            for track in player.queue.tracks
            if track.requester_id == user_id
        ]

    async def uploads(self) -> set[str]:
        """Return the names of the uploads that some queue refers to."""
        return {
            track.location
            for player in await self.load_all()
            for track in player.queue.tracks
            if track.kind is Kind.UPLOAD
        }


def _guilds(raw: sqlite3.Connection) -> list[int]:
    return [row[0] for row in raw.execute(SELECT_GUILDS).fetchall()]


def _save(raw: sqlite3.Connection, player: Snapshot) -> None:
    queue = player.queue
    raw.execute(
        SAVE_PLAYER,
        (
            player.guild_id,
            player.voice_channel_id,
            player.text_channel_id,
            player.message_id,
            queue.loop.value,
            player.is_paused,
            player.position,
            json_dumps(queue.current.to_json()) if queue.current else None,
            json_dumps([track.to_json() for track in queue.history]),
        ),
    )
    raw.execute(DELETE_QUEUE, (player.guild_id,))
    rows = ((player.guild_id, place, json_dumps(track.to_json())) for place, track in enumerate(queue.upcoming))
    raw.executemany(INSERT_TRACK, rows)


def _load(raw: sqlite3.Connection, guild_id: int) -> Snapshot:
    upcoming = tuple(_tracks(json_loads(row[0]) for row in raw.execute(SELECT_QUEUE, (guild_id,))))
    row = raw.execute(SELECT_PLAYER, (guild_id,)).fetchone()
    if row is None:
        return Snapshot(guild_id, TrackQueue(upcoming=upcoming))
    current = next(_tracks([json_loads(row["current"])]), None) if row["current"] else None
    history = tuple(_tracks(json_loads(row["history"])))
    return Snapshot(
        guild_id,
        TrackQueue(current, upcoming, history, Loop(row["looping"])),
        row["position"],
        bool(row["is_paused"]),
        row["voice_channel_id"],
        row["text_channel_id"],
        row["message_id"],
    )


def _tracks(saved: Iterable[Any]) -> Iterator[Track]:
    """Read saved tracks, and leave out what is none: of an older version, or of another program."""
    for value in saved:
        try:
            yield Track.from_json(value)
        except ValueError as error:
            logger.warning("A saved track is left out: %s", error)
