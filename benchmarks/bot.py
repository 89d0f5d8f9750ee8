"""The reference bot with everything loaded, beside a bare discord.py bot on the same local Discord.

Each bot runs in a process of its own. Messages are written by people of the local Discord, which runs in this
process; a bot is done with them when it has answered the command that follows them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.contest import Bout, Contender, Contest
from localdiscord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localdiscord import Person

MESSAGES = 100
"""How many messages are written before the command."""

WRITERS = 20
PATIENCE = 60.0
"""Seconds for a bot to start or to answer."""

ROOT = Path(__file__).resolve().parent.parent


class _Town:
    """A local Discord with a bot in a process of its own.

    Args:
        kind: which bot.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.discord = LocalDiscord()
        self._process: asyncio.subprocess.Process | None = None
        self._answers = 0
        self._writers: list[Person] = []

    async def start(self) -> None:
        """Start server and bot, and wait until the bot answers."""
        await self.discord.start()
        self._writers = [self._newcomer(f"Writer{number}") for number in range(WRITERS)]
        where = (str(self.discord.port), self._folder.name)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks._bot_process", self._kind, *where),
            cwd=ROOT,
            env=os.environ | {"DISCORD_TOKEN": self.discord.town.application.token},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        connected = asyncio.ensure_future(self.discord.until(lambda: self.discord.sessions))
        ended = asyncio.ensure_future(self._process.communicate())
        await asyncio.wait({connected, ended}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()
        if ended.done():
            words = ended.result()[1].decode(errors="replace").split("\n")
            raise RuntimeError(f"the bot ended before it was connected: {' '.join(words[-2:])}")
        await self.ask()

    def _newcomer(self, name: str) -> Person:
        user = self.discord.world.add_user(name)
        self.discord.world.add_member(self.discord.town.guild, user)
        return self.discord.person(user)

    async def ask(self) -> None:
        """Let somebody who never asked before use a command, and wait for the answer."""
        self._answers += 1
        channel = self.discord.town.channels["bot"]
        asker = self._newcomer(f"Asker{self._answers}")
        question = asker.say(channel, "!ping")
        bot = self.discord.town.application.bot

        def answered() -> bool:
            newest = channel.messages[channel.last_message_id or 0]
            return newest.id > question.id and newest.author is bot

        async with asyncio.timeout(PATIENCE):
            await self.discord.until(answered)

    async def converse(self) -> int:
        """Write messages, then a command, and wait until the bot is through with all of them."""
        channel = self.discord.town.channels["general"]
        for number in range(MESSAGES):
            self._writers[number % WRITERS].say(channel, f"What {number} people say to each other all day long.")
        await self.ask()
        channel.messages.clear()
        return MESSAGES

    def memory(self) -> int:
        """Return the resident memory of the bot's process, in bytes."""
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_info().rss)

    async def stop(self) -> None:
        """End the bot and the server."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self.discord.stop()
        self._folder.cleanup()


def _conversing(kind: str) -> Callable[[], Awaitable[Bout]]:
    async def enter() -> Bout:
        town = _Town(kind)
        try:
            await town.start()
        except BaseException:
            await town.stop()
            raise
        return Bout(town.converse, MESSAGES, close=town.stop, memory=town.memory)

    return enter


def _starting(kind: str) -> Callable[[], Awaitable[Bout]]:
    async def enter() -> Bout:
        async def start() -> bool:
            town = _Town(kind)
            try:
                await town.start()
            finally:
                await town.stop()
            return True

        return Bout(start, expect=True)

    return enter


CONTESTS = [
    Contest(
        "bot.messages",
        f"{MESSAGES} messages and a command, handled; 0.8 times the rate of the floor is 1.25 times its time",
        1.25,
        [
            Contender("bare discord.py", _conversing("bare")),
            Contender("reference bot", _conversing("complete"), is_ours=True, note="all areas loaded"),
        ],
    ),
    Contest(
        "bot.start",
        "From nothing to the first answer, in a new process",
        None,
        [
            Contender("bare discord.py", _starting("bare")),
            Contender("reference bot", _starting("complete"), is_ours=True, note="all areas loaded"),
        ],
    ),
]
