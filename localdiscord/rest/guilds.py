"""Guilds."""

from __future__ import annotations

from typing import Annotated, Any

from localdiscord.actions import guilds
from localdiscord.actions.access import require_in_guild
from localdiscord.errors import DiscordError, Refusal
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.commands import LOCALES
from localdiscord.rest.forms.fields import Flag, Form, Image, Moment, Snowflake, choice, length, text
from localdiscord.rest.router import Call, route
from localdiscord.snowflakes import iso

OF_GUILD = "/guilds/{guild_id}"
PICTURES = {"icon": "icons", "banner": "banners", "splash": "splashes", "discovery_splash": "discovery-splashes"}
PREVIEWED = ("id", "name", "icon", "description", "home_header", "splash", "discovery_splash", "features")


class GuildForm(Form):
    """A change of a guild."""

    name: Annotated[str, text(2, 100)] | None = None
    description: Annotated[str, text(None, 300)] | None = None
    verification_level: Annotated[int, choice(0, 1, 2, 3, 4)] | None = None
    default_message_notifications: Annotated[int, choice(0, 1)] | None = None
    explicit_content_filter: Annotated[int, choice(0, 1, 2)] | None = None
    preferred_locale: Annotated[str, choice(*sorted(LOCALES))] | None = None
    afk_channel_id: Snowflake | None = None
    afk_timeout: Annotated[int, choice(60, 300, 900, 1800, 3600)] | None = None
    system_channel_id: Snowflake | None = None
    system_channel_flags: int | None = None
    rules_channel_id: Snowflake | None = None
    public_updates_channel_id: Snowflake | None = None
    safety_alerts_channel_id: Snowflake | None = None
    premium_progress_bar_enabled: Flag | None = None
    features: list[str] | None = None
    icon: Image | None = None
    banner: Image | None = None
    splash: Image | None = None
    discovery_splash: Image | None = None


class WidgetForm(Form):
    """A change of a guild's widget."""

    enabled: Flag | None = None
    channel_id: Snowflake | None = None


class WelcomeChannelForm(Form):
    """A channel that those who are new are shown."""

    channel_id: Snowflake
    description: Annotated[str, text(1, 50)]
    emoji_id: Snowflake | None = None
    emoji_name: str | None = None


class WelcomeForm(Form):
    """A change of what those who are new are shown."""

    enabled: Flag | None = None
    description: Annotated[str, text(None, 140)] | None = None
    welcome_channels: Annotated[list[WelcomeChannelForm], length(None, 5)] | None = None


class IncidentForm(Form):
    """What is stopped for some time because of an attack."""

    invites_disabled_until: Moment | None = None
    dms_disabled_until: Moment | None = None


class OnboardingForm(Form):
    """A change of what those who are new are asked."""

    prompts: list[dict[str, Any]] | None = None
    default_channel_ids: list[Snowflake] | None = None
    enabled: Flag | None = None
    mode: Annotated[int, choice(0, 1)] | None = None


@route("GET", OF_GUILD)
async def get_guild(call: Call) -> dict[str, Any]:
    """Return a guild."""
    guild = call.world.guild(call.id("guild_id"))
    if call.bot.id not in guild.members:
        raise DiscordError(Refusal.UNKNOWN_GUILD)
    return guild.payload() | (guild.counts() if call.is_asked("with_counts") else {})


@route("PATCH", OF_GUILD)
async def edit_guild(call: Call) -> dict[str, Any]:
    """Change a guild."""
    guild, values = call.guild(), call.form(GuildForm).given()
    for name, folder in PICTURES.items():
        if values.get(name):
            values[name] = call.world.files.keep_image(f"/{folder}/{guild.id}", values[name])
    guilds.change(call.world, guild, call.bot, values, call.reason)
    return guild.payload()


@route("GET", OF_GUILD + "/preview")
async def preview(call: Call) -> dict[str, Any]:
    """Return what a guild shows to those who are no members."""
    guild = call.guild()
    body = guild.payload()
    return {name: body[name] for name in (*PREVIEWED, "emojis", "stickers")} | guild.counts()


