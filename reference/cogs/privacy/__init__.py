"""For everybody: what the bot keeps about them, as a file, and that it forgets them.

What must stay, and why, is said to the person: the audit log is a chain of hashes that nobody can edit, and cases of
moderation go on to protect a server. Log files and back-ups are the operator's, and are overwritten in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cog import PrivacyCog
from .keepers import register

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["PrivacyCog", "setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    register(bot)
    await bot.add_cog(PrivacyCog(bot))
