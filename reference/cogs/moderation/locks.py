"""Locked channels: what everyone was allowed there is remembered, so that unlocking opens nothing that was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    import discord

    from reference.utils.database.store import Store

__all__ = ["Locks"]

KNOWN = "SELECT allowed_before FROM channel_lock WHERE channel_id = ?"
LOCK = "INSERT OR IGNORE INTO channel_lock (channel_id, guild_id, allowed_before) VALUES (?, ?, ?)"
UNLOCK = "DELETE FROM channel_lock WHERE channel_id = ?"


class Locks:
    """Locks channels and unlocks them.

    Args:
        database: of the bot.
    """

    def __init__(self, database: Store) -> None:
        self._database = database

    async def lock(self, channel: discord.TextChannel, reason: str) -> bool:
        """Let nobody write in a channel; False where nobody could.

        What was allowed is written down first, so that a crash in between is mended by unlocking.

        Raises:
            discord.HTTPException: Discord does not take it.
        """
        everyone = channel.guild.default_role
        before = channel.overwrites_for(everyone)
        if before.send_messages is False:
            return False
        allowed = before.send_messages
        values = (channel.id, channel.guild.id, None if allowed is None else int(allowed))

        def write(raw: sqlite3.Connection) -> None:
            raw.execute(UNLOCK, (channel.id,))
            raw.execute(LOCK, values)

        await self._database.write(write)
        before.update(send_messages=False)
        await channel.set_permissions(everyone, overwrite=before, reason=reason)
        return True

    async def unlock(self, channel: discord.TextChannel, reason: str) -> bool:
        """Give back what was allowed before; False where the bot did not lock the channel, or it is open already.

        Raises:
            discord.HTTPException: Discord does not take it; the channel stays locked.
        """
        row = await self._database.read(lambda raw: raw.execute(KNOWN, (channel.id,)).fetchone())
        everyone = channel.guild.default_role
        overwrite = channel.overwrites_for(everyone)
        if row is None or overwrite.send_messages is not False:
            return False
        overwrite.update(send_messages=None if row[0] is None else bool(row[0]))
        await channel.set_permissions(everyone, overwrite=overwrite, reason=reason)
        await self._database.write(lambda raw: raw.execute(UNLOCK, (channel.id,)))
        return True
