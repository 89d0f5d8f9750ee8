"""Members, roles and bans, as bodies and queries describe them."""

from typing import Annotated, Any

from localdiscord.rest.forms.fields import (
    Flag,
    Form,
    Image,
    Moment,
    PermissionBits,
    Snowflake,
    length,
    text,
    within,
)

__all__ = [
    "BanForm",
    "BanListForm",
    "BulkBanForm",
    "ListForm",
    "MemberForm",
    "OwnMemberForm",
    "PositionForm",
    "PruneForm",
    "RoleForm",
    "SearchForm",
]

WEEK = 7 * 24 * 3600
"""Seconds; older messages of somebody who is banned stay."""

Nick = Annotated[str, text(None, 32)]
Days = Annotated[int, within(1, 30)]


class ListForm(Form):
    """Which members a list shall hold."""

    limit: Annotated[int, within(1, 1000)] = 1
    after: Snowflake = 0


class SearchForm(Form):
    """What members' names shall begin with."""

    query: Annotated[str, length(1, 100)]
    limit: Annotated[int, within(1, 1000)] = 1


class MemberForm(Form):
    """A change of a member."""

    nick: Nick | None = None
    roles: list[Snowflake] | None = None
    mute: Flag | None = None
    deaf: Flag | None = None
    channel_id: Snowflake | None = None
    communication_disabled_until: Moment | None = None
    flags: int | None = None


class OwnMemberForm(Form):
    """A change of the own membership."""

    nick: Nick | None = None
    avatar: Image | None = None
    banner: Image | None = None
    bio: Annotated[str, text(None, 190)] | None = None


class BanForm(Form):
    """A ban."""

    delete_message_seconds: Annotated[int, within(0, WEEK)] | None = None
    delete_message_days: Annotated[int, within(0, 7)] | None = None


class BulkBanForm(Form):
    """Bans of several users."""

    user_ids: Annotated[list[Snowflake], length(1, 200)]
    delete_message_seconds: Annotated[int, within(0, WEEK)] | None = None


class BanListForm(Form):
    """Which bans a list shall hold."""

    limit: Annotated[int, within(1, 1000)] = 1000
    before: Snowflake | None = None
    after: Snowflake | None = None


class PruneForm(Form):
    """Who shall be put out for not having been there."""

    days: Days = 7
    include_roles: list[Snowflake] | str = ""
    compute_prune_count: bool = True

    @property
    def roles(self) -> list[int]:
        """The roles that protect nobody; a query has them with commas between."""
        named = self.include_roles.split(",") if isinstance(self.include_roles, str) else self.include_roles
        return [int(role) for role in named if str(role).strip().isdigit()]


class ColorsForm(Form):
    """The colours of a role."""

    primary_color: Annotated[int, within(0, 0xFFFFFF)]
    secondary_color: Annotated[int, within(0, 0xFFFFFF)] | None = None
    tertiary_color: Annotated[int, within(0, 0xFFFFFF)] | None = None


class RoleForm(Form):
    """A new role, or a change of one."""

    name: Annotated[str, text(None, 100)] | None = None
    permissions: PermissionBits | None = None
    color: Annotated[int, within(0, 0xFFFFFF)] | None = None
    colors: ColorsForm | None = None
    hoist: Flag | None = None
    mentionable: Flag | None = None
    icon: Image | None = None
    unicode_emoji: Annotated[str, text(None, 100)] | None = None

    def values(self) -> dict[str, Any]:
        """Return what the form names, by the role's attributes."""
        values = self.given()
        colors = values.pop("colors", None)
        if colors is not None:
            values["color"] = colors.primary_color
            values["colors"] = (colors.secondary_color, colors.tertiary_color)
        return values


class PositionForm(Form):
    """Where a role or a channel shall stand."""

    id: Snowflake
    position: int | None = None
    parent_id: Snowflake | None = None
    lock_permissions: Flag | None = None
