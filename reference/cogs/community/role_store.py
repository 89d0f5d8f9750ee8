"""Where the roles that members may give themselves are kept, and the messages that offer them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference.utils.timestamps import utc_text

if TYPE_CHECKING:
    import sqlite3

    from reference.utils.database.store import Store

__all__ = ["MOST_ROLES", "Panel", "RoleStore"]

MOST_ROLES = 25
"""As many as a menu holds, and as buttons fit below a message."""

COUNT = "SELECT COUNT(*) FROM self_role WHERE guild_id = ? AND role_id <> ?"
OFFER = "INSERT INTO self_role VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
WITHDRAW = "DELETE FROM self_role WHERE guild_id = ? AND role_id = ?"
OFFERED = "SELECT role_id FROM self_role WHERE guild_id = ? ORDER BY added_at, role_id"
PANEL = "INSERT INTO self_role_panel (message_id, guild_id, channel_id, style, title) VALUES (?, ?, ?, ?, ?)"
PANELS = "SELECT * FROM self_role_panel WHERE guild_id = ? ORDER BY message_id"
NO_PANEL = "DELETE FROM self_role_panel WHERE message_id = ?"
NO_ROLE = "DELETE FROM self_role WHERE role_id = ?"
FORGET_GUILD = ("DELETE FROM self_role WHERE guild_id = ?", "DELETE FROM self_role_panel WHERE guild_id = ?")


@dataclass(frozen=True)
class Panel:
    """A message that offers roles.

    Attributes:
        style: `buttons` or `menu`.
    """

    message_id: int
    guild_id: int
    channel_id: int
    style: str
    title: str


class RoleStore:
    """Saves and finds what is offered.

    Args:
        database: of the bot.
    """

    def __init__(self, database: Store) -> None:
        self._database = database

    async def offer(self, guild_id: int, role_id: int) -> bool:
        """Offer a role; False where as many are offered as can be."""

        def offer(raw: sqlite3.Connection) -> bool:
            if raw.execute(COUNT, (guild_id, role_id)).fetchone()[0] >= MOST_ROLES:
                return False
            raw.execute(OFFER, (guild_id, role_id, utc_text()))
            return True

        return await self._database.write(offer)

    async def withdraw(self, guild_id: int, role_id: int) -> bool:
        """Offer a role no longer; False where it was not offered."""
        return await self._database.write(lambda raw: raw.execute(WITHDRAW, (guild_id, role_id)).rowcount > 0)

    async def offered(self, guild_id: int) -> list[int]:
        """Return the roles that a guild offers, the first one first."""
        rows = await self._database.read(lambda raw: raw.execute(OFFERED, (guild_id,)).fetchall())
        return [row[0] for row in rows]

    async def add_panel(self, panel: Panel) -> None:
        """Remember a message that offers roles."""
        values = (panel.message_id, panel.guild_id, panel.channel_id, panel.style, panel.title)
        await self._database.write(lambda raw: raw.execute(PANEL, values))

    async def panels(self, guild_id: int) -> list[Panel]:
        """Return the messages of a guild that offer roles."""
        rows = await self._database.read(lambda raw: raw.execute(PANELS, (guild_id,)).fetchall())
        return [Panel(**dict(row)) for row in rows]

    async def remove_panel(self, message_id: int) -> None:
        """Forget a message."""
        await self._database.write(lambda raw: raw.execute(NO_PANEL, (message_id,)))

    async def remove_role(self, role_id: int) -> None:
        """Forget a role that is gone."""
        await self._database.write(lambda raw: raw.execute(NO_ROLE, (role_id,)))

    async def forget_guild(self, guild_id: int) -> None:
        """Forget a guild that the bot has left."""

        def forget(raw: sqlite3.Connection) -> None:
            for statement in FORGET_GUILD:
                raw.execute(statement, (guild_id,))

        await self._database.write(forget)
