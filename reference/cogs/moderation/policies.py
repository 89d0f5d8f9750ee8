"""Where the policies of guilds are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from reference.guild_memory import GuildMemory
from reference.utils.monitoring.structured_logger import get_logger
from reference.utils.timestamps import utc_text

from .policy import Policy

if TYPE_CHECKING:
    import sqlite3

    from reference.utils.database.store import Store

__all__ = ["Policies"]

log = get_logger(__name__)

SELECT = "SELECT policy FROM automod_policy WHERE guild_id = ?"
SAVE = """
INSERT INTO automod_policy (guild_id, policy, updated_at) VALUES (?, ?, ?)
ON CONFLICT (guild_id) DO UPDATE SET policy = excluded.policy, updated_at = excluded.updated_at
"""


class Policies(GuildMemory[Policy]):
    """The policies of all guilds.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Store) -> None:
        super().__init__()
        self._database = database

    async def read(self, guild_id: int) -> Policy:
        """Return the policy of a guild; where it has none, or one that nobody understands, nothing is filtered."""
        row = await self._database.read(lambda raw: raw.execute(SELECT, (guild_id,)).fetchone())
        try:
            return Policy.model_validate_json(row[0]) if row else Policy()
        except ValidationError as error:
            log.warning("the policy of a guild is not understood", guild=guild_id, problems=error.error_count())
            return Policy()

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
