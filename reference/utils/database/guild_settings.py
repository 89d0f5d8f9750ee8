"""What a guild chose: a fixed set of settings, each with its type, default and prewritten statement."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..timestamps import utc_text  # noqa: TID252  the package is loaded under two names
from .store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

__all__ = ["SETTINGS", "GuildSettings", "Setting", "UnknownSettingError"]


class UnknownSettingError(ValueError):
    """A guild has no setting of this name; nothing was saved."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a guild.

    Attributes:
        kind: the type of its values; None stands for "not chosen" everywhere.
        default: what holds where nothing was chosen.
        update: the statement that saves it, written here and not from what a caller gives (audit finding F05).
        limits: the smallest and the largest value.
    """

    kind: type
    default: Any
    update: str
    limits: tuple[float, float] | None = None

    def check(self, name: str, value: object) -> None:
        """Refuse a value of another type or out of the limits.

        Raises:
            ValueError: the value cannot be saved.
        """
        if value is None:
            return
        kinds = (int, float) if self.kind is float else (self.kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and self.kind is not bool):
            raise ValueError(f"the setting {name} is of type {self.kind.__name__}, not {type(value).__name__}")
        if self.limits and isinstance(value, int | float) and not self.limits[0] <= value <= self.limits[1]:
            raise ValueError(f"the setting {name} is from {self.limits[0]:g} to {self.limits[1]:g}, not {value:g}")


_NAME_BITS = (0, 2**63 - 1)

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "prefix": Setting(str, "!", "UPDATE guild_settings SET prefix = ? WHERE guild_id = ?"),
        "language": Setting(str, "en", "UPDATE guild_settings SET language = ? WHERE guild_id = ?"),
        "ai_enabled": Setting(bool, True, "UPDATE guild_settings SET ai_enabled = ? WHERE guild_id = ?"),
        "ai_channel_id": Setting(
            int, None, "UPDATE guild_settings SET ai_channel_id = ? WHERE guild_id = ?", _NAME_BITS
        ),
        "music_volume": Setting(
            float, 0.5, "UPDATE guild_settings SET music_volume = ? WHERE guild_id = ?", (0.0, 2.0)
        ),
        "auto_disconnect_delay": Setting(
            int, 180, "UPDATE guild_settings SET auto_disconnect_delay = ? WHERE guild_id = ?", (0, 86_400)
        ),
        "mode_247": Setting(bool, False, "UPDATE guild_settings SET mode_247 = ? WHERE guild_id = ?"),
        "dj_role_id": Setting(int, None, "UPDATE guild_settings SET dj_role_id = ? WHERE guild_id = ?", _NAME_BITS),
        "welcome_channel_id": Setting(
            int, None, "UPDATE guild_settings SET welcome_channel_id = ? WHERE guild_id = ?", _NAME_BITS
        ),
        "log_channel_id": Setting(
            int, None, "UPDATE guild_settings SET log_channel_id = ? WHERE guild_id = ?", _NAME_BITS
        ),
    }
)
"""All settings; volume as a factor, delay in seconds."""

TOUCH = """
INSERT INTO guild_settings (guild_id, updated_at) VALUES (?, ?)
ON CONFLICT (guild_id) DO UPDATE SET updated_at = excluded.updated_at
"""
SELECT = "SELECT * FROM guild_settings WHERE guild_id = ?"


class GuildSettings(Store):
    """The settings of guilds."""

    async def save_guild_settings(self, guild_id: int, **settings: Any) -> None:
        """Save settings of a guild, all or none of them; those not named stay as they are.

        A name is only ever looked up; what SQLite is given was written beforehand (audit finding F05).

        Args:
            guild_id: the guild.
            **settings: names of `SETTINGS` with their values; None goes back to the default.

        Raises:
            UnknownSettingError: there is no such setting.
            ValueError: a value is of another type or out of the limits.
        """
        updates = [(_known(name, value).update, value) for name, value in settings.items()]
        if not updates:
            return

        def save(raw: sqlite3.Connection) -> None:
            raw.execute(TOUCH, (guild_id, utc_text()))
            for update, value in updates:
                raw.execute(update, (value, guild_id))

        await self.write(save)

    async def get_guild_settings(self, guild_id: int) -> dict[str, Any]:
        """Return all settings of a guild by name, with the defaults for what it did not choose."""
        row = await self.read(lambda raw: raw.execute(SELECT, (guild_id,)).fetchone())
        chosen: dict[str, Any] = dict(row) if row else {}
        values: dict[str, Any] = {"guild_id": guild_id}
        for name, setting in SETTINGS.items():
            value = chosen.get(name)
            values[name] = setting.default if value is None else setting.kind(value)
        return values


def _known(name: str, value: object) -> Setting:
    setting = SETTINGS.get(name)
    if setting is None:
        raise UnknownSettingError(f"there is no setting {name!r}; there are: {', '.join(SETTINGS)}")
    setting.check(name, value)
    return setting
