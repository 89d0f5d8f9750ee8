"""A bot in a process of its own, for the benchmarks: `python -m benchmarks._bot_process bare|complete PORT FOLDER`.

The token comes from the environment, as bots take it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import discord
from discord.ext import commands

from localdiscord import LocalConnector


def _bare(connector: LocalConnector) -> commands.AutoShardedBot:
    """Make the least bot that answers: discord.py, the same intents, one command."""
    intents = discord.Intents.default()
    intents.message_content = intents.members = True
    bot = commands.AutoShardedBot("!", intents=intents, connector=connector, guild_ready_timeout=0, help_command=None)

    @bot.command()
    async def ping(ctx: commands.Context[commands.AutoShardedBot]) -> None:
        await ctx.send("Pong")

    return bot


def _complete(connector: LocalConnector, folder: Path) -> commands.AutoShardedBot:
    """Make the reference bot with everything it has."""
    from reference.bot import build_bot  # noqa: PLC0415  the bare bot pays nothing for it
    from reference.config import Settings  # noqa: PLC0415  the bare bot pays nothing for it

    return build_bot(Settings(data=folder), connector=connector, guild_ready_timeout=0)


async def main(kind: str, port: int, folder: Path) -> None:
    """Run a bot until its process is ended."""
    connector = LocalConnector(port)
    bot = _bare(connector) if kind == "bare" else _complete(connector, folder)
    await bot.start(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
