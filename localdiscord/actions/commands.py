"""Application commands: which ones a person is offered where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from localdiscord.actions.access import permissions_in
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["CHAT_INPUT", "GROUP", "MESSAGE", "SUBCOMMAND", "USER", "Offer", "leaves", "offers"]

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
"""Kinds of option."""

IN_GUILD, IN_BOT_DM, ELSEWHERE = 0, 1, 2
"""Contexts of a command."""

ROLE, MEMBER, CHANNEL = 1, 2, 3
"""Kinds of target of a command permission."""


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
