"""Coming and going, being there, and what those do who run a guild."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localdiscord.actions import bans, direct, members, presence
from localdiscord.driver.acting import Acting
from localdiscord.driver.errors import HumanlyImpossibleError, humanly

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.role import Role
    from localdiscord.model.user import User

__all__ = ["Belonging"]


class Belonging(Acting):
    """Somebody among others."""

    def join(self, guild: Guild) -> None:
        """Come into a guild.

        Raises:
            HumanlyImpossibleError: they are banned there, or members already.
        """
        if self.user.id in guild.members:
            raise HumanlyImpossibleError(f"{self.name} is in {guild.name} already.")
        with humanly(f"{self.name} cannot join {guild.name}"):
            members.join(self.world, guild, self.user)

    def leave(self, guild: Guild) -> None:
        """Leave a guild.

        Raises:
            HumanlyImpossibleError: they are no member, or own it.
        """
        with humanly(f"{self.name} cannot leave {guild.name}"):
            members.leave(self.world, guild, self.user)

    def open_dm(self, other: User) -> Channel:
        """Return the channel in which they and somebody write to each other.

        Raises:
            HumanlyImpossibleError: the other is themselves.
        """
        if other is self.user:
            raise HumanlyImpossibleError(f"{self.name} cannot write to themselves.")
        with humanly(f"{self.name} cannot write to {other.username}"):
            return direct.open_direct(self.world, self.user, other)

    def be(self, status: str, *activities: dict[str, Any]) -> None:
        """Be there or not: `online`, `idle`, `dnd`, `invisible` or `offline`; and be seen doing something.

        Raises:
            HumanlyImpossibleError: there is no such status.
        """
        try:
            presence.change(self.world, self.user, status, list(activities))
        except ValueError as error:
            raise HumanlyImpossibleError(f"{self.name} cannot be so: {error}.") from None

    def kick(self, guild: Guild, user: User, reason: str | None = None) -> None:
        """Put somebody out of a guild.

        Raises:
            HumanlyImpossibleError: they may not.
        """
        with humanly(f"{self.name} cannot kick {user.username}"):
            members.kick(self.world, guild, self.user, user, reason)

    def ban(self, guild: Guild, user: User, reason: str | None = None, *, delete: timedelta = timedelta(0)) -> None:
        """Put somebody out of a guild for good.

        Args:
            guild: which.
            user: whom.
            reason: why.
            delete: how far back the messages of that person are deleted.

        Raises:
            HumanlyImpossibleError: they may not.
        """
        with humanly(f"{self.name} cannot ban {user.username}"):
            bans.ban(self.world, guild, self.user, user, reason, int(delete.total_seconds()))

    def unban(self, guild: Guild, user: User, reason: str | None = None) -> None:
        """Lift a ban.

        Raises:
            HumanlyImpossibleError: they may not, or there is none.
        """
        with humanly(f"{self.name} cannot unban {user.username}"):
            bans.unban(self.world, guild, self.user, user.id, reason)

    def time_out(self, guild: Guild, user: User, duration: timedelta | None, reason: str | None = None) -> None:
        """Let somebody only read for a while; None ends it.

        Raises:
            HumanlyImpossibleError: they may not, or it is too long.
        """
        until = self.world.now() + duration if duration is not None else None
        self._change(guild, user, "communication_disabled_until", until, reason)

    def rename(self, guild: Guild, user: User, nick: str | None, reason: str | None = None) -> None:
        """Give somebody, or themselves, another name in a guild; None takes it back.

        Raises:
            HumanlyImpossibleError: they may not.
        """
        self._change(guild, user, "nick", nick, reason)

    def give_roles(self, guild: Guild, user: User, *roles: Role, reason: str | None = None) -> None:
        """Give somebody roles beside those that they have.

        Raises:
            HumanlyImpossibleError: they may not.
        """
        wanted = [*guild.member(user.id).roles, *(role.id for role in roles)]
        self._change(guild, user, "roles", wanted, reason)

    def take_roles(self, guild: Guild, user: User, *roles: Role, reason: str | None = None) -> None:
        """Take roles from somebody.

        Raises:
            HumanlyImpossibleError: they may not.
        """
        gone = {role.id for role in roles}
        wanted = [role for role in guild.member(user.id).roles if role not in gone]
        self._change(guild, user, "roles", wanted, reason)

    def _change(self, guild: Guild, user: User, name: str, value: Any, reason: str | None) -> None:
        with humanly(f"{self.name} cannot change {user.username}"):
            members.change(self.world, guild, self.user, guild.member(user.id), {name: value}, reason)
