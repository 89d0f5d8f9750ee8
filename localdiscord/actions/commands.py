"""Application commands: registering them, who may use them, and which ones a person is offered where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from localdiscord.actions.access import permissions_in, require_in_guild
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = [
    "CHAT_INPUT",
    "GROUP",
    "MESSAGE",
    "SUBCOMMAND",
    "USER",
    "Offer",
    "change",
    "leaves",
    "offers",
    "permissions_payload",
    "permit",
    "put",
    "replace",
]

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
"""Kinds of option."""

IN_GUILD, IN_BOT_DM, ELSEWHERE = 0, 1, 2
"""Contexts of a command."""

ROLE, MEMBER, CHANNEL = 1, 2, 3
"""Kinds of target of a command permission."""

MOST = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
"""How many commands of each type there may be in a scope."""

Command = dict[str, Any]


class Offer(NamedTuple):
    """A command that a person is offered.

    Attributes:
        application: whose it is.
        command: the command, as Discord writes it.
        path: its name, groups first.
        options: of the last of them.
    """

    application: Application
    command: dict[str, Any]
    path: tuple[str, ...]
    options: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """The name as people type it, groups first."""
        return " ".join(self.path)


# -- registering ---------------------------------------------------------------------------------------------------


def put(world: World, application: Application, guild_id: int | None, command: Command) -> tuple[Command, bool]:
    """Make a command, or replace the one of the same name and type; tells whether it is new.

    Raises:
        DiscordError: there are too many.
    """
    known = application.commands.setdefault(guild_id, {})
    before = _named(known.values(), command)
    if before is None:
        _require_room([*known.values(), command])
    made = _registered(world, application, guild_id, command, before)
    known[int(made["id"])] = made
    return made, before is None


def change(world: World, application: Application, guild_id: int | None, before: Command, command: Command) -> Command:
    """Replace a command by another with the same id.

    Raises:
        DiscordError: another one has its name.
    """
    known = application.commands[guild_id]
    if any(other is not before for other in known.values() if _key(other) == _key(command)):
        raise invalid_form("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
    made = known[int(before["id"])] = _registered(world, application, guild_id, command, before)
    return made


def replace(world: World, application: Application, guild_id: int | None, described: list[Command]) -> list[Command]:
    """Replace all commands of a scope; one that keeps name and type keeps its id.

    Raises:
        DiscordError: a name stands twice, or there are too many.
    """
    _require_room(described)
    seen = set()
    for index, command in enumerate(described):
        if _key(command) in seen:
            words = "Application command names must be unique"
            raise invalid_form(str(index), "APPLICATION_COMMANDS_DUPLICATE_NAME", words)
        seen.add(_key(command))
    known = application.commands.get(guild_id, {}).values()
    made = [_registered(world, application, guild_id, each, _named(known, each)) for each in described]
    application.commands[guild_id] = {int(command["id"]): command for command in made}
    return made


def _key(command: Command) -> tuple[str, int]:
    return command["name"], command["type"]


def _named(known: Iterable[Command], command: Command) -> Command | None:
    return next((each for each in known if _key(each) == _key(command)), None)


def _require_room(all_of_scope: list[Command]) -> None:
    for kind, most in MOST.items():
        if sum(command["type"] == kind for command in all_of_scope) > most:
            raise DiscordError(Refusal.MOST_COMMANDS)


def _registered(
    world: World, application: Application, guild_id: int | None, command: Command, before: Command | None
) -> Command:
    own: Command = {"id": before["id"] if before else str(world.snowflakes.next())}
    own["application_id"] = str(application.id)
    if guild_id is not None:
        own["guild_id"] = str(guild_id)
    defaults: Command = {"nsfw": False, "integration_types": [0]}
    if guild_id is None:
        defaults |= {"dm_permission": True, "contexts": None}
    made = defaults | command | own
    if before is not None and {name: before[name] for name in before if name != "version"} == made:
        return before
    return made | {"version": str(world.snowflakes.next())}


# -- who may use them ------------------------------------------------------------------------------------------------


def permissions_payload(application: Application, guild_id: int, key: int) -> dict[str, Any]:
    """Return who may use a command, as Discord writes it.

    Args:
        application: whose command it is.
        guild_id: where.
        key: the id of the command, or of the application for all its commands.
    """
    entries = application.permissions[guild_id][key]
    ids = {"id": str(key), "application_id": str(application.id), "guild_id": str(guild_id)}
    return {**ids, "permissions": entries}


def permit(
    world: World, guild: Guild, by: User, application: Application, key: int, rules: list[dict[str, Any]]
) -> None:
    """Decide who may use a command in a guild.

    Args:
        world: the world.
        guild: where.
        by: who decides.
        application: whose command it is.
        key: the id of the command, or of the application for all its commands.
        rules: as Discord writes them: id, type (1 role, 2 user, 3 channel) and permission; none takes all back.

    Raises:
        DiscordError: the actor may not.
    """
    require_in_guild(guild, by, Permissions.MANAGE_GUILD)
    decided = application.permissions.setdefault(guild.id, {})
    decided[key] = rules
    data = permissions_payload(application, guild.id, key)
    world.emit(Event("APPLICATION_COMMAND_PERMISSIONS_UPDATE", data, guild_id=guild.id, only=application.bot.id))
    if not rules:
        del decided[key]


# -- who is offered what -----------------------------------------------------------------------------------------------


def offers(world: World, channel: Channel, user: User, kind: int = CHAT_INPUT) -> list[Offer]:
    """Return what a person is offered in a channel: a guild's own commands first.

    Args:
        world: the world.
        channel: where.
        user: who.
        kind: chat input, or the menu of a user or of a message.
    """
    held = permissions_in(world, channel, user)
    if Permissions.USE_APPLICATION_COMMANDS not in held:
        return []
    found = []
    for application in _present(world, channel):
        for command in _commands(application, channel):
            if command["type"] == kind and _is_offered(application, command, channel, user, held, world):
                found += leaves(application, command)
    return found


def _present(world: World, channel: Channel) -> Iterator[Application]:
    guild = world.guilds.get(channel.guild_id or 0)
    for application in world.applications.values():
        if application.bot.id in guild.members if guild else application.bot in channel.recipients:
            yield application


def _commands(application: Application, channel: Channel) -> Iterator[dict[str, Any]]:
    if channel.guild_id is not None:
        yield from application.commands.get(channel.guild_id, {}).values()
    yield from application.commands.get(None, {}).values()


def leaves(application: Application, command: dict[str, Any]) -> list[Offer]:
    """Return what of a command can be used: itself, or what its groups hold."""
    found = []
    stack: list[tuple[tuple[str, ...], dict[str, Any]]] = [((command["name"],), command)]
    while stack:
        path, entry = stack.pop()
        inner = [each for each in entry.get("options") or () if each["type"] in {SUBCOMMAND, GROUP}]
        if not inner:
            found.append(Offer(application, command, path, list(entry.get("options") or ())))
        stack += [((*path, each["name"]), each) for each in reversed(inner)]
    return found


def _is_offered(
    application: Application,
    command: dict[str, Any],
    channel: Channel,
    user: User,
    held: Permissions,
    world: World,
) -> bool:
    context = IN_GUILD if channel.guild_id is not None else IN_BOT_DM
    contexts = command.get("contexts")
    if context not in contexts if contexts is not None else context and command.get("dm_permission") is False:
        return False
    if command.get("nsfw") and not channel.nsfw and channel.guild_id is not None:
        return False
    if channel.guild_id is None or Permissions.ADMINISTRATOR in held:
        return True
    decided = _decided(application, int(command["id"]), channel, user, world)
    if decided is not None:
        return decided
    needed = command.get("default_member_permissions")
    return needed is None or (int(needed) != 0 and Permissions(int(needed)) in held)


def _decided(application: Application, command_id: int, channel: Channel, user: User, world: World) -> bool | None:
    """Return what a guild's people decided about a command; None where they left it as it is."""
    guild = world.guild(channel.guild_id or 0)
    rules = application.permissions.get(guild.id, {})
    entries = rules.get(command_id) or rules.get(application.id) or []
    by_kind: dict[int, dict[int, bool]] = {ROLE: {}, MEMBER: {}, CHANNEL: {}}
    for entry in entries:
        by_kind[entry["type"]][int(entry["id"])] = entry["permission"]
    here = by_kind[CHANNEL].get(channel.id, by_kind[CHANNEL].get(guild.id - 1))
    if here is False:
        return False
    if user.id in by_kind[MEMBER]:
        return by_kind[MEMBER][user.id]
    of_roles = [by_kind[ROLE][role] for role in guild.member(user.id).roles if role in by_kind[ROLE]]
    return any(of_roles) if of_roles else by_kind[ROLE].get(guild.id)
