"""The buttons and menus by which members give themselves roles; they are answered after a restart too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import discord

from reference.refusals import Refused
from reference.views import Handled, View

from .role_rules import require_assignable

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence

    from reference.bot import Bot

    from .role_store import RoleStore

__all__ = ["RoleButton", "RoleMenu", "panel_view"]

PER_ROW = 5


class RoleButton(Handled, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"selfrole:(?P<role>\d+)"):
    """The button of a role: a press gives it, another takes it.

    Args:
        role_id: the role.
        label: what stands on it.
        row: of the message, from 0.
    """

    def __init__(self, role_id: int, label: str = "…", row: int | None = None) -> None:
        super().__init__(discord.ui.Button(label=label[:80], custom_id=f"selfrole:{role_id}", row=row))
        self.role_id = role_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button that was pressed."""
        return cls(int(match["role"]))

    async def act(self, interaction: discord.Interaction) -> None:
        """Give or take the role."""
        member = _member(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        had = member.get_role(self.role_id) is not None
        wanted = set() if had else {self.role_id}
        await change(interaction, member, [self.role_id], wanted)


class RoleMenu(Handled, discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"selfroles"):
    """A menu of all roles: those that are chosen are given, the others taken.

    Args:
        item: the menu as Discord has it; None for an empty one.
    """

    def __init__(self, item: discord.ui.Select[Any] | None = None) -> None:
        super().__init__(item or discord.ui.Select(custom_id="selfroles", min_values=0))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Make the menu that was used."""
        return cls(cast("discord.ui.Select[Any]", item))

    async def act(self, interaction: discord.Interaction) -> None:
        """Give what was chosen, and take the rest."""
        member = _member(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        offered = [int(option.value) for option in self.item.options]
        await change(interaction, member, offered, {int(value) for value in self.item.values})


def panel_view(roles: Sequence[discord.Role], style: str, placeholder: str) -> discord.ui.View:
    """Return the components that offer roles.

    Args:
        roles: what is offered.
        style: `buttons` or `menu`.
        placeholder: what stands on an empty menu.
    """
    view = View(timeout=None)
    if style == "buttons" or not roles:
        for number, role in enumerate(roles):
            view.add_item(RoleButton(role.id, role.name, number // PER_ROW))
        return view
    options = [discord.SelectOption(label=role.name[:100], value=str(role.id)) for role in roles]
    menu = discord.ui.Select[Any](
        custom_id="selfroles", placeholder=placeholder, options=options, min_values=0, max_values=len(options)
    )
    view.add_item(RoleMenu(menu))
    return view


async def change(
    interaction: discord.Interaction, member: discord.Member, shown: Iterable[int], wanted: set[int]
) -> None:
    """Give and take roles, and say which.

    Args:
        interaction: that waits for an answer.
        member: whose roles.
        shown: the roles that could be chosen.
        wanted: those that were.

    Raises:
        Refused: a role is not offered any more, is gone, or is one that nobody may give themselves.
    """
    bot = cast("Bot", interaction.client)
    store = cast("RoleStore", cast("Any", bot.get_cog("SelfRoles")).store)
    offered = set(await store.offered(member.guild.id))
    given = [_role(member.guild, each, offered) for each in sorted(wanted) if member.get_role(each) is None]
    taken = [role for each in shown if each not in wanted and each in offered and (role := member.get_role(each))]
    for role in given:
        require_assignable(role)
    reason = await bot.text(member.guild, "community.roles.reason")
    if given:
        await member.add_roles(*given, reason=reason)
    if taken:
        await member.remove_roles(*taken, reason=reason)
    lines = [
        await bot.text(interaction, f"community.roles.{what}", roles=", ".join(role.mention for role in roles))
        for what, roles in (("given", given), ("taken", taken))
        if roles
    ]
    text = "\n".join(lines) or await bot.text(interaction, "community.roles.unchanged")
    await interaction.followup.send(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())


def _role(guild: discord.Guild, role_id: int, offered: set[int]) -> discord.Role:
    role = guild.get_role(role_id)
    if role is None or role_id not in offered:
        raise Refused("community.roles.not_offered")
    return role


def _member(interaction: discord.Interaction) -> discord.Member:
    if not isinstance(interaction.user, discord.Member):
        raise Refused("common.guild_only")
    return interaction.user
