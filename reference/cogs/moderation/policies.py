"""Where the policies of guilds are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from reference.utils.monitoring.structured_logger import get_logger
from reference.utils.reliability.memory_manager import TTLCache
from reference.utils.timestamps import utc_text

from .policy import Policy

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from reference.utils.database.store import Store

__all__ = ["Policies"]

log = get_logger(__name__)

SELECT = "SELECT policy FROM automod_policy WHERE guild_id = ?"
SAVE = """
INSERT INTO automod_policy (guild_id, policy, updated_at) VALUES (?, ?, ?)
ON CONFLICT (guild_id) DO UPDATE SET policy = excluded.policy, updated_at = excluded.updated_at
"""

MOST_GUILDS = 5_000
LIFETIME = 600.0
"""Seconds for which a policy is kept in memory."""


class Policies:
    """The policies of all guilds.

    Args:
        database: where they are kept.

    Attributes:
        cache: what was read lately; a memory monitor may empty it.
        listeners: told the id of a guild whose policy changed.
    """

    def __init__(self, database: Store) -> None:
        self._database = database
        self._changes = 0
        self.listeners: list[Callable[[int], None]] = []
        self.cache: TTLCache[int, Policy] = TTLCache(MOST_GUILDS, LIFETIME)

    async def get(self, guild_id: int) -> Policy:
        """Return the policy of a guild; where it has none, or one that nobody understands, nothing is filtered."""
        known = self.cache.get(guild_id)
        if known is not None:
            return known
        changes = self._changes
        row = await self._database.read(lambda raw: raw.execute(SELECT, (guild_id,)).fetchone())
        try:
            policy = Policy.model_validate_json(row[0]) if row else Policy()
        except ValidationError as error:
            log.warning("the policy of a guild is not understood", guild=guild_id, problems=error.error_count())
            policy = Policy()
        if changes == self._changes:
            self.cache.set(guild_id, policy)
        return policy

    async def save(self, guild_id: int, policy: Policy) -> Policy:
        """Save the policy of a guild."""
        try:
            await self._database.write(lambda raw: self.write(raw, guild_id, policy))
        finally:
            self.forget(guild_id)
        return policy

    @staticmethod
    def write(raw: sqlite3.Connection, guild_id: int, policy: Policy) -> None:
        """Save a policy as a part of a larger unit of work; `forget` follows it."""
        raw.execute(SAVE, (guild_id, policy.model_dump_json(), utc_text()))

    def forget(self, guild_id: int) -> None:
        """Read a policy anew when it is asked for next."""
        self._changes += 1
        self.cache.delete(guild_id)
        for listener in self.listeners:
            listener(guild_id)
