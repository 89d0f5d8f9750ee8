"""Buttons, menus and forms whose errors end where all others do.

Derive from `View` and `Modal` in place of discord.py's, and mix `Handled` into a `discord.ui.DynamicItem`. What is to
outlive a restart is handed to `bot.persistent` when an area is set up:

    bot.persistent.add(cog, PollView(), VoteButton)     # a view with fixed ids and no time-out, or a DynamicItem class
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

import discord

from . import work
from .refusals import Refused

if TYPE_CHECKING:
    from discord.ext import commands

    from .bot import Bot

__all__ = ["Handled", "Modal", "Persistent", "View", "stop_all"]


_open: WeakSet[discord.ui.View | discord.ui.Modal] = WeakSet()
"""The views and forms that are there; discord.py gives those a time-out that had none and only one person sees."""


def stop_all() -> None:
    """End all views and forms: discord.py leaves their timers running when a client is closed."""
    for view in tuple(_open):
        if view.timeout is not None:
            view.stop()


async def _admit(interaction: discord.Interaction, name: str) -> None:
    """Begin a piece of work, and refuse it while the bot ends or rests.

    Raises:
        Refused: it does.
    """
    bot = _bot(interaction)
    bot.hold(asyncio.current_task())
    work.begin("component", name, user_id=interaction.user.id, guild_id=interaction.guild_id)
    await bot.require_open(interaction.user)


def _bot(interaction: discord.Interaction) -> Bot:
    return cast("Bot", interaction.client)


class View(discord.ui.View):
    """Components of a message.

    Args:
        timeout: seconds after the last use; None for never.
        user_id: who may use them; None for everybody.
    """

    def __init__(self, *, timeout: float | None = 180.0, user_id: int | None = None) -> None:
        super().__init__(timeout=timeout)
        self.user_id = user_id
        _open.add(self)

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Admit who may use the components; one that overrides this calls it first.

        Raises:
            Refused: somebody else uses them, or the bot ends or rests.
        """
        await _admit(interaction, type(self).__name__)
        if self.user_id not in {None, interaction.user.id}:
            raise Refused("core.not_yours")
        return True

    async def on_error(self, interaction: discord.Interaction, error: Exception, item: discord.ui.Item[Any], /) -> None:
        """Answer an error."""
        name = getattr(item, "custom_id", None) or type(item).__name__
        await _bot(interaction).errors.handle(error, interaction, f"{type(self).__name__} {name}"[:100])


class Modal(discord.ui.Modal):
    """A form; arguments are those of `discord.ui.Modal`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _open.add(self)

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Admit a form that was sent; one that overrides this calls it first.

        Raises:
            Refused: the bot ends or rests.
        """
        await _admit(interaction, type(self).__name__)
        return True

    async def on_error(  # type: ignore[override]
        self, interaction: discord.Interaction, error: Exception, /
    ) -> None:
        """Answer an error; a form has no item that could be named."""
        await _bot(interaction).errors.handle(error, interaction, type(self).__name__)


class Handled(ABC):
    """Mixed into a `discord.ui.DynamicItem`, before it: `act` is what happens, and its errors are answered."""

    @abstractmethod
    async def act(self, interaction: discord.Interaction) -> None:
        """Do what the component is there for."""

    async def callback(self, interaction: discord.Interaction) -> None:
        """Do it, and answer an error."""
        try:
            await _admit(interaction, type(self).__name__)
            await self.act(interaction)
        except Exception as error:  # noqa: BLE001  this is where errors end
            await _bot(interaction).errors.handle(error, interaction, type(self).__name__)


DynamicItemClass = type[discord.ui.DynamicItem[Any]]


class Persistent:
    """The components that outlive a restart, by the cog they belong to.

    Args:
        bot: whose they are.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._views: dict[str, list[discord.ui.View]] = {}
        self._items: dict[str, list[DynamicItemClass]] = {}

    def add(self, cog: commands.Cog, *components: discord.ui.View | DynamicItemClass) -> None:
        """Have components answered, whenever their message was sent, until the cog is removed.

        Args:
            cog: whose they are.
            *components: views without a time-out whose components have fixed ids, and classes of dynamic items.

        Raises:
            ValueError: a view has a time-out, or a component without a fixed id.
        """
        for component in components:
            if isinstance(component, discord.ui.View):
                self._bot.add_view(component)
                self._views.setdefault(cog.qualified_name, []).append(component)
            else:
                self._bot.add_dynamic_items(component)
                self._items.setdefault(cog.qualified_name, []).append(component)

    def remove(self, cog_name: str) -> None:
        """Forget the components of a cog that is removed."""
        for view in self._views.pop(cog_name, []):
            view.stop()
        self._bot.remove_dynamic_items(*self._items.pop(cog_name, []))

    def __len__(self) -> int:
        return sum(map(len, self._views.values())) + sum(map(len, self._items.values()))
