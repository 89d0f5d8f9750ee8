"""What a guild can choose, and how a choice is written and read by people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reference.errors import Refused
from reference.utils.localization import Language

if TYPE_CHECKING:
    from collections.abc import Callable

    import discord

__all__ = ["CHANNELS", "FIELDS", "Field", "Kind", "Page", "check_prefix", "shown"]

LONGEST_PREFIX = 10


class Kind(StrEnum):
    """Of what kind the value of a setting is."""

    LANGUAGE = "language"
    TEXT = "text"
    CHANNEL = "channel"
    ROLE = "role"
    PERCENT = "percent"
    SECONDS = "seconds"
    SWITCH = "switch"


class Page(StrEnum):
    """The pages of the form."""

    GENERAL = "general"
    CHANNELS = "channels"
    MUSIC = "music"
    FEATURES = "features"
    AUTOMOD = "automod"


@dataclass(frozen=True, slots=True)
class Field:
    """A setting as the form shows it."""

    kind: Kind
    page: Page


FIELDS: dict[str, Field] = {
    "language": Field(Kind.LANGUAGE, Page.GENERAL),
    "prefix": Field(Kind.TEXT, Page.GENERAL),
    "log_channel_id": Field(Kind.CHANNEL, Page.CHANNELS),
    "welcome_channel_id": Field(Kind.CHANNEL, Page.CHANNELS),
    "ai_channel_id": Field(Kind.CHANNEL, Page.CHANNELS),
    "dj_role_id": Field(Kind.ROLE, Page.MUSIC),
    "music_volume": Field(Kind.PERCENT, Page.MUSIC),
    "auto_disconnect_delay": Field(Kind.SECONDS, Page.MUSIC),
    "mode_247": Field(Kind.SWITCH, Page.MUSIC),
}
"""All settings but the features, by the names of `SETTINGS`."""

CHANNELS = {"log": "log_channel_id", "welcome": "welcome_channel_id", "ai": "ai_channel_id"}
"""What the channels are called in commands."""

LANGUAGES = {Language.ENGLISH: "English", Language.THAI: "ไทย"}


def check_prefix(text: str) -> str:
    """Return a prefix as it is kept.

    Args:
        text: as somebody wrote it.

    Raises:
        Refused: it is empty or too long, has a space in it, or is Discord's own.
    """
    prefix = text.strip()
    is_odd = any(each.isspace() or not each.isprintable() for each in prefix) or "`" in prefix
    if not 0 < len(prefix) <= LONGEST_PREFIX or is_odd or prefix[0] in "/@<#":
        raise Refused("settings.bad_prefix", most=LONGEST_PREFIX)
    return prefix


def shown(name: str, value: Any, guild: discord.Guild) -> str | None:
    """Return a value as people read it; None for what was not chosen, `on` or `off` for a switch.

    Args:
        name: of the setting.
        value: what was chosen.
        guild: where.
    """
    if value is None:
        return None
    return _SHOWN[FIELDS[name].kind](value, guild)


def _channel(value: int, guild: discord.Guild) -> str:
    return f"<#{value}>" if guild.get_channel_or_thread(value) else f"⚠ `{value}`"


def _role(value: int, guild: discord.Guild) -> str:
    return f"<@&{value}>" if guild.get_role(value) else f"⚠ `{value}`"


_SHOWN: dict[Kind, Callable[[Any, discord.Guild], str]] = {
    Kind.LANGUAGE: lambda value, _guild: LANGUAGES[Language(value)],
    Kind.TEXT: lambda value, _guild: f"`{value}`",
    Kind.CHANNEL: _channel,
    Kind.ROLE: _role,
    Kind.PERCENT: lambda value, _guild: f"{value:.0%}",
    Kind.SECONDS: lambda value, _guild: f"{value} s",
    Kind.SWITCH: lambda value, _guild: "on" if value else "off",
}
