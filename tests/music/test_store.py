"""What is kept of players: whole, read again as it was, and forgotten when it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.cogs.music.store import PlayerStore, Snapshot
from reference.cogs.music.track import Kind, Track
from reference.cogs.music.track_queue import Limits, Loop, TrackQueue

if TYPE_CHECKING:
    from reference.utils.database.database import Database


@pytest.fixture
def store(database: Database) -> PlayerStore:
    """The store of that database."""
    return PlayerStore(database)


def song(title: str, requester: int = 1, kind: Kind = Kind.LIBRARY) -> Track:
    """Make a track."""
    return Track(kind, f"{title}.wav", title, requester, 2.5, None)


def player(guild_id: int = 5) -> Snapshot:
    """Make a player in the middle of a track, with a history."""
    tracks = [song("before"), song("now", 2), song("next", 1, Kind.UPLOAD), song("later", 2)]
    queue = TrackQueue(loop=Loop.QUEUE).looping(Loop.OFF).add(tracks, Limits()).finished().looping(Loop.QUEUE)
    return Snapshot(guild_id, queue, 1.25, True, 70, 71, 72)


async def test_a_player_is_read_as_it_was_saved(store: PlayerStore) -> None:
    """All of a player comes back: order, history, loop, position, pause and places."""
    await store.save(player())
    assert await store.load(5) == player()
    assert await store.load_all() == [player()]


async def test_a_guild_without_a_player_has_an_empty_one(store: PlayerStore) -> None:
    """Nothing saved is an empty player."""
    assert await store.load(5) == Snapshot(5)
    assert await store.load_all() == []


async def test_a_later_save_replaces_the_earlier(store: PlayerStore) -> None:
    """Nothing of an earlier queue is left behind."""
    await store.save(player())
    await store.save(Snapshot(5, TrackQueue().add([song("new")], Limits())))
    assert [track.title for track in (await store.load(5)).queue.tracks] == ["new"]


async def test_the_position_is_saved_alone(store: PlayerStore) -> None:
    """The position changes and nothing else."""
    await store.save(player())
    await store.save_position(5, 2.0)
    saved = await store.load(5)
    assert saved.position == 2.0
    assert saved.queue == player().queue


async def test_a_queue_of_the_facade_is_read_too(store: PlayerStore, database: Database) -> None:
    """What `save_music_queue` wrote is a queue without a player; what is no track in it is left out."""
    await database.save_music_queue(5, [song("a").to_json(), {"kind": "tape"}, song("b").to_json()])
    saved = await store.load(5)
    assert [track.title for track in saved.queue.upcoming] == ["a", "b"]
    assert [found.guild_id for found in await store.load_all()] == [5]


async def test_what_a_person_asked_for_is_handed_out_and_forgotten(store: PlayerStore) -> None:
    """A person's tracks of all guilds are listed, and forgetting removes them from every part of every queue."""
    await store.save(player(5))
    await store.save(player(6))
    listed = await store.tracks_of_user(2)
    assert [(entry["guild_id"], entry["title"]) for entry in listed] == [
        (5, "now"),
        (5, "later"),
        (6, "now"),
        (6, "later"),
    ]
    assert await store.forget_user(2) == 4
    assert await store.tracks_of_user(2) == []
    saved = await store.load(5)
    assert [track.title for track in saved.queue.tracks] == ["before", "next"]
    assert saved.position == 0.0
    assert await store.forget_user(2) == 0


async def test_a_guild_is_forgotten(store: PlayerStore) -> None:
    """Nothing is left of a guild."""
    await store.save(player(5))
    await store.save(player(6))
    await store.forget_guild(5)
    assert [found.guild_id for found in await store.load_all()] == [6]


async def test_uploads_that_are_needed_are_known(store: PlayerStore) -> None:
    """The files that some queue refers to are named."""
    await store.save(player(5))
    assert await store.uploads() == {"next.wav"}
