"""The bot: one object, the same on the real Discord and on a local one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from .cogs import AREAS, FOLDER
from .utils.database.database import Database
from .utils.localization import Language, add_locales, get_message, language_of

if TYPE_CHECKING:
    import aiohttp

    from .config import Settings

__all__ = ["Bot", "build_bot"]

INTENTS = discord.Intents(
    guilds=True,
    members=True,
    moderation=True,
    messages=True,
    message_content=True,
    reactions=True,
    voice_states=True,
)
"""What the bot asks to be told; members and message content have to be granted on Discord's developer page."""


class Bot(commands.AutoShardedBot):
    """The bot.

    Attributes:
        settings: what the operator decided.
        database: everything the bot keeps.
    """

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(
            command_prefix=settings.prefix,
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=True, replied_user=True),
            help_command=None,
            **options,
        )
        self.settings = settings
        self.database = Database()

    async def setup_hook(self) -> None:
        """Load every area, and tell Discord the commands."""
        for area in AREAS:
            add_locales(FOLDER / area / "locales")
            await self.load_extension(f".cogs.{area}", package=__package__)
        await self.tree.sync()

    async def language(self, place: discord.Interaction | commands.Context[Bot] | discord.Guild | None) -> Language:
        """Return the language to answer in: the guild's where it chose one, otherwise the reader's.

        Args:
            place: where the answer goes.
        """
        guild = place if isinstance(place, discord.Guild) or place is None else place.guild
        if guild is not None:
            chosen = await self.database.get_guild_settings(guild.id)
            if chosen["language"] != Language.ENGLISH:
                return language_of(chosen["language"])
        interaction = place.interaction if isinstance(place, commands.Context) else place
        return language_of(str(interaction.locale) if isinstance(interaction, discord.Interaction) else None)

    async def text(
        self, place: discord.Interaction | commands.Context[Bot] | discord.Guild | None, key: str, **values: Any
    ) -> str:
        """Return a message in the language to answer in; see `get_message`."""
        return get_message(key, await self.language(place), **values)


def build_bot(settings: Settings, *, connector: aiohttp.BaseConnector | None = None, **options: Any) -> Bot:
    """Make the bot; nothing is connected yet.

    Args:
        settings: what the operator decided.
        connector: brings its connections where they shall go; None for the internet.
        **options: for `discord.Client`.
    """
    return Bot(settings, connector=connector, **options)
