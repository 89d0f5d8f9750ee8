"""Community: reminders, polls, self-assigned roles, welcome cards, statistics and feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .feedback import Feedback
from .polls import Polls, VoteButton
from .reminders import Reminders
from .role_panels import RoleButton, RoleMenu
from .self_roles import SelfRoles
from .stats import Stats
from .welcome import Welcome

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["setup"]

FEEDBACK_OF = "SELECT * FROM feedback WHERE user_id = ?"
NO_FEEDBACK = "DELETE FROM feedback WHERE user_id = ?"


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    reminders, polls, roles, stats = Reminders(bot), Polls(bot), SelfRoles(bot), Stats(bot)
    for cog in (reminders, polls, roles, stats, Welcome(bot), Feedback(bot)):
        await bot.add_cog(cog)
    bot.persistent.add(polls, VoteButton)
    bot.persistent.add(roles, RoleButton, RoleMenu)
    bot.privacy.register("reminders", reminders.store.export, reminders.store.forget, tables={"reminder", "time_zone"})
    bot.privacy.register("polls", polls.store.export, polls.store.forget, tables={"poll", "poll_vote"})
    bot.privacy.register("counts", stats.pending_of, stats.forget_user)
    bot.privacy.register_rows("feedback", FEEDBACK_OF, NO_FEEDBACK, tables={"feedback"})
