"""Emojis, stickers and sounds of a guild, and emojis of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit
from localdiscord.actions.access import held_in
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.expression import Emoji, Sound, Sticker
from localdiscord.model.files import Upload, image_format
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.application import Application
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = [
    "add_application_emoji",
    "add_emoji",
    "add_sound",
    "add_sticker",
    "change",
    "delete",
]

LARGEST_EMOJI, LARGEST_STICKER, LARGEST_SOUND = 256 * 1024, 512 * 1024, 512 * 1024
"""Bytes."""

MOST_EMOJIS, MOST_STICKERS = 50, 5
STICKER_FORMATS = {"png": 1, "gif": 4}

Thing = Emoji | Sticker | Sound
NAMES: dict[type[Thing], tuple[str, Audited, Audited]] = {
    Emoji: ("GUILD_EMOJIS_UPDATE", Audited.EMOJI_UPDATE, Audited.EMOJI_DELETE),
    Sticker: ("GUILD_STICKERS_UPDATE", Audited.STICKER_UPDATE, Audited.STICKER_DELETE),
    Sound: ("GUILD_SOUNDBOARD_SOUND_UPDATE", Audited.SOUND_UPDATE, Audited.SOUND_DELETE),
}


def _require(guild: Guild, by: User, owner: User) -> None:
    """Refuse those who may not; one's own things need less."""
    enough = Permissions.MANAGE_GUILD_EXPRESSIONS
    if by is owner:
        enough |= Permissions.CREATE_GUILD_EXPRESSIONS
    if not held_in(guild, by) & enough:
        raise DiscordError(Refusal.MISSING_PERMISSIONS)


def _require_size(data: bytes, largest: int, path: str) -> None:
    if len(data) > largest:
        words = f"File cannot be larger than {largest / 1024:.1f} kb."
        raise invalid_form(path, "BINARY_TYPE_MAX_SIZE", words)


# -- making ------------------------------------------------------------------------------------------------------


def add_emoji(world: World, guild: Guild, by: User, values: dict[str, Any], reason: str | None = None) -> Emoji:
    """Add an emoji to a guild.

    Args:
        world: the world.
        guild: where.
        by: who adds it.
        values: `name`, `image` (bytes) and `roles`.
        reason: why.

    Raises:
        DiscordError: the actor may not, the picture is too large, or there are too many.
    """
    _require(guild, by, by)
    emoji = _drawn(world, by, values)
    if sum(each.animated is emoji.animated for each in guild.emojis.values()) >= MOST_EMOJIS:
        raise DiscordError(Refusal.MOST_EMOJIS)
    guild.emojis[emoji.id] = emoji
    _made(world, guild, by, emoji, Audited.EMOJI_CREATE, reason)
    return emoji


def add_application_emoji(world: World, application: Application, values: dict[str, Any]) -> Emoji:
    """Add an emoji to an application; see `add_emoji`."""
    if any(each.name == values["name"] for each in application.emojis.values()):
        words = "An emoji with this name already exists"
        raise invalid_form("name", "APPLICATION_EMOJI_NAME_ALREADY_TAKEN", words)
    emoji = _drawn(world, application.bot, values)
    application.emojis[emoji.id] = emoji
    return emoji


def _drawn(world: World, by: User, values: dict[str, Any]) -> Emoji:
    data = values["image"]
    _require_size(data, LARGEST_EMOJI, "image")
    kind = image_format(data)
    emoji = Emoji(world.snowflakes.next(), values["name"], by, kind == "gif", values.get("roles") or [])
    world.files.keep(f"/emojis/{emoji.id}", Upload(f"{emoji.id}.{kind}", f"image/{kind}", data))
    return emoji


def add_sticker(
    world: World, guild: Guild, by: User, values: dict[str, Any], file: Upload, reason: str | None = None
) -> Sticker:
    """Add a sticker to a guild.

    Args:
        world: the world.
        guild: where.
        by: who adds it.
        values: `name`, `description` and `tags`.
        file: a PNG or GIF.
        reason: why.

    Raises:
        DiscordError: the actor may not, the file does not fit, or there are too many.
    """
    _require(guild, by, by)
    _require_size(file.data, LARGEST_STICKER, "file")
    if len(guild.stickers) >= MOST_STICKERS:
        raise DiscordError(Refusal.MOST_STICKERS)
    try:
        kind = image_format(file.data)
    except OSError:
        kind = ""
    if kind not in STICKER_FORMATS:
        raise invalid_form("file", "STICKER_INVALID_FILE_TYPE", "Invalid file type for sticker")
    sticker = Sticker(world.snowflakes.next(), guild.id, values["name"], by, values.get("description"))
    sticker.tags, sticker.format = values["tags"], STICKER_FORMATS[kind]
    world.files.keep(f"/stickers/{sticker.id}", Upload(file.filename, f"image/{kind}", file.data))
    guild.stickers[sticker.id] = sticker
    _made(world, guild, by, sticker, Audited.STICKER_CREATE, reason)
    return sticker


