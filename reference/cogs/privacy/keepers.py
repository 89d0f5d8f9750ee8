"""What the core of the bot keeps about people; every other area says so itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["register"]

STATS = "SELECT * FROM user_stats WHERE user_id = ?"
FORGET_STATS = "DELETE FROM user_stats WHERE user_id = ?"

INCIDENTS = """
SELECT incidents.id, incidents.at, incidents.place, incidents.guild_id FROM incidents WHERE user_id = ?
"""
FORGET_INCIDENTS = "UPDATE incidents SET user_id = NULL WHERE user_id = ?"
ERRORS = """
SELECT error_type, command, guild_id, occurrences, first_seen, last_seen FROM error_log WHERE user_id = ?
"""
FORGET_ERRORS = "UPDATE error_log SET user_id = NULL WHERE user_id = ?"
AUDIT = """
SELECT timestamp, action_type, guild_id, details FROM audit_log WHERE user_id = :user OR target_id = :user ORDER BY id
"""


def register(bot: Bot) -> None:
    """Say what the core keeps: counters, errors that somebody met, acts in the audit logs, and figures in memory."""
    rows = bot.privacy.register_rows
    rows("stats", STATS, FORGET_STATS, tables={"user_stats"})
    rows("incidents", INCIDENTS, FORGET_INCIDENTS, tables={"incidents"})
    rows("errors", ERRORS, FORGET_ERRORS, tables={"error_log"})
    bot.privacy.register("audit log", _audit(bot), _nothing, tables={"audit_log"}, stays="privacy.stays.audit")
    bot.privacy.register("tokens", _tokens(bot), _forget_tokens(bot))
    bot.privacy.register("reactions", _reactions(bot), _forget_reactions(bot))


def _audit(bot: Bot) -> Any:
    async def export(user_id: int) -> dict[str, Any]:
        rows = await bot.database.read(lambda raw: raw.execute(AUDIT, {"user": user_id}).fetchall())
        acts = await bot.audit.get_recent_actions(1000, actor_id=user_id)
        found = {"of servers": [dict(row) for row in rows], "of the bot": acts}
        return {name: entries for name, entries in found.items() if entries}

    return export


async def _nothing(_user_id: int) -> int:
    """Forget nothing: the entries are links of a chain."""
    return 0


def _tokens(bot: Bot) -> Any:
    async def export(user_id: int) -> dict[str, Any] | None:
        return bot.tokens.get_user_stats(user_id)

    return export


def _forget_tokens(bot: Bot) -> Any:
    async def forget(user_id: int) -> int:
        return int(bot.tokens.forget_user(user_id))

    return forget


def _reactions(bot: Bot) -> Any:
    async def export(user_id: int) -> list[dict[str, Any]]:
        return await asyncio.to_thread(bot.feedback.voices_of, user_id)

    return export


def _forget_reactions(bot: Bot) -> Any:
    async def forget(user_id: int) -> int:
        return await asyncio.to_thread(bot.feedback.forget_user, user_id)

    return forget
