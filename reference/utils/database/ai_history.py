"""Conversations with the model, channel by channel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..timestamps import utc_text  # noqa: TID252  the package is loaded under two names
from .store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

__all__ = ["ROLES", "AIHistory"]

T = TypeVar("T")

ROLES = ("user", "assistant", "model", "system")
"""Who can say something; "model" is what some services call the assistant."""

INSERT = """
INSERT INTO ai_history (channel_id, user_id, role, content, message_id, timestamp)
VALUES (?, ?, ?, ?, ?, ?)
"""
NEWEST = "SELECT * FROM ai_history WHERE channel_id = ? ORDER BY id DESC LIMIT ?"
KEEP = """
DELETE FROM ai_history WHERE channel_id = ? AND id <= (
    SELECT id FROM ai_history WHERE channel_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?
)
"""

OF_USER = "SELECT * FROM ai_history WHERE user_id = ? ORDER BY id"
CHANNELS_OF_USER = "SELECT DISTINCT channel_id FROM ai_history WHERE user_id = ?"
WITHOUT_USER = """
DELETE FROM ai_history WHERE user_id = :user OR (user_id IS NULL AND (
    SELECT before.user_id FROM ai_history AS before
    WHERE before.channel_id = ai_history.channel_id AND before.id < ai_history.id ORDER BY before.id DESC LIMIT 1
) = :user)
RETURNING channel_id
"""
"""An answer goes with the message right before it: it may repeat what was asked."""


class AIHistory(Store):
    """The messages of channels in which the model takes part."""

    async def save_ai_message(
        self,
        channel_id: int,
        user_id: int | None,
        role: str,
        content: str,
        message_id: int | None = None,
        timestamp: datetime | str | None = None,
    ) -> int:
        """Save a message.

        Args:
            channel_id: where it was said.
            user_id: who said it; None for the model.
            role: one of `ROLES`.
            content: the text.
            message_id: Discord's number of the message.
            timestamp: when it was said, now if not given; a text is kept as it is.

        Returns:
            The message's number in the history.

        Raises:
            ValueError: the role is unknown.
        """
        message = {"channel_id": channel_id, "user_id": user_id, "role": role, "content": content}
        values = _values({**message, "message_id": message_id, "timestamp": timestamp}, _now())
        return await self._change({channel_id}, lambda raw: raw.execute(INSERT, values).lastrowid) or 0

    async def save_ai_messages_batch(self, messages: Iterable[Mapping[str, Any]]) -> int:
        """Save many messages, all or none of them, in one unit of work.

        Args:
            messages: each with `channel_id`, `role`, `content` and, if there are any, `user_id`, `message_id` and
                `timestamp`.

        Returns:
            How many were saved.

        Raises:
            ValueError: a message lacks something or has an unknown role; none was saved.
        """
        now = _now()
        values = [_values(message, now) for message in messages]
        if not values:
            return 0

        def save(raw: sqlite3.Connection) -> None:
            raw.executemany(INSERT, values)

        await self._change({row[0] for row in values}, save)
        return len(values)

    async def get_ai_history(self, channel_id: int, limit: int = 50) -> list[dict[str, Any]]:
        """Return the newest messages of a channel, oldest first.

        Args:
            channel_id: the channel.
            limit: how many at most.
        """
        rows = await self.read(lambda raw: raw.execute(NEWEST, (channel_id, max(0, limit))).fetchall())
        return [dict(row) for row in reversed(rows)]

    async def delete_ai_history(self, channel_id: int) -> int:
        """Forget a channel, its exported file included; return how many messages there were."""
        delete = "DELETE FROM ai_history WHERE channel_id = ?"
        count = await self._change({channel_id}, lambda raw: raw.execute(delete, (channel_id,)).rowcount)
        await self._delete_export(channel_id)
        return count

    async def prune_ai_history(self, channel_id: int, keep: int) -> int:
        """Forget all but the newest messages of a channel; return how many went.

        Args:
            channel_id: the channel.
            keep: how many stay.
        """
        values = (channel_id, channel_id, max(0, keep))
        return await self._change({channel_id}, lambda raw: raw.execute(KEEP, values).rowcount)

    async def get_ai_messages_of(self, user_id: int) -> list[dict[str, Any]]:
        """Return all messages of a user, oldest first."""
        rows = await self.read(lambda raw: raw.execute(OF_USER, (user_id,)).fetchall())
        return [dict(row) for row in rows]

    async def forget_ai_user(self, user_id: int) -> int:
        """Forget what a user said, and the answers to it, exported files included; return how many messages went."""

        def forget(raw: sqlite3.Connection) -> list[int]:
            raw.execute("PRAGMA secure_delete = ON")
            return [row[0] for row in raw.execute(WITHOUT_USER, {"user": user_id}).fetchall()]

        known = await self.read(lambda raw: {row[0] for row in raw.execute(CHANNELS_OF_USER, (user_id,))})
        channels = await self._change(known, forget)
        for channel_id in set(channels):
            await self._delete_export(channel_id)
        return len(channels)

    async def _change(self, channels: set[int], unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of work; the files follow even if the caller is cancelled, for the work may be done yet."""
        try:
            return await self.write(unit)
        finally:
            for channel_id in channels:
                self._export(channel_id)

    async def _delete_export(self, channel_id: int) -> None:
        try:
            await self.exporter.delete(_export_name(channel_id))
        finally:
            self._export(channel_id)  # what was said meanwhile, or a file that could not be deleted

    def _export(self, channel_id: int) -> None:
        self.exporter.schedule(_export_name(channel_id), partial(self.get_ai_history, channel_id, EXPORTED))


EXPORTED = 1000
"""Messages of a channel in its exported file."""


def _export_name(channel_id: int) -> str:
    return f"ai_history_{int(channel_id)}.json"


def _now() -> str:
    return utc_text()


def _values(message: Mapping[str, Any], now: str) -> tuple[Any, ...]:
    """Return a message as it is stored.

    Raises:
        ValueError: it lacks something or has an unknown role.
    """
    get = message.get
    channel_id, role, content, moment = get("channel_id"), get("role"), get("content"), get("timestamp")
    if channel_id is None or role is None or content is None:
        lacking = [name for name in ("channel_id", "role", "content") if get(name) is None]
        raise ValueError(f"a message of the history needs {' and '.join(lacking)}")
    if role not in ROLES:
        raise ValueError(f"there is no role {role!r}; there are: {', '.join(ROLES)}")
    when = now if moment is None else moment if isinstance(moment, str) else utc_text(moment)
    return channel_id, get("user_id"), role, content, get("message_id"), when