def add_sound(world: World, guild: Guild, by: User, values: dict[str, Any], reason: str | None = None) -> Sound:
    """Add a sound to a guild.

    Args:
        world: the world.
        guild: where.
        by: who adds it.
        values: `name`, `sound` (bytes), `volume`, `emoji_id`, `emoji_name`.
        reason: why.

    Raises:
        DiscordError: the actor may not, or the sound is too large.
    """
    _require(guild, by, by)
    _require_size(values["sound"], LARGEST_SOUND, "sound")
    sound = Sound(world.snowflakes.next(), guild.id, values["name"], by, values.get("volume") or 1.0)
    sound.emoji_id, sound.emoji_name = values.get("emoji_id"), values.get("emoji_name")
    world.files.keep(f"/soundboard-sounds/{sound.id}", Upload(f"{sound.id}.mp3", "audio/mpeg", values["sound"]))
    guild.sounds[sound.id] = sound
    data = sound.payload()
    world.emit(Event("GUILD_SOUNDBOARD_SOUND_CREATE", data, Intents.GUILD_EXPRESSIONS, guild.id))
    audit.note(world, guild, by, Audited.SOUND_CREATE, sound.id, reason, changes=audit.created(data))
    return sound


def _made(world: World, guild: Guild, by: User, thing: Thing, action: Audited, reason: str | None) -> None:
    _tell(world, guild, thing)
    audit.note(world, guild, by, action, thing.id, reason, changes=audit.created(thing.payload()))


# -- changing and deleting -----------------------------------------------------------------------------------------


def change(
    world: World, guild: Guild, by: User, thing: Thing, values: dict[str, Any], reason: str | None = None
) -> None:
    """Change an emoji, a sticker or a sound.

    Args:
        world: the world.
        guild: where it is.
        by: who changes it.
        thing: which.
        values: by its attributes; None leaves a name as it is.
        reason: why.

    Raises:
        DiscordError: the actor may not.
    """
    _require(guild, by, thing.user)
    before = thing.payload()
    for name, value in values.items():
        if value is not None or name not in {"name", "tags", "volume"}:
            setattr(thing, name, value if value is not None or name != "roles" else [])
    _tell(world, guild, thing)
    changes = audit.differences(before, thing.payload())
    audit.note(world, guild, by, NAMES[type(thing)][1], thing.id, reason, changes=changes)


def delete(world: World, guild: Guild, by: User, thing: Thing, reason: str | None = None) -> None:
    """Delete an emoji, a sticker or a sound; raises DiscordError where the actor may not."""
    _require(guild, by, thing.user)
    for table in (guild.emojis, guild.stickers, guild.sounds):
        table.pop(thing.id, None)
    if isinstance(thing, Sound):
        data = {"sound_id": str(thing.id), "guild_id": str(guild.id)}
        world.emit(Event("GUILD_SOUNDBOARD_SOUND_DELETE", data, Intents.GUILD_EXPRESSIONS, guild.id))
    else:
        _tell(world, guild, thing)
    changes = audit.deleted(thing.payload())
    audit.note(world, guild, by, NAMES[type(thing)][2], thing.id, reason, changes=changes)


def _tell(world: World, guild: Guild, thing: Thing) -> None:
    data: dict[str, Any] = {"guild_id": str(guild.id)}
    if isinstance(thing, Emoji):
        data["emojis"] = [each.payload() for each in guild.emojis.values()]
    elif isinstance(thing, Sticker):
        data["stickers"] = [each.payload() for each in guild.stickers.values()]
    else:
        data = thing.payload()
    world.emit(Event(NAMES[type(thing)][0], data, Intents.GUILD_EXPRESSIONS, guild.id))
