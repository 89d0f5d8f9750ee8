"""Cases: what was done to whom, by whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reference.utils.timestamps import parse_utc, utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Action", "Case", "Draft"]


class Action(StrEnum):
    """What can be done to a member."""

    WARN = "warn"
    NOTE = "note"
    TIMEOUT = "timeout"
    UNTIMEOUT = "untimeout"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"


@dataclass(frozen=True, slots=True)
class Draft:
    """What shall be written down.

    Attributes:
        reason: cleaned already.
        expires_at: when a time-out or a ban ends; None for a ban without an end.
    """

    guild_id: int
    action: Action
    target_id: int
    target_name: str
    moderator_id: int
    reason: str
    created_at: datetime
    expires_at: datetime | None = None

    def values(self) -> tuple[Any, ...]:
        """Return the values of a row, in the order of the table."""
        expires = utc_text(self.expires_at) if self.expires_at else None
        who = (self.target_id, self.target_name, self.moderator_id)
        return self.guild_id, self.action.value, *who, self.reason, utc_text(self.created_at), expires


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is kept.

    Attributes:
        id: among all guilds; stands in Discord's audit log.
        number: within the guild; None while it is not known whether it was done.
        is_over: whether a ban was lifted.
        log_channel_id: where it was told.
        log_message_id: the message that told it; None where it was not told yet.
    """

    id: int
    number: int | None
    draft: Draft
    is_over: bool = False
    log_channel_id: int | None = None
    log_message_id: int | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Case:
        """Read a row of the table."""
        expires = parse_utc(row["expires_at"]) if row["expires_at"] else None
        draft = Draft(
            row["guild_id"],
            Action(row["action"]),
            row["target_id"],
            row["target_name"],
            row["moderator_id"],
            row["reason"],
            parse_utc(row["created_at"]),
            expires,
        )
        log = row["log_channel_id"], row["log_message_id"]
        return cls(row["id"], row["number"], draft, bool(row["is_over"]), *log)