@route("GET", OF_GUILD + "/vanity-url")
async def vanity_url(call: Call) -> dict[str, Any]:
    """Return that a guild has no invite of its own wording."""
    require_in_guild(call.guild(), call.bot, Permissions.MANAGE_GUILD)
    return {"code": None, "uses": 0}


@route("GET", OF_GUILD + "/integrations")
async def integrations(call: Call) -> list[dict[str, Any]]:
    """Return nothing: bots are not listed as integrations here."""
    require_in_guild(call.guild(), call.bot, Permissions.MANAGE_GUILD)
    return []


@route("PUT", OF_GUILD + "/incident-actions")
async def set_incident_actions(call: Call) -> dict[str, Any]:
    """Stop invites or direct messages for some time."""
    guild, form = call.guild(), call.form(IncidentForm)
    data = {name: iso(value) if value else None for name, value in form.model_dump().items()}
    detected = {"raid_detected_at": None, "dm_spam_detected_at": None}
    guilds.change(call.world, guild, call.bot, {"incidents_data": data | detected}, call.reason)
    return data


# -- widget ------------------------------------------------------------------------------------------------------------


@route("GET", OF_GUILD + "/widget")
async def get_widget(call: Call) -> dict[str, Any]:
    """Return how a guild's widget is set."""
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    body = guild.payload()
    return {"enabled": body["widget_enabled"], "channel_id": body["widget_channel_id"]}


@route("PATCH", OF_GUILD + "/widget")
async def edit_widget(call: Call) -> dict[str, Any]:
    """Change a guild's widget."""
    values = {f"widget_{name}": value for name, value in call.form(WidgetForm).given().items()}
    guilds.change(call.world, call.guild(), call.bot, values, call.reason)
    body = call.guild().payload()
    return {"enabled": body["widget_enabled"], "channel_id": body["widget_channel_id"]}


@route("GET", OF_GUILD + "/widget.json", anonymous=True)
async def widget(call: Call) -> dict[str, Any]:
    """Return what a guild's widget shows to everybody."""
    guild = call.world.guild(call.id("guild_id"))
    if not guild.payload()["widget_enabled"]:
        raise DiscordError(Refusal.WIDGET_DISABLED)
    return {
        "id": str(guild.id),
        "name": guild.name,
        "instant_invite": None,
        "channels": [],
        "members": [],
        "presence_count": guild.counts()["approximate_presence_count"],
    }


# -- for those who are new ---------------------------------------------------------------------------------------------


@route("GET", OF_GUILD + "/welcome-screen")
async def get_welcome_screen(call: Call) -> dict[str, Any]:
    """Return what those who are new are shown."""
    guild = call.guild()
    if guild.welcome is None:
        raise DiscordError(Refusal.UNKNOWN_WELCOME_SCREEN)
    return guild.welcome


@route("PATCH", OF_GUILD + "/welcome-screen")
async def edit_welcome_screen(call: Call) -> dict[str, Any]:
    """Change what those who are new are shown."""
    guild, form = call.guild(), call.form(WelcomeForm)
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    shown = guild.welcome or {"description": None, "welcome_channels": []}
    said = form.model_dump(mode="json")
    guild.welcome = shown | {name: said[name] for name in shown if name in form.model_fields_set}
    return guild.welcome


@route("GET", OF_GUILD + "/onboarding")
async def get_onboarding(call: Call) -> dict[str, Any]:
    """Return what those who are new are asked."""
    return call.guild().onboarding_payload()


@route("PUT", OF_GUILD + "/onboarding")
async def edit_onboarding(call: Call) -> dict[str, Any]:
    """Change what those who are new are asked."""
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD | Permissions.MANAGE_ROLES)
    guild.onboarding |= call.form(OnboardingForm).model_dump(mode="json", exclude_none=True)
    return guild.onboarding_payload()
