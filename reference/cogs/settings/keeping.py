"""Reading and saving everything that a guild chose, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference.cogs.moderation.policies import Policies
from reference.guilds import Feature
from reference.utils.database.guild_settings import SELECT, SETTINGS

from .choices import FIELDS, shown
from .document import Chosen, Names

if TYPE_CHECKING:
    from collections.abc import Mapping

    import discord

    from reference.bot import Bot
    from reference.cogs.moderation.policy import Policy

__all__ = ["Keeping", "Row", "differences", "names_of"]

Row = tuple[str, str | None, str | None]
"""A difference: the key of its label, what was, and what will be; None for what is not chosen."""

FORM = "SELECT channel_id, message_id, page FROM settings_form WHERE guild_id = ?"
SAVE_FORM = """
INSERT INTO settings_form (guild_id, channel_id, message_id, page) VALUES (?, ?, ?, ?)
ON CONFLICT (guild_id) DO UPDATE SET
    channel_id = excluded.channel_id, message_id = excluded.message_id, page = excluded.page
"""
DROP_FORM = "DELETE FROM settings_form WHERE guild_id = ? AND message_id = ?"


class Keeping:
    """What guilds chose, as the form and the commands see it.

    Args:
        bot: the bot.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._own = Policies(bot.database)

    @property
    def policies(self) -> Policies:
        """The policies of the filters: those that moderation reads, where it is loaded."""
        cog: Any = self._bot.get_cog("AutoMod")
        return self._own if cog is None else cog.acts.policies

    async def chosen(self, guild_id: int) -> Chosen:
        """Return everything that a guild chose."""
        row = await self._bot.database.read(lambda raw: raw.execute(SELECT, (guild_id,)).fetchone())
        kept = dict(row) if row else {}
        settings = {name: None if kept.get(name) is None else SETTINGS[name].kind(kept[name]) for name in FIELDS}
        features = (await self._bot.guild_config(guild_id)).features
        return Chosen(settings, dict(features), await self.policies.of(guild_id))

    async def save(self, guild: discord.Guild, who: discord.abc.User, **settings: Any) -> None:
        """Save settings, and note who did it.

        Whoever names a channel for newcomers wants them greeted, unless the feature was switched off by somebody.

        Raises:
            ValueError: a value is of another type or out of the limits.
        """
        features: dict[Feature, bool] = {}
        if settings.get("welcome_channel_id"):
            known = (await self._bot.guild_config(guild.id)).features
            features[Feature.WELCOME] = known.get(Feature.WELCOME, True)
        await self._bot.guild_configs.replace(guild.id, settings, features)
        await self._note(guild, who, list(settings))

    async def switch(self, guild: discord.Guild, who: discord.abc.User, features: Mapping[Feature, bool]) -> None:
        """Switch features, and note who did it."""
        await self._bot.guild_configs.switch(guild.id, features)
        await self._note(guild, who, [feature.value for feature in features])

    async def set_policy(self, guild: discord.Guild, who: discord.abc.User, policy: Policy) -> None:
        """Save what the filters do, and note who did it."""
        await self.policies.save(guild.id, policy)
        await self._note(guild, who, ["automod"])

    async def replace(self, guild: discord.Guild, who: discord.abc.User, chosen: Chosen) -> None:
        """Replace everything that a guild chose, in one transaction.

        Raises:
            ValueError: a value is out of the limits; nothing was changed.
        """
        features = {feature: chosen.features.get(feature) for feature in Feature}
        settings = {name: chosen.settings.get(name) for name in FIELDS}
        policies = self.policies

        def also(raw: Any) -> None:
            policies.write(raw, guild.id, chosen.policy)

        try:
            await self._bot.guild_configs.replace(guild.id, settings, features, also)
        finally:
            policies.forget(guild.id)
        await self._note(guild, who, ["everything"])

    async def _note(self, guild: discord.Guild, who: discord.abc.User, names: list[str]) -> None:
        await self._bot.database.log_audit("settings.change", guild.id, who.id, None, {"settings": names})
        await self._bot.database.export_guild_settings(guild.id)

    # The form that is kept up to date

    async def form(self, guild_id: int) -> tuple[int, int, str] | None:
        """Return channel, message and page of the last form of a guild."""
        row = await self._bot.database.read(lambda raw: raw.execute(FORM, (guild_id,)).fetchone())
        return tuple(row) if row else None

    async def set_form(self, guild_id: int, channel_id: int, message_id: int, page: str) -> None:
        """Remember the last form of a guild."""
        values = (guild_id, channel_id, message_id, page)
        await self._bot.database.write(lambda raw: raw.execute(SAVE_FORM, values))

    async def drop_form(self, guild_id: int, message_id: int) -> None:
        """Forget a form that is gone."""
        await self._bot.database.write(lambda raw: raw.execute(DROP_FORM, (guild_id, message_id)))


def names_of(guild: discord.Guild) -> Names:
    """Return the names of the channels and roles of a guild."""
    channels = {channel.id: channel.name for channel in guild.channels}
    return Names(channels, {role.id: role.name for role in guild.roles if not role.is_default()})


def differences(before: Chosen, after: Chosen, guild: discord.Guild) -> list[Row]:
    """Return what would change, in the order of the form."""
    old, new = before.settings, after.settings
    rows: list[Row] = [
        (f"settings.field.{name}", shown(name, old.get(name), guild), shown(name, new.get(name), guild))
        for name in FIELDS
        if old.get(name) != new.get(name)
    ]
    for feature in Feature:
        was, will = before.features.get(feature), after.features.get(feature)
        if was != will:
            rows.append((f"settings.feature.{feature.value}", _switch(was), _switch(will)))
    policy, other = before.policy.model_dump(), after.policy.model_dump()
    rows += [(f"settings.policy.{name}", "", "") for name in other if policy[name] != other[name]]
    return rows


def _switch(value: bool | None) -> str | None:
    return None if value is None else "on" if value else "off"
