"""Webhooks: addresses at which anybody with the token can write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localdiscord.model.user import User

__all__ = ["FOLLOWER", "INCOMING", "Webhook"]

INCOMING, FOLLOWER = 1, 2


@dataclass
class Webhook:
    """A webhook of a channel.

    Attributes:
        type: 1 takes messages, 2 carries those of an announcement channel over.
        source: guild and channel that are followed, as Discord writes them.
    """

    id: int
    guild_id: int
    channel_id: int
    name: str
    token: str | None
    user: User
    type: int = INCOMING
    avatar: str | None = None
    application_id: int | None = None
    source: dict[str, Any] | None = None
    source_channel_id: int | None = None

    def payload(self, *, with_user: bool = True, url: str = "") -> dict[str, Any]:
        """Return the webhook as Discord writes it.

        Args:
            with_user: whether its maker belongs in it; to the holder of the token it does not.
            url: where the API is.
        """
        body: dict[str, Any] = {
            "id": str(self.id),
            "type": self.type,
            "guild_id": str(self.guild_id),
            "channel_id": str(self.channel_id),
            "name": self.name,
            "avatar": self.avatar,
            "application_id": str(self.application_id) if self.application_id else None,
        }
        if self.token is not None:
            body |= {"token": self.token, "url": f"{url}/api/webhooks/{self.id}/{self.token}"}
        if with_user:
            body["user"] = self.user.payload()
        return body | (self.source or {})
