"""Buttons and menus of the music; those of the player work on after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import discord

from reference.refusals import Refused
from reference.views import Handled, View

from .track import Kind, clock_text
from .track_queue import Loop

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable

    from .cog_player import PlayerCommands
    from .player import Player
    from .track import Track

__all__ = ["Controls", "PageButton", "SearchMenu", "page_buttons"]

SEARCH_SECONDS = 120.0
LOOP_EMOJI = {Loop.OFF: "➡️", Loop.TRACK: "🔂", Loop.QUEUE: "🔁"}
LONGEST_LABEL = 100
"""Characters of an option of a menu."""


class Controls(View):
    """The buttons below what is played; they keep no state, so one of them serves all guilds after a restart.

    Args:
        music: the commands, which the buttons stand for.
        player: whose state the buttons show; None for none.
    """

    def __init__(self, music: PlayerCommands, player: Player | None = None) -> None:
        super().__init__(timeout=None)
        is_paused, loop = (player.is_paused, player.queue.loop) if player else (False, Loop.OFF)
        self.add_item(ControlButton(music, "toggle", "▶️" if is_paused else "⏸️", discord.ButtonStyle.primary))
        self.add_item(ControlButton(music, "skip", "⏭️"))
        self.add_item(ControlButton(music, "stop", "⏹️", discord.ButtonStyle.danger))
        self.add_item(ControlButton(music, "loop", LOOP_EMOJI[loop]))
        self.add_item(ControlButton(music, "shuffle", "🔀"))


class ControlButton(discord.ui.Button[Controls]):
    """One of these buttons.

    Args:
        music: the commands.
        name: of what it stands for.
        emoji: its picture.
        style: its colour.
    """

    def __init__(
        self, music: PlayerCommands, name: str, emoji: str, style: discord.ButtonStyle = discord.ButtonStyle.secondary
    ) -> None:
        super().__init__(style=style, emoji=emoji, custom_id=f"music:{name}")
        self._music = music
        self._name = name

    async def callback(self, interaction: discord.Interaction) -> None:
        """Do what it stands for."""
        await self._music.press(self._name, interaction)


class PageButton(
    Handled, discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"music:page:(?P<page>\d{1,4})"
):
    """Turns to a page of the queue, of any message and after any restart.

    Args:
        page: from 1.
        emoji: an arrow.
        is_off: whether there is no such page.
    """

    def __init__(self, page: int, emoji: str = "▶️", *, is_off: bool = False) -> None:
        super().__init__(discord.ui.Button(emoji=emoji, custom_id=f"music:page:{page}", disabled=is_off))
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button of a press."""
        return cls(int(match["page"]))

    async def act(self, interaction: discord.Interaction[Any]) -> None:
        """Show the page."""
        music = interaction.client.get_cog("Music")
        if music is None:
            raise Refused("core.expired")
        await music.turn_to(self.page, interaction)


def page_buttons(page: int, pages: int) -> discord.ui.View | None:
    """Make the buttons that turn to the pages beside one; None for a queue of one page."""
    if pages == 1:
        return None
    view = View(timeout=None)
    view.add_item(PageButton(max(1, page - 1), "◀️", is_off=page <= 1))
    view.add_item(PageButton(page + 1, "▶️", is_off=page >= pages))
    return view


class SearchMenu(View):
    """Lets the person who searched choose one of the results.

    Args:
        tracks: the results.
        asker_id: who may choose.
        placeholder: shown while nothing is chosen.
        choose: told what was chosen.
    """

    def __init__(
        self,
        tracks: list[Track],
        asker_id: int,
        placeholder: str,
        choose: Callable[[discord.Interaction, Track], Awaitable[None]],
    ) -> None:
        super().__init__(timeout=SEARCH_SECONDS, user_id=asker_id)
        self._tracks = tracks
        self._choose = choose
        self.add_item(_Results(placeholder, _options(tracks)))

    async def chosen(self, interaction: discord.Interaction, place: int) -> None:
        """Play a result."""
        self.stop()
        await self._choose(interaction, self._tracks[place])


class _Results(discord.ui.Select[SearchMenu]):
    def __init__(self, placeholder: str, options: list[discord.SelectOption]) -> None:
        super().__init__(placeholder=placeholder, options=options)

    async def callback(self, interaction: discord.Interaction) -> None:
        if self.view is not None:
            await self.view.chosen(interaction, int(self.values[0]))


def _options(tracks: list[Track]) -> list[discord.SelectOption]:
    """Make the options of a menu, which shows plain text: nothing is to be escaped."""
    return [
        discord.SelectOption(
            label=track.title[:LONGEST_LABEL] or "?",
            value=str(place),
            description=clock_text(track.duration) if track.duration else None,
            emoji="📁" if track.kind is Kind.LIBRARY else "🌐",
        )
        for place, track in enumerate(tracks)
    ]
