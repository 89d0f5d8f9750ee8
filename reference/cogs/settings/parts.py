"""What the form is put together from: menus, buttons and questions that know what happens after them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from reference.views import Modal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Ask", "ChannelMenu", "Menu", "Press", "Question", "RoleMenu", "require_manager"]

Chosen = Callable[[discord.Interaction, list[Any]], Awaitable[None]]
Pressed = Callable[[discord.Interaction], Awaitable[None]]
Answered = Callable[[discord.Interaction, dict[str, str]], Awaitable[None]]


def require_manager(interaction: discord.Interaction) -> None:
    """Refuse whoever does not manage the server.

    Raises:
        commands.MissingPermissions: they do not.
    """
    if not interaction.permissions.manage_guild:
        raise commands.MissingPermissions(["manage_guild"])


class Menu(discord.ui.Select[Any]):
    """A menu of texts.

    Args:
        name: the end of its id.
        label: shown while nothing is chosen.
        options: value, label, and whether it is chosen.
        then: what follows.
        several: whether any number may be chosen.
        row: where it stands.
    """

    def __init__(
        self,
        name: str,
        label: str,
        options: Iterable[tuple[str, str, bool]],
        then: Chosen,
        *,
        several: bool = False,
        row: int,
    ) -> None:
        made = [discord.SelectOption(label=text[:100], value=value, default=on) for value, text, on in options]
        limits = {"min_values": 0, "max_values": len(made)} if several else {}
        super().__init__(custom_id=f"settings:{name}", placeholder=label[:150], options=made, row=row, **limits)  # type: ignore[arg-type]  # two numbers
        self._then = then

    async def callback(self, interaction: discord.Interaction, /) -> None:
        """Do what follows."""
        await self._then(interaction, list(self.values))


class ChannelMenu(discord.ui.ChannelSelect[Any]):
    """A menu of text channels, of which one or none is chosen; arguments as for `Menu`."""

    def __init__(self, name: str, label: str, chosen: int | None, then: Chosen, *, row: int) -> None:
        default = [discord.SelectDefaultValue(id=chosen, type=discord.SelectDefaultValueType.channel)] if chosen else []
        super().__init__(
            custom_id=f"settings:{name}",
            placeholder=label[:150],
            channel_types=[discord.ChannelType.text, discord.ChannelType.news],
            min_values=0,
            max_values=1,
            default_values=default,
            row=row,
        )
        self._then = then

    async def callback(self, interaction: discord.Interaction, /) -> None:
        """Do what follows."""
        await self._then(interaction, [channel.id for channel in self.values])


class RoleMenu(discord.ui.RoleSelect[Any]):
    """A menu of roles, of which one or none is chosen; arguments as for `Menu`."""

    def __init__(self, name: str, label: str, chosen: int | None, then: Chosen, *, row: int) -> None:
        default = [discord.SelectDefaultValue(id=chosen, type=discord.SelectDefaultValueType.role)] if chosen else []
        super().__init__(
            custom_id=f"settings:{name}",
            placeholder=label[:150],
            min_values=0,
            max_values=1,
            default_values=default,
            row=row,
        )
        self._then = then

    async def callback(self, interaction: discord.Interaction, /) -> None:
        """Do what follows."""
        await self._then(interaction, [role.id for role in self.values])


class Press(discord.ui.Button[Any]):
    """A button; arguments as for `Menu`."""

    def __init__(
        self,
        name: str,
        label: str,
        then: Pressed,
        *,
        row: int | None = None,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    ) -> None:
        super().__init__(custom_id=f"settings:{name}", label=label[:80], style=style, row=row)
        self._then = then

    async def callback(self, interaction: discord.Interaction, /) -> None:
        """Do what follows."""
        await self._then(interaction)


Question = tuple[str, str, str]
"""A question of a form: its name, its label, and the answer that stands there already."""


class Ask(Modal):
    """A form with a few questions, for those who manage the server.

    Args:
        title: of the form.
        questions: at most five; an answer may be empty.
        then: what follows, with the answers by name.
    """

    def __init__(self, title: str, questions: Sequence[Question], then: Answered) -> None:
        super().__init__(title=title[:45], timeout=900)
        self._then = then
        self._fields: dict[str, discord.ui.TextInput[Any]] = {}
        for name, label, value in questions:
            long = name == "entries"
            field: discord.ui.TextInput[Any] = discord.ui.TextInput(
                label=label[:45],
                custom_id=name,
                default=value[:4000] or None,
                required=False,
                max_length=4000 if long else 100,
                style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
            )
            self._fields[name] = field
            self.add_item(field)

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Do what follows."""
        require_manager(interaction)
        await self._then(interaction, {name: field.value.strip() for name, field in self._fields.items()})
