"""Community: reminders, polls, self-assigned roles, welcome cards, statistics and feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .polls import Polls, VoteButton
from .reminders import Reminders
from .role_panels import RoleButton, RoleMenu
from .self_roles import SelfRoles

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    reminders, polls, roles = Reminders(bot), Polls(bot), SelfRoles(bot)
    for cog in (reminders, polls, roles):
        await bot.add_cog(cog)
    bot.persistent.add(polls, VoteButton)
    bot.persistent.add(roles, RoleButton, RoleMenu)
    bot.privacy.register("reminders", reminders.store.export, reminders.store.forget, tables={"reminder", "time_zone"})
    bot.privacy.register("polls", polls.store.export, polls.store.forget, tables={"poll", "poll_vote"})
