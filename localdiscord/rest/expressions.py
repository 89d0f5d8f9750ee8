"""Emojis, stickers and sounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from localdiscord.actions import expressions
from localdiscord.actions.access import require
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import Audio, Form, Image, Snowflake, length, text, within
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.application import Application
    from localdiscord.model.expression import Emoji, Sound, Sticker

T = TypeVar("T")

EMOJIS, STICKERS = "/guilds/{guild_id}/emojis", "/guilds/{guild_id}/stickers"
SOUNDS, OWN_EMOJIS = "/guilds/{guild_id}/soundboard-sounds", "/applications/{application_id}/emojis"

Name = Annotated[str, text(2, 32)]


class EmojiForm(Form):
    """A new emoji."""

    name: Name
    image: Image
    roles: list[Snowflake] | None = None


class EmojiChangeForm(Form):
    """A change of an emoji."""

    name: Name | None = None
    roles: list[Snowflake] | None = None


class StickerForm(Form):
    """A new sticker, besides its file."""

    name: Annotated[str, text(2, 30)]
    tags: Annotated[str, text(1, 200)]
    description: Annotated[str, text(None, 100)] | None = None


class StickerChangeForm(Form):
    """A change of a sticker."""

    name: Annotated[str, text(2, 30)] | None = None
    tags: Annotated[str, length(1, 200)] | None = None
    description: Annotated[str, text(None, 100)] | None = None


class SoundChangeForm(Form):
    """A change of a sound."""

    name: Name | None = None
    volume: Annotated[float, within(0, 1)] | None = None
    emoji_id: Snowflake | None = None
    emoji_name: Annotated[str, length(None, 32)] | None = None


class SoundForm(SoundChangeForm):
    """A new sound."""

    name: Name
    sound: Audio


class SentSoundForm(Form):
    """A sound that is played."""

    sound_id: Snowflake
    source_guild_id: Snowflake | None = None


def _of(table: dict[int, T], call: Call, name: str, refusal: Refusal) -> T:
    try:
        return table[call.id(name)]
    except KeyError:
        raise DiscordError(refusal) from None


def _emoji(call: Call) -> Emoji:
    return _of(call.guild().emojis, call, "emoji_id", Refusal.UNKNOWN_EMOJI)


def _own_emoji(call: Call) -> Emoji:
    return _of(_own(call).emojis, call, "emoji_id", Refusal.UNKNOWN_EMOJI)


def _sticker(call: Call) -> Sticker:
    return _of(call.guild().stickers, call, "sticker_id", Refusal.UNKNOWN_STICKER)


def _sound(call: Call) -> Sound:
    return _of(call.guild().sounds, call, "sound_id", Refusal.UNKNOWN_SOUND)


def _own(call: Call) -> Application:
    if call.id("application_id") != call.requester.id:
        raise DiscordError(Refusal.UNKNOWN_APPLICATION)
    return call.requester


def _changed(call: Call, expression: Emoji | Sticker | Sound, form: type[Form]) -> dict[str, Any]:
    expressions.change(call.world, call.guild(), call.bot, expression, call.form(form).given(), call.reason)
    return expression.payload()


def _delete(call: Call, expression: Emoji | Sticker | Sound) -> None:
    expressions.delete(call.world, call.guild(), call.bot, expression, call.reason)


# -- emojis of guilds ------------------------------------------------------------------------------------------------


@route("GET", EMOJIS)
async def list_emojis(call: Call) -> list[dict[str, Any]]:
    """Return the emojis of a guild."""
    return [emoji.payload() for emoji in call.guild().emojis.values()]


@route("GET", EMOJIS + "/{emoji_id}")
async def get_emoji(call: Call) -> dict[str, Any]:
    """Return an emoji of a guild."""
    return _emoji(call).payload()


@route("POST", EMOJIS, status=201)
async def create_emoji(call: Call) -> dict[str, Any]:
    """Add an emoji to a guild."""
    values = call.form(EmojiForm).given()
    return expressions.add_emoji(call.world, call.guild(), call.bot, values, call.reason).payload()


@route("PATCH", EMOJIS + "/{emoji_id}")
async def edit_emoji(call: Call) -> dict[str, Any]:
    """Change an emoji of a guild."""
    return _changed(call, _emoji(call), EmojiChangeForm)


@route("DELETE", EMOJIS + "/{emoji_id}")
async def delete_emoji(call: Call) -> None:
    """Delete an emoji of a guild."""
    _delete(call, _emoji(call))


# -- emojis of the application ---------------------------------------------------------------------------------------


@route("GET", OWN_EMOJIS)
async def list_own_emojis(call: Call) -> dict[str, Any]:
    """Return the emojis of the application."""
    return {"items": [emoji.payload() for emoji in _own(call).emojis.values()]}


@route("GET", OWN_EMOJIS + "/{emoji_id}")
async def get_own_emoji(call: Call) -> dict[str, Any]:
    """Return an emoji of the application."""
    return _own_emoji(call).payload()


@route("POST", OWN_EMOJIS, status=201)
async def create_own_emoji(call: Call) -> dict[str, Any]:
    """Add an emoji to the application."""
    return expressions.add_application_emoji(call.world, _own(call), call.form(EmojiForm).given()).payload()


@route("PATCH", OWN_EMOJIS + "/{emoji_id}")
async def edit_own_emoji(call: Call) -> dict[str, Any]:
    """Change an emoji of the application."""
    emoji = _own_emoji(call)
    emoji.name = call.form(EmojiChangeForm).name or emoji.name
    return emoji.payload()


@route("DELETE", OWN_EMOJIS + "/{emoji_id}")
async def delete_own_emoji(call: Call) -> None:
    """Delete an emoji of the application."""
    del call.requester.emojis[_own_emoji(call).id]


# -- stickers --------------------------------------------------------------------------------------------------------


@route("GET", STICKERS)
async def list_stickers(call: Call) -> list[dict[str, Any]]:
    """Return the stickers of a guild."""
    return [sticker.payload() for sticker in call.guild().stickers.values()]


@route("GET", STICKERS + "/{sticker_id}")
async def get_guild_sticker(call: Call) -> dict[str, Any]:
    """Return a sticker of a guild."""
    return _sticker(call).payload()


@route("GET", "/stickers/{sticker_id}")
async def get_sticker(call: Call) -> dict[str, Any]:
    """Return a sticker of any guild."""
    table = {key: sticker for guild in call.world.guilds.values() for key, sticker in guild.stickers.items()}
    return _of(table, call, "sticker_id", Refusal.UNKNOWN_STICKER).payload()


@route("GET", "/sticker-packs")
async def sticker_packs(_call: Call) -> dict[str, Any]:
    """Return nothing: there are no stickers but those of guilds."""
    return {"sticker_packs": []}


@route("POST", STICKERS, status=201)
async def create_sticker(call: Call) -> dict[str, Any]:
    """Add a sticker to a guild."""
    values = call.form(StickerForm).given()
    if "file" not in call.files:
        raise invalid_form("file", "BASE_TYPE_REQUIRED", "This field is required")
    guild, file = call.guild(), call.files["file"]
    return expressions.add_sticker(call.world, guild, call.bot, values, file, call.reason).payload()


@route("PATCH", STICKERS + "/{sticker_id}")
async def edit_sticker(call: Call) -> dict[str, Any]:
    """Change a sticker."""
    return _changed(call, _sticker(call), StickerChangeForm)


@route("DELETE", STICKERS + "/{sticker_id}")
async def delete_sticker(call: Call) -> None:
    """Delete a sticker."""
    _delete(call, _sticker(call))


# -- sounds ----------------------------------------------------------------------------------------------------------


@route("GET", "/soundboard-default-sounds")
async def default_sounds(_call: Call) -> list[dict[str, Any]]:
    """Return nothing: there are no sounds but those of guilds."""
    return []


@route("GET", SOUNDS)
async def list_sounds(call: Call) -> dict[str, Any]:
    """Return the sounds of a guild."""
    return {"items": [sound.payload() for sound in call.guild().sounds.values()]}


@route("GET", SOUNDS + "/{sound_id}")
async def get_sound(call: Call) -> dict[str, Any]:
    """Return a sound."""
    return _sound(call).payload()


@route("POST", SOUNDS, status=201)
async def create_sound(call: Call) -> dict[str, Any]:
    """Add a sound to a guild."""
    values = call.form(SoundForm).given()
    return expressions.add_sound(call.world, call.guild(), call.bot, values, call.reason).payload()


@route("PATCH", SOUNDS + "/{sound_id}")
async def edit_sound(call: Call) -> dict[str, Any]:
    """Change a sound."""
    return _changed(call, _sound(call), SoundChangeForm)


@route("DELETE", SOUNDS + "/{sound_id}")
async def delete_sound(call: Call) -> None:
    """Delete a sound."""
    _delete(call, _sound(call))


@route("POST", "/channels/{channel_id}/send-soundboard-sound")
async def send_sound(call: Call) -> None:
    """Play a sound in the voice channel that the bot is in."""
    guild, channel = call.guild_channel()
    form = call.form(SentSoundForm)
    require(call.world, channel, call.bot, Permissions.SPEAK | Permissions.USE_SOUNDBOARD)
    state = guild.voice_states.get(call.bot.id)
    if state is None or state.channel_id != channel.id:
        raise DiscordError(Refusal.NOT_CONNECTED)
    sounds = call.world.guild(form.source_guild_id or guild.id).sounds
    if form.sound_id not in sounds:
        raise DiscordError(Refusal.UNKNOWN_SOUND)
    sound = sounds[form.sound_id]
    data = {"channel_id": str(channel.id), "guild_id": str(guild.id), "user_id": str(call.bot.id)}
    told = {"sound_id": str(sound.id), "sound_volume": sound.volume, "animation_id": 0, "animation_type": 1}
    event = Event("VOICE_CHANNEL_EFFECT_SEND", data | told, Intents.GUILD_VOICE_STATES, guild.id, channel.id)
    call.world.emit(event)
