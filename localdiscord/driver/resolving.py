"""The users, roles, channels, messages and files that an interaction names, as it carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import permissions_in
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.model.channel import Channel
from localdiscord.model.files import Upload, dimensions
from localdiscord.model.message import Message
from localdiscord.model.role import Role
from localdiscord.model.user import User
from localdiscord.permissions import Permissions, in_channel

if TYPE_CHECKING:
    from localdiscord.model.world import World

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes."""

__all__ = ["Resolved", "Thing"]

Thing = User | Role | Channel | Message
"""What can be named."""


class Resolved:
    """What a person's choice names, looked up.

    Args:
        world: the world.
        place: the channel of the interaction.
        user: who chooses.
    """

    def __init__(self, world: World, place: Channel, user: User) -> None:
        self._world = world
        self._place = place
        self._user = user
        self._found: dict[str, dict[str, Any]] = {}

    def payload(self) -> dict[str, Any]:
        """Return what there is, as Discord writes it: nothing where nothing was named."""
        return {"resolved": self._found} if self._found else {}

    def add(self, thing: Thing) -> str:
        """Take note of what was chosen, and return its id as Discord writes it.

        Raises:
            HumanlyImpossibleError: the person is not shown it, so cannot choose it.
        """
        if isinstance(thing, User):
            self._add_user(thing)
        elif isinstance(thing, Role):
            self._require_here(thing.name, self._guild_has("roles", thing.id))
            self._put("roles", thing.id, thing.payload())
        elif isinstance(thing, Channel):
            self._add_channel(thing)
        else:
            self._put("messages", thing.id, thing.payload())
        return str(thing.id)

    def attach(self, where: str, file: Any) -> str:
        """Upload a file, take note of it, and return its id.

        Args:
            where: which option or field takes it, for the sentence.
            file: an `Upload`.

        Raises:
            HumanlyImpossibleError: it is no file, or too large.
        """
        if not isinstance(file, Upload):
            raise HumanlyImpossibleError(f"{where}: {file!r} is no file; files are given as Upload.")
        if len(file.data) > LARGEST_FILE:
            raise HumanlyImpossibleError(f"{where}: {file.filename} is larger than {LARGEST_FILE} bytes.")
        key = self._world.snowflakes.next()
        url = self._world.files.keep(f"/ephemeral-attachments/{self._place.id}/{key}/{file.filename}", file)
        body: dict[str, Any] = {"id": str(key), "filename": file.filename, "size": len(file.data), "ephemeral": True}
        body |= {"url": url, "proxy_url": url, "content_type": file.media_type}
        if size := dimensions(file.data):
            body |= {"width": size[0], "height": size[1]}
        self._put("attachments", key, body)
        return str(key)

    def _put(self, kind: str, key: int, payload: dict[str, Any]) -> None:
        self._found.setdefault(kind, {})[str(key)] = payload

    def _guild_has(self, kind: str, key: int) -> bool:
        guild = self._world.guilds.get(self._place.guild_id or 0)
        return guild is not None and key in getattr(guild, kind)

    def _require_here(self, name: str, is_here: bool) -> None:
        if not is_here:
            raise HumanlyImpossibleError(f"{self._user.username} is not offered {name} here.")

    def _add_user(self, user: User) -> None:
        self._put("users", user.id, user.payload())
        guild = self._world.guilds.get(self._place.guild_id or 0)
        if guild is None:
            self._require_here(user.username, user in self._place.recipients)
            return
        member = guild.members.get(user.id)
        if member is not None:  # a person may also name somebody who has left, by their id
            allowed = str(int(in_channel(guild, self._place, member)))
            body = member.payload(with_user=False) | {"permissions": allowed}
            self._put("members", user.id, {name: body[name] for name in body if name not in {"mute", "deaf"}})

    def _add_channel(self, channel: Channel) -> None:
        held = permissions_in(self._world, channel, self._user)
        is_here = channel.guild_id == self._place.guild_id and Permissions.VIEW_CHANNEL in held
        self._require_here(f"#{channel.name}", is_here)
        self._put("channels", channel.id, channel.payload() | {"permissions": str(int(held))})
