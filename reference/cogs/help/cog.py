"""The command that lists commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_command
from reference.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reference.bot import Bot

__all__ = ["Help"]

Context = commands.Context["Bot"]
Leaf = app_commands.Command[Any, ..., Any]

MOST_CHOICES = 25
LONGEST_FIELD = 1024


class Help(commands.Cog):
    """What the bot can do."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @hybrid_command(name="help")
    @app_commands.describe(command="A command to tell more of; all are listed without one")
    async def show(self, ctx: Context, *, command: str | None = None) -> None:
        """Show what I can do, or how a command is used."""
        offered = {each.qualified_name: each for each in _offered(self.bot, ctx)}
        names = self.bot.texts.tables.get(await self.bot.language(ctx), {})
        if command is None:
            await ctx.send(embed=await self._overview(ctx, offered, names), ephemeral=True)
            return
        found = offered.get(command.strip().lstrip("/").lower())
        if found is None:
            raise Refused("common.unknown_command", command=discord.utils.escape_markdown(command[:50]))
        await ctx.send(embed=_page(found, names), ephemeral=True)

    @show.autocomplete("command")
    async def _suggest(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        names = [each.qualified_name for each in _offered(self.bot, interaction)]
        fitting = [name for name in names if typed.lower().lstrip("/") in name]
        return [app_commands.Choice(name=f"/{name}", value=name) for name in fitting[:MOST_CHOICES]]

    async def _overview(self, ctx: Context, offered: Mapping[str, Leaf], names: Mapping[str, str]) -> discord.Embed:
        """List the commands by what they belong to."""
        embed = discord.Embed(title=await self.bot.text(ctx, "help.title"), color=discord.Color.blurple())
        embed.description = await self.bot.text(ctx, "help.more")
        groups: dict[str, list[str]] = {}
        for name, command in offered.items():
            owner = getattr(command.binding, "qualified_name", "")
            groups.setdefault(owner, []).append(f"`/{name}`")
        for owner, listed in groups.items():
            embed.add_field(name=names.get(f"{owner.lower()}.name", owner), value=_fitted(listed), inline=False)
        return embed


def _offered(bot: Bot, place: Context | discord.Interaction[Bot]) -> Iterator[Leaf]:
    """Yield the commands that Discord offers to somebody, those of groups one by one."""
    held = place.permissions
    for command in sorted(bot.tree.get_commands(), key=lambda each: each.name):
        if isinstance(command, app_commands.ContextMenu):
            continue
        needed = command.default_permissions
        if needed is not None and not (held.administrator or held >= needed):
            continue
        if isinstance(command, app_commands.Group):
            yield from (each for each in command.walk_commands() if not isinstance(each, app_commands.Group))
        else:
            yield command


def _page(command: Leaf, names: Mapping[str, str]) -> discord.Embed:
    """Tell of one command: what it does, and what it takes."""
    key = command.qualified_name
    embed = discord.Embed(title=f"/{key}", color=discord.Color.blurple())
    embed.description = names.get(f"{key}.description", command.description)
    for parameter in command.parameters:
        text = names.get(f"{key}.{parameter.name}.description", str(parameter.description))
        mark = parameter.display_name if parameter.required else f"[{parameter.display_name}]"
        embed.add_field(name=mark, value=text or "…", inline=False)
    return embed


def _fitted(listed: list[str]) -> str:
    """Join as many names as a field holds."""
    text = ""
    for name in listed:
        if len(text) + len(name) + 3 > LONGEST_FIELD:
            return f"{text} …"
        text = f"{text} {name}" if text else name
    return text
