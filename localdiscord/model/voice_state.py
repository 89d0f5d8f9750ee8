"""Voice states: who is in which voice channel, and whether they hear and are heard."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.member import Member

__all__ = ["VoiceState"]


@dataclass
class VoiceState:
    """A member's place in a voice channel.

    Attributes:
        session_id: of the client that joined; for a bot, of its gateway session.
        self_mute: whether the member switched the own microphone off.
        self_deaf: whether the member switched the own sound off.
        suppress: whether the member has no permission to speak there, or listens to a stage.
        requested_at: when the member asked to speak on a stage.
    """

    member: Member
    guild_id: int
    channel_id: int | None
    session_id: str = field(default_factory=lambda: secrets.token_hex(16))
    self_mute: bool = False
    self_deaf: bool = False
    suppress: bool = False
    requested_at: datetime | None = None

    @property
    def is_heard(self) -> bool:
        """Whether the server passes the member's audio on."""
        return not (self.member.mute or self.suppress)

    @property
    def hears(self) -> bool:
        """Whether audio is passed to the member."""
        return not (self.member.deaf or self.self_deaf)

    def payload(self, *, whole: bool = True) -> dict[str, Any]:
        """Return the state as Discord writes it.

        Args:
            whole: whether guild and member belong in it; within GUILD_CREATE they do not.
        """
        body: dict[str, Any] = {
            "channel_id": str(self.channel_id) if self.channel_id else None,
            "user_id": str(self.member.user.id),
            "session_id": self.session_id,
            "deaf": self.member.deaf,
            "mute": self.member.mute,
            "self_deaf": self.self_deaf,
            "self_mute": self.self_mute,
            "self_video": False,
            "self_stream": False,
            "suppress": self.suppress,
            "request_to_speak_timestamp": iso(self.requested_at) if self.requested_at else None,
        }
        return body | {"guild_id": str(self.guild_id), "member": self.member.payload()} if whole else body
