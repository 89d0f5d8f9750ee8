"""Who stands above whom: what is looked at before anything happens to a member."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import discord

__all__ = ["Objection", "Standing", "objection", "standing"]


class Objection(StrEnum):
    """Why a member is out of reach; the end of the key of the answer."""

    YOURSELF = "yourself"
    ME = "me"
    OWNER = "owner"
    ABOVE_YOU = "above_you"
    ABOVE_ME = "above_me"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands in a guild.

    Attributes:
        id: who.
        rank: larger is higher; None for somebody who is no member.
        is_owner: whether the guild is theirs.
        is_administrator: whether a role of theirs may do everything.
    """

    id: int
    rank: tuple[int, int] | None = None
    is_owner: bool = False
    is_administrator: bool = False


def standing(user: discord.abc.User, owner_id: int | None) -> Standing:
    """Return where a user stands.

    Args:
        user: a member, or a user who is none.
        owner_id: the owner of the guild.
    """
    role = getattr(user, "top_role", None)
    if role is None:
        return Standing(user.id)
    administrator = bool(user.guild_permissions.administrator)  # type: ignore[attr-defined]  # a member: it has roles
    return Standing(user.id, (role.position, -role.id), user.id == owner_id, administrator)


def objection(moderator: Standing, me: Standing, target: Standing, *, is_timeout: bool = False) -> Objection | None:
    """Say why a moderator or the bot cannot reach somebody; None where both can.

    Args:
        moderator: who wants it.
        me: the bot.
        target: to whom it shall happen.
        is_timeout: Discord takes no time-out for administrators.
    """
    for found, reason in (
        (target.id == moderator.id, Objection.YOURSELF),
        (target.id == me.id, Objection.ME),
        (target.is_owner, Objection.OWNER),
        (not moderator.is_owner and not _is_below(target, moderator), Objection.ABOVE_YOU),
        (not me.is_owner and not _is_below(target, me), Objection.ABOVE_ME),
        (is_timeout and target.is_administrator, Objection.ADMINISTRATOR),
    ):
        if found:
            return reason
    return None


def _is_below(lower: Standing, higher: Standing) -> bool:
    return lower.rank is None or (higher.rank is not None and lower.rank < higher.rank)
