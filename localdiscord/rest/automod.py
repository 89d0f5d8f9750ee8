"""Discord's automatic moderation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from localdiscord.actions import automod
from localdiscord.actions.access import require_in_guild
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.model.automod import Trigger
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import Flag, Form, Snowflake, choice, length, refuse, text, within
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.automod import Rule

RULES = "/guilds/{guild_id}/auto-moderation/rules"
LONGEST_SILENCE = 28 * 24 * 3600
"""Seconds."""

KEPT: dict[Trigger, dict[str, Any]] = {
    Trigger.KEYWORD: {"keyword_filter": [], "regex_patterns": [], "allow_list": []},
    Trigger.SPAM: {},
    Trigger.KEYWORD_PRESET: {"allow_list": [], "presets": []},
    Trigger.MENTION_SPAM: {"mention_total_limit": 20, "mention_raid_protection_enabled": False},
    Trigger.MEMBER_PROFILE: {"keyword_filter": [], "regex_patterns": [], "allow_list": []},
}
"""What each trigger looks for, where a form does not say."""


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error:
        raise refuse("AUTO_MODERATION_INVALID_REGEX", "Invalid regex pattern") from None
    return value


class MetadataForm(Form):
    """What a rule looks for."""

    keyword_filter: Annotated[list[Annotated[str, length(None, 60)]], length(None, 1000)] | None = None
    regex_patterns: (
        Annotated[list[Annotated[str, length(None, 260), AfterValidator(_expression)]], length(None, 10)] | None
    ) = None
    allow_list: Annotated[list[Annotated[str, length(None, 60)]], length(None, 1000)] | None = None
    presets: list[Annotated[int, choice(1, 2, 3)]] | None = None
    mention_total_limit: Annotated[int, within(0, 50)] | None = None
    mention_raid_protection_enabled: Flag | None = None


class ActionMetadataForm(Form):
    """How a rule does something."""

    channel_id: Snowflake | None = None
    duration_seconds: Annotated[int, within(0, LONGEST_SILENCE)] | None = None
    custom_message: Annotated[str, text(None, 150)] | None = None


class ActionForm(Form):
    """Something that a rule does."""

    type: Annotated[int, choice(1, 2, 3, 4)]
    metadata: ActionMetadataForm | None = None


class RuleChangeForm(Form):
    """A change of a rule."""

    name: Annotated[str, text(1, 100)] | None = None
    event_type: Annotated[int, choice(1, 2)] | None = None
    trigger_metadata: MetadataForm | None = None
    actions: Annotated[list[ActionForm], length(1, 5)] | None = None
    enabled: Flag | None = None
    exempt_roles: Annotated[list[Snowflake], length(None, 20)] | None = None
    exempt_channels: Annotated[list[Snowflake], length(None, 50)] | None = None


class RuleForm(RuleChangeForm):
    """A new rule."""

    name: Annotated[str, text(1, 100)]
    event_type: Annotated[int, choice(1, 2)]
    trigger_type: Annotated[int, choice(1, 3, 4, 5, 6)]
    actions: Annotated[list[ActionForm], length(1, 5)]


def _values(form: RuleChangeForm, trigger: Trigger) -> dict[str, Any]:
    values = form.given()
    if "event_type" in values:
        values["event"] = values.pop("event_type")
    if form.actions is not None:
        values["actions"] = [_action(index, action) for index, action in enumerate(form.actions)]
    said = form.trigger_metadata.model_dump(exclude_none=True) if form.trigger_metadata else {}
    if values.pop("trigger_metadata", None) is not None or isinstance(form, RuleForm):
        values["metadata"] = KEPT[trigger] | {name: value for name, value in said.items() if name in KEPT[trigger]}
    return values


def _action(index: int, form: ActionForm) -> dict[str, Any]:
    metadata = form.metadata.model_dump(mode="json", exclude_none=True) if form.metadata else {}
    needed = {2: "channel_id", 3: "duration_seconds"}.get(form.type)
    if needed and needed not in metadata:
        path = f"actions.{index}.metadata.{needed}"
        raise invalid_form(path, "BASE_TYPE_REQUIRED", "This field is required")
    return {"type": form.type, "metadata": metadata}


def _rule(call: Call) -> Rule:
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    try:
        return guild.rules[call.id("rule_id")]
    except KeyError:
        raise DiscordError(Refusal.NOT_FOUND) from None


@route("GET", RULES)
async def list_rules(call: Call) -> list[dict[str, Any]]:
    """Return the rules of a guild."""
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    return [rule.payload() for rule in guild.rules.values()]


@route("GET", RULES + "/{rule_id}")
async def get_rule(call: Call) -> dict[str, Any]:
    """Return a rule."""
    return _rule(call).payload()


@route("POST", RULES)
async def create_rule(call: Call) -> dict[str, Any]:
    """Make a rule."""
    form = call.form(RuleForm)
    trigger = Trigger(form.trigger_type)
    values = _values(form, trigger) | {"trigger": trigger}
    values.pop("trigger_type")
    return automod.create(call.world, call.guild(), call.bot, values, call.reason).payload()


@route("PATCH", RULES + "/{rule_id}")
async def edit_rule(call: Call) -> dict[str, Any]:
    """Change a rule."""
    rule = _rule(call)
    values = _values(call.form(RuleChangeForm), rule.trigger)
    automod.change(call.world, call.guild(), call.bot, rule, values, call.reason)
    return rule.payload()


@route("DELETE", RULES + "/{rule_id}")
async def delete_rule(call: Call) -> None:
    """Delete a rule."""
    automod.delete(call.world, call.guild(), call.bot, _rule(call), call.reason)
