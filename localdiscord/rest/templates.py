"""Templates of guilds."""

from __future__ import annotations

from typing import Annotated, Any

from localdiscord.actions.access import require_in_guild
from localdiscord.errors import DiscordError, Refusal
from localdiscord.model.template import Template, snapshot
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import Form, text
from localdiscord.rest.router import Call, route

OF_GUILD = "/guilds/{guild_id}/templates"
OF_TEMPLATE = OF_GUILD + "/{code}"


class TemplateChangeForm(Form):
    """A change of a template."""

    name: Annotated[str, text(1, 100)] | None = None
    description: Annotated[str, text(None, 120)] | None = None


class TemplateForm(TemplateChangeForm):
    """A new template."""

    name: Annotated[str, text(1, 100)]


def _template(call: Call) -> Template:
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    if guild.template is None or guild.template.code != call.path["code"]:
        raise DiscordError(Refusal.UNKNOWN_TEMPLATE)
    return guild.template


@route("GET", "/guilds/templates/{code}")
async def get_template(call: Call) -> dict[str, Any]:
    """Return a template of any guild."""
    for guild in call.world.guilds.values():
        if guild.template is not None and guild.template.code == call.path["code"]:
            return guild.template.payload()
    raise DiscordError(Refusal.UNKNOWN_TEMPLATE)


@route("GET", OF_GUILD)
async def list_templates(call: Call) -> list[dict[str, Any]]:
    """Return the template of a guild, if there is one."""
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    return [guild.template.payload()] if guild.template else []


@route("POST", OF_GUILD)
async def create_template(call: Call) -> dict[str, Any]:
    """Make the template of a guild; there is one at most."""
    guild, form = call.guild(), call.form(TemplateForm)
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    if guild.template is not None:
        raise DiscordError(Refusal.MOST_TEMPLATES)
    now = call.world.now()
    guild.template = Template(guild, call.bot, form.name, now, now, form.description, copy=snapshot(guild))
    return guild.template.payload()


@route("PUT", OF_TEMPLATE)
async def sync_template(call: Call) -> dict[str, Any]:
    """Bring a template up to what the guild is like now."""
    template = _template(call)
    template.copy, template.changed_at = snapshot(template.guild), call.world.now()
    return template.payload()


@route("PATCH", OF_TEMPLATE)
async def edit_template(call: Call) -> dict[str, Any]:
    """Change name and description of a template."""
    template, form = _template(call), call.form(TemplateChangeForm)
    template.name = form.name or template.name
    if "description" in form.model_fields_set:
        template.description = form.description
    template.changed_at = call.world.now()
    return template.payload()


@route("DELETE", OF_TEMPLATE)
async def delete_template(call: Call) -> dict[str, Any]:
    """Delete a template."""
    template = _template(call)
    template.guild.template = None
    return template.payload()
