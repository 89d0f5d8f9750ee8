"""Commands about cases: one, those of somebody page by page, and another reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from reference.commands import hybrid_command
from reference.errors import Refused
from reference.views import Handled, View

from .cases import Action
from .guards import guarded, guild_of, quietly
from .texts import clean, shown

if TYPE_CHECKING:
    import re

    from reference.bot import Bot

    from .acts import Acts
    from .cases import Case

__all__ = ["PageButton", "Records"]

PAGE = 5
"""Cases on a page."""

SHOWN_REASON = 200
"""Characters of a reason on a page; the case shows all."""

Number = commands.Range[int, 1, 2**31]


class Records(commands.Cog):
    """What moderators look up."""

    def __init__(self, bot: Bot, acts: Acts) -> None:
        self.bot = bot
        self.acts = acts

    @hybrid_command()
    @guarded("moderate_members", "")
    async def case(self, ctx: commands.Context[Bot], number: Number) -> None:
        """Show a case.

        Args:
            ctx: where.
            number: Its number.
        """
        found = await self._find(ctx, number)
        if found.draft.action is Action.NOTE and ctx.interaction is None:
            raise Refused("moderation.note_is_private", number=number)
        embed = await self.acts.modlog.embed(ctx, found)
        await ctx.send(embed=embed, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    @hybrid_command()
    @guarded("moderate_members", "")
    async def cases(self, ctx: commands.Context[Bot], user: discord.User) -> None:
        """Show the cases of somebody.

        Args:
            ctx: where.
            user: Whose.
        """
        embed, view = await history(self.bot, self.acts, ctx, user.id, 0, notes=ctx.interaction is not None)
        none = discord.AllowedMentions.none()
        if view is None:
            await ctx.send(embed=embed, ephemeral=True, allowed_mentions=none)
        else:
            await ctx.send(embed=embed, view=view, ephemeral=True, allowed_mentions=none)

    @hybrid_command()
    @guarded("moderate_members", "")
    async def reason(self, ctx: commands.Context[Bot], number: Number, *, text: str) -> None:
        """Give a case another reason.

        Args:
            ctx: where.
            number: Its number.
            text: Why it really was.
        """
        guild = guild_of(ctx)
        await self._find(ctx, number)
        changed = await self.acts.store.set_reason(guild.id, number, clean(text))
        if changed is not None:
            target = changed.draft.target_id
            await self.bot.database.log_audit("moderation.reason", guild.id, ctx.author.id, target, {"case": number})
            await self.acts.modlog.update(guild, changed)
        await quietly(ctx, "moderation.reason_changed", number=number)

    async def _find(self, ctx: commands.Context[Bot], number: int) -> Case:
        found = await self.acts.store.find(guild_of(ctx).id, number)
        if found is None:
            raise Refused("moderation.no_case", number=number)
        return found


async def history(
    bot: Bot,
    acts: Acts,
    place: commands.Context[Bot] | discord.Interaction,
    user_id: int,
    page: int,
    *,
    notes: bool,
) -> tuple[discord.Embed, discord.ui.View | None]:
    """Return a page of somebody's cases, with the buttons to the others.

    Args:
        bot: the bot.
        acts: with the cases.
        place: whose language it is in.
        user_id: whose cases.
        page: counted from 0.
        notes: whether notes are shown, which are not for everybody's eyes.
    """
    guild_id = place.guild.id if place.guild else 0
    counts = await acts.store.counts(guild_id, user_id, notes=notes)
    total = sum(counts.values())
    last = max(0, (total - 1) // PAGE)
    page = min(max(0, page), last)
    found = await acts.store.history(guild_id, user_id, PAGE, page * PAGE, notes=notes)

    async def text(key: str, **values: Any) -> str:
        return await bot.text(place, f"moderation.{key}", **values)

    embed = discord.Embed(title=await text("history", count=total), colour=0x3498DB)
    totals = [f"{await text(f'action.{action}')}: {count}" for action, count in counts.items()]
    embed.description = f"<@{user_id}>\n{' · '.join(totals) or await text('no_cases')}"
    for case in found:
        draft = case.draft
        name = await text("case_title", number=case.number, action=await text(f"action.{draft.action}"))
        when = discord.utils.format_dt(draft.created_at, "d")
        why = shown(clean(draft.reason, SHOWN_REASON)) or "-"
        embed.add_field(name=name, value=f"{when} · <@{draft.moderator_id}>\n{why}", inline=False)
    if not last:
        return embed, None
    embed.set_footer(text=await text("page", page=page + 1, pages=last + 1))
    view = View(timeout=None)
    view.add_item(PageButton(user_id, page - 1, "◀", disabled=page == 0))
    view.add_item(PageButton(user_id, page + 1, "▶", disabled=page == last))
    return embed, view


class PageButton(Handled, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"moderation:cases:(\d+):(-?\d+):."):
    """A button to another page of somebody's cases; it works after a restart, too."""

    def __init__(self, user_id: int, page: int, label: str, *, disabled: bool = False) -> None:
        custom_id = f"moderation:cases:{user_id}:{page}:{label}"
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id, disabled=disabled))
        self.user_id = user_id
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> PageButton:
        """Read which page it leads to."""
        return cls(int(match[1]), int(match[2]), getattr(item, "label", None) or "▶")

    async def act(self, interaction: discord.Interaction) -> None:
        """Show the page to a moderator.

        Raises:
            commands.MissingPermissions: somebody else pressed the button.
        """
        bot: Any = interaction.client
        records = bot.get_cog("Records")
        if not interaction.permissions.moderate_members:
            raise commands.MissingPermissions(["moderate_members"])
        notes = interaction.message is not None and interaction.message.flags.ephemeral
        embed, view = await history(bot, records.acts, interaction, self.user_id, self.page, notes=notes)
        await interaction.response.edit_message(embed=embed, view=view)
