"""Applications: a bot, its token and its commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.intents import PRIVILEGED, Intents

if TYPE_CHECKING:
    from localdiscord.model.expression import Emoji
    from localdiscord.model.user import User

__all__ = ["Application"]

GRANTED_FLAGS = {
    Intents.GUILD_PRESENCES: 1 << 12,
    Intents.GUILD_MEMBERS: 1 << 14,
    Intents.MESSAGE_CONTENT: 1 << 18,
}
"""The application flag that says that a privileged intent is granted."""


@dataclass
class Application:
    """An application with its bot.

    Attributes:
        granted: the privileged intents that it may ask for.
        commands: by guild id, None for the global ones; then by command id, as Discord writes them.
        permissions: who may use which command, as a guild's people decided: by guild id, then by the id of the command,
            or of the application for all its commands.
    """

    id: int
    name: str
    bot: User
    owner: User
    token: str
    granted: Intents = PRIVILEGED
    emojis: dict[int, Emoji] = field(default_factory=dict)
    description: str = ""
    icon: str | None = None
    cover_image: str | None = None
    tags: list[str] = field(default_factory=list)
    role_connections: list[dict[str, Any]] = field(default_factory=list)
    commands: dict[int | None, dict[int, dict[str, Any]]] = field(default_factory=dict)
    permissions: dict[int, dict[int, list[dict[str, Any]]]] = field(default_factory=dict)

    @property
    def flags(self) -> int:
        """The application's flags."""
        return sum(flag for intent, flag in GRANTED_FLAGS.items() if intent in self.granted)

    def payload(self) -> dict[str, Any]:
        """Return the application as Discord writes it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": self.icon,
            "description": self.description,
            "tags": self.tags,
            "summary": "",
            "type": None,
            "bot": self.bot.payload(),
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": self.flags,
            "owner": self.owner.payload(),
            "team": None,
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "approximate_guild_count": 1,
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "flags_new": str(self.flags),
            "eligible_oauth2_scopes": [],
        }
