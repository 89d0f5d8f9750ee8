"""Application commands: the global ones, and those of guilds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import commands
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.rest.forms.commands import CommandForm
from localdiscord.rest.forms.fields import read
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.application import Application

GLOBAL = "/applications/{application_id}/commands"
OF_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"
TRANSLATIONS = ("name_localizations", "description_localizations")

Command = dict[str, Any]


def _scope(call: Call) -> tuple[Application, int | None]:
    """Return whose commands a request is about, and where they are offered.

    Raises:
        DiscordError: the application is another's, or the guild does not know it.
    """
    if call.id("application_id") != call.requester.id:
        raise DiscordError(Refusal.OTHER_APPLICATION)
    return call.requester, call.guild().id if "guild_id" in call.path else None


def _command(call: Call) -> Command:
    application, guild_id = _scope(call)
    try:
        return application.commands[guild_id][call.id("command_id")]
    except KeyError:
        raise DiscordError(Refusal.UNKNOWN_COMMAND) from None


@route("GET", GLOBAL)
@route("GET", OF_GUILD)
async def list_commands(call: Call) -> list[Command]:
    """Return all commands of a scope, with translations where they are asked for."""
    application, guild_id = _scope(call)
    known = application.commands.get(guild_id, {}).values()
    return [command if call.is_asked("with_localizations") else _plain(command) for command in known]


def _plain(part: Command) -> Command:
    """Return a command, or a part of one, without translations."""
    body = {name: value for name, value in part.items() if name not in TRANSLATIONS}
    for inner in ("options", "choices"):
        if inner in body:
            body[inner] = [_plain(each) for each in body[inner]]
    return body


@route("POST", GLOBAL)
@route("POST", OF_GUILD)
async def create_command(call: Call) -> Command:
    """Make a command; one of the same name and type is replaced."""
    application, guild_id = _scope(call)
    command, is_new = commands.put(call.world, application, guild_id, _described(call.form(CommandForm)))
    call.status = 201 if is_new else 200
    return command


@route("PUT", GLOBAL)
@route("PUT", OF_GUILD)
async def overwrite_commands(call: Call) -> list[Command]:
    """Replace all commands of a scope; a command that keeps its name keeps its id."""
    application, guild_id = _scope(call)
    if call.body is None:
        raise invalid_form("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    described = [_described(form) for form in call.forms(CommandForm)]
    return commands.replace(call.world, application, guild_id, described)


@route("GET", GLOBAL + "/{command_id}")
@route("GET", OF_GUILD + "/{command_id}")
async def get_command(call: Call) -> Command:
    """Return a command."""
    return _command(call)


@route("PATCH", GLOBAL + "/{command_id}")
@route("PATCH", OF_GUILD + "/{command_id}")
async def change_command(call: Call) -> Command:
    """Change a command; what the body does not name stays."""
    before = _command(call)
    form = read(CommandForm, {**before, **call.fields(), "type": before["type"]})
    application, guild_id = _scope(call)
    return commands.change(call.world, application, guild_id, before, _described(form))


@route("DELETE", GLOBAL + "/{command_id}")
@route("DELETE", OF_GUILD + "/{command_id}")
async def delete_command(call: Call) -> None:
    """Delete a command."""
    command = _command(call)
    application, guild_id = _scope(call)
    del application.commands[guild_id][int(command["id"])]


def _described(form: CommandForm) -> Command:
    """Return what a form says of a command, as Discord writes it."""
    body: Command = form.model_dump(exclude_none=True, mode="json", exclude={"id", "handler"})
    needed = form.default_member_permissions
    body["default_member_permissions"] = None if needed is None else str(needed)
    body |= {"type": form.type or commands.CHAT_INPUT, "description": form.description or ""}
    return body


# -- who may use them ----------------------------------------------------------------------------------------------


@route("GET", OF_GUILD + "/permissions")
async def list_permissions(call: Call) -> list[dict[str, Any]]:
    """Return who may use which command, as far as the guild's people decided it."""
    application, guild_id = _scope(call)
    decided = application.permissions.get(guild_id or 0, {})
    return [commands.permissions_payload(application, guild_id or 0, key) for key in decided]


@route("GET", OF_GUILD + "/{command_id}/permissions")
async def get_permissions(call: Call) -> dict[str, Any]:
    """Return who may use a command, where the guild's people decided it."""
    application, guild_id = _scope(call)
    if call.id("command_id") not in application.permissions.get(guild_id or 0, {}):
        raise DiscordError(Refusal.UNKNOWN_COMMAND_PERMISSIONS)
    return commands.permissions_payload(application, guild_id or 0, call.id("command_id"))


@route("PUT", OF_GUILD + "/{command_id}/permissions")
async def set_permissions(call: Call) -> None:
    """Refuse: people decide that, in a guild's settings."""
    _scope(call)
    raise DiscordError(Refusal.NOT_FOR_BOTS)
