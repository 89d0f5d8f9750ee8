"""Moderation: what moderators do to members and channels, what filters do to messages, and the cases of it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .acts import Acts
from .automod import AutoMod
from .automod_commands import AutoModCommands
from .channels import Channels
from .expiry import Expiry
from .locks import Locks
from .members import Members
from .menus import Menus
from .records import PageButton, Records
from .recovery import Recovery
from .watch import Watch

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    acts = Acts(bot)
    recovery = Recovery(acts)
    expiry = Expiry(acts, recovery)
    records = Records(bot, acts)
    for cog in (
        Members(bot, acts, expiry),
        Channels(bot, acts, Locks(bot.database)),
        records,
        Menus(bot, acts),
        AutoMod(bot, acts),
        AutoModCommands(bot, acts),
        Watch(bot, recovery, expiry),
    ):
        await bot.add_cog(cog)
    bot.persistent.add(records, PageButton)
    store = acts.store
    bot.privacy.register(
        "moderation", store.of_user, store.forget_user, tables={"mod_case"}, stays="moderation.privacy_stays"
    )
    bot.memory.register("automod policies", acts.policies.cache)
