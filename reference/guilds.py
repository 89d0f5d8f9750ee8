"""What guilds chose: a typed view of each, kept in memory and read anew after a change.

    config = await bot.guild_config(guild.id)        # None for direct messages gives the defaults
    if config.enabled(Feature.MUSIC): ...
    channel = guild.get_channel(config.log_channel_id) if config.log_channel_id else None
    await bot.guild_configs.save(guild.id, language="th", log_channel_id=channel.id)    # None: not chosen any more
    await bot.guild_configs.switch(guild.id, {Feature.LINKS: False})

"Not chosen" is told apart: `language` and `prefix` are None until somebody chose. Whatever else writes a guild's
settings calls `bot.guild_configs.forget(guild_id)` afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .guild_memory import GuildMemory
from .utils.database.guild_settings import SETTINGS, TOUCH
from .utils.localization import Language
from .utils.timestamps import utc_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from .utils.database.database import Database

__all__ = ["DEFAULTS", "Feature", "GuildConfig", "Guilds"]


class Feature(StrEnum):
    """A part of the bot that a guild can switch on and off; the value is what it is called in the database.

    Commands of an area are refused while its feature is off: a cog says `feature = Feature.MUSIC` in its class. Other
    code calls `await bot.require(guild_id, Feature.MUSIC)`.
    """

    AI = "ai"
    LINKS = "links"
    MUSIC = "music"
    AUTOMOD = "automod"
    WELCOME = "welcome"
    ROLES = "roles"
    REMINDERS = "reminders"
    POLLS = "polls"
    STATS = "stats"
    FEEDBACK = "feedback"


DEFAULTS: Mapping[Feature, bool] = MappingProxyType(
    {feature: feature not in {Feature.AUTOMOD, Feature.WELCOME} for feature in Feature}
)
"""What holds where a guild chose nothing: what acts unasked is off."""


@dataclass(frozen=True, slots=True)
class GuildConfig:
    """What one guild chose; what it did not choose is None, or the default where there is one.

    Attributes:
        guild_id: the guild; None for direct messages.
        language: None for: the reader's own.
        prefix: None for the operator's.
        log_channel_id: where moderation is noted.
        welcome_channel_id: where newcomers are greeted.
        ai_channel_id: where the AI answers without being mentioned.
        dj_role_id: who may direct the music; None for everybody.
        music_volume: as a factor, 0 to 2.
        auto_disconnect_delay: seconds after which the bot leaves an empty voice channel.
        mode_247: whether it stays there for ever.
        features: the switches that were chosen.
    """

    guild_id: int | None = None
    language: Language | None = None
    prefix: str | None = None
    log_channel_id: int | None = None
    welcome_channel_id: int | None = None
    ai_channel_id: int | None = None
    dj_role_id: int | None = None
    music_volume: float = SETTINGS["music_volume"].default
    auto_disconnect_delay: int = SETTINGS["auto_disconnect_delay"].default
    mode_247: bool = SETTINGS["mode_247"].default
    features: Mapping[Feature, bool] = field(default_factory=lambda: MappingProxyType({}))

    def enabled(self, feature: Feature) -> bool:
        """Tell whether a feature is on, be it chosen or by default."""
        return self.features.get(feature, DEFAULTS[feature])


NOWHERE = GuildConfig()
"""What holds in direct messages."""

SELECT = "SELECT * FROM guild_settings WHERE guild_id = ?"
SWITCHES = "SELECT feature, enabled FROM guild_features WHERE guild_id = ?"
SWITCH = """
INSERT INTO guild_features (guild_id, feature, enabled) VALUES (?, ?, ?)
ON CONFLICT (guild_id, feature) DO UPDATE SET enabled = excluded.enabled
"""
UNCHOOSE = "DELETE FROM guild_features WHERE guild_id = ? AND feature = ?"
KNOWN = frozenset(Feature)
CHOICES = tuple(GuildConfig.__dataclass_fields__.keys() & SETTINGS.keys() - {"language"})


class Guilds(GuildMemory[GuildConfig]):
    """The choices of all guilds.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def known(self, guild_id: int | None) -> GuildConfig | None:
        """Return what a guild chose where it is in memory; the defaults for None, which stands for direct messages."""
        return NOWHERE if guild_id is None else self.cache.get(guild_id)

    def has(self, guild_id: int, feature: Feature) -> bool:
        """Tell whether a feature may be on, by what is in memory; yes where nothing is, so that it is read then."""
        known = self.known(guild_id)
        return known is None or known.enabled(feature)

    async def get(self, guild_id: int | None) -> GuildConfig:
        """Return what a guild chose; the defaults for None, which stands for direct messages."""
        return NOWHERE if guild_id is None else await self.of(guild_id)

    async def read(self, guild_id: int) -> GuildConfig:
        """Read what a guild chose from the database."""
        return await self._database.read(lambda raw: _read(raw, guild_id))

    async def save(self, guild_id: int, **settings: Any) -> GuildConfig:
        """Save settings of a guild, and return what holds now; errors are those of `Database.save_guild_settings`.

        Args:
            guild_id: the guild.
            **settings: names of `SETTINGS` with their values; None for: not chosen.
        """
        try:
            await self._database.save_guild_settings(guild_id, **settings)
        finally:
            self.forget(guild_id)
        return await self.get(guild_id)

    async def switch(self, guild_id: int, features: Mapping[Feature, bool | None]) -> GuildConfig:
        """Switch features on or off, all of them or none, and return what holds now.

        Args:
            guild_id: the guild.
            features: None for: as by default.
        """
        return await self.replace(guild_id, {}, features)

    async def replace(
        self,
        guild_id: int,
        settings: Mapping[str, Any],
        features: Mapping[Feature, bool | None],
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> GuildConfig:
        """Save settings and switch features in one transaction, and return what holds now.

        Args:
            guild_id: the guild.
            settings: as for `save`.
            features: as for `switch`.
            also: writes what belongs to it, in the same transaction.

        Raises:
            KeyError: there is no such setting.
            ValueError: a value is of another type or out of the limits.
        """
        for name, value in settings.items():
            SETTINGS[name].check(name, value)

        def write(raw: sqlite3.Connection) -> None:
            updates = [(SETTINGS[name].update, value) for name, value in settings.items()]
            if Feature.AI in features:
                updates.append((SETTINGS["ai_enabled"].update, features[Feature.AI]))
            if updates:
                raw.execute(TOUCH, (guild_id, utc_text()))
            for update, value in updates:
                raw.execute(update, (value, guild_id))
            for feature in features.keys() - {Feature.AI}:
                _switch(raw, guild_id, feature, enabled=features[feature])
            if also is not None:
                also(raw)

        try:
            await self._database.write(write)
        finally:
            self.forget(guild_id)
        return await self.get(guild_id)


def _switch(raw: sqlite3.Connection, guild_id: int, feature: Feature, *, enabled: bool | None) -> None:
    if enabled is None:
        raw.execute(UNCHOOSE, (guild_id, feature.value))
    else:
        raw.execute(SWITCH, (guild_id, feature.value, int(enabled)))


def _read(raw: sqlite3.Connection, guild_id: int) -> GuildConfig:
    row = raw.execute(SELECT, (guild_id,)).fetchone()
    chosen: dict[str, Any] = {} if row is None else {name: row[name] for name in row.keys()}  # noqa: SIM118  of a row, not of a dict
    switches = {Feature(name): bool(on) for name, on in raw.execute(SWITCHES, (guild_id,)) if name in KNOWN}
    if chosen.get("ai_enabled") is not None:
        switches[Feature.AI] = bool(chosen["ai_enabled"])
    values = {name: SETTINGS[name].kind(chosen[name]) for name in CHOICES if chosen.get(name) is not None}
    language = chosen.get("language")
    return GuildConfig(
        guild_id=guild_id,
        language=Language(language) if language in set(Language) else None,
        features=MappingProxyType(switches),
        **values,
    )
