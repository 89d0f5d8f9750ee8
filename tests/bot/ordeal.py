"""The bot's commands under torture: a command is cancelled at one of its awaits, or one of its calls fails.

The calls are those to the database, each statement one, and those to Discord, each request one. What must hold
afterwards is looked at here: the person was answered kindly, nothing is half written, and the next command works.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from aiohttp import web
from discord import AppCommandType

from fuzz.fallible import connecting
from fuzz.torture import NEVER, Tormentor, held_locks
from harness.parts.database import free_slots, is_locked
from localdiscord.actions.answers import LOADING
from localdiscord.model.interaction import Callback
from reference.utils.reliability.rate_limiter import rate_limiter
from reference.work import drain
from tests.bot.settling import HANDLING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from localdiscord.model.interaction import Interaction
    from localdiscord.model.message import Message
    from tests.bot.conftest import Stage

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATIENCE = 30.0
"""Seconds for a command, on a machine that runs many tests at once."""

TECHNICAL = ("Traceback", "Exception", "sqlite", "Error:", "Error(", "disk is full", "Missing Access", "None")
"""What no person should read in an answer."""


class Judge:
    """Says which call fails; of no run at first."""

    def __init__(self) -> None:
        self.tormentor: Tormentor | None = None

    def error_of(self, name: str, make: Callable[[], BaseException]) -> BaseException | None:
        """Count a call of the run that is under way; return the error that it is to fail with, None for none."""
        return None if self.tormentor is None else self.tormentor.error_of(name, make)

    @contextlib.contextmanager
    def over_the_database(self) -> Iterator[None]:
        """Stand between SQLite and all connections that are opened in the body."""
        with mock.patch.object(sqlite3, "connect", connecting(self)):
            yield


@dataclass(frozen=True)
class Use:
    """How a command is used on its good path.

    Attributes:
        begin: has somebody use it.
        before: makes ready for it, undisturbed.
        act: the kind of the case that it makes of the member Carol; empty for none.
    """

    begin: Callable[[Ordeal], Interaction]
    before: Callable[[Ordeal], Awaitable[Any]] | None = None
    act: str = ""


@dataclass
class Ordeal:
    """The stage, and what stands between the bot and what it asks of database and Discord."""

    stage: Stage
    judge: Judge
    commands: frozenset[str] = frozenset()
    memory: dict[str, Any] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Stand between the bot, its commands and its requests."""
        self.bot: Any = self.stage.bot
        self.commands = names(self.bot)
        call = self.bot.tree._call

        async def tortured(interaction: Any) -> None:
            tormentor = self.judge.tormentor
            error = await (call(interaction) if tormentor is None else tormentor.over(call(interaction)))
            if tormentor is self.judge.tormentor:  # else it is one that began earlier
                self.ended.set()
            if error is not None:
                raise error

        self.bot.tree._call = tortured  # type: ignore[method-assign]  # the one place all commands come through
        self.stage.discord.faults._wait("torture", "*", "*", None, self._met)

    async def _met(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, or refuse it, or break its connection off."""
        name = f"{request.method} {request.path.removeprefix('/api/v10')}"
        if self.judge.error_of(name, ConnectionError) is None:
            return await handler(request)
        tormentor = self.judge.tormentor
        if tormentor is not None and tormentor.fail_at % 2 and request.transport is not None:
            request.transport.abort()
        return web.json_response({"message": "Missing Access", "code": 50001}, status=403)

    async def play(self, name: str, use: Use, tormentor: Tormentor) -> None:
        """Have a command used, disturbed; hold that everything is as it must be afterwards.

        Raises:
            AssertionError: it is not; the text says which command, what happened to it, and what does not hold.
        """
        rate_limiter.reset()
        if use.before is not None:
            await use.before(self)
            rate_limiter.reset()
            await self._settle()
        cases = await self._cases(use)
        self.judge.tormentor = tormentor
        try:
            interaction = await self._use(use, tormentor)
            self._was_answered(interaction, tormentor)
            await self._is_sound()
            await self._acted(use, cases)
        except AssertionError as failure:
            raise AssertionError(f"/{name}: {str(failure).splitlines()[0]} [after {tormentor}]") from failure

    async def _use(self, use: Use, tormentor: Tormentor) -> Interaction:
        """Have a command used, and wait for all that comes of it."""
        self.ended.clear()
        self.judge.tormentor = tormentor
        try:
            interaction = use.begin(self)
            try:
                await asyncio.wait_for(self.ended.wait(), PATIENCE)
            except TimeoutError:
                calls = ", ".join(tormentor.calls[-3:])
                raise AssertionError(f"it does not come to its end; its last calls: {calls}") from None
            if tormentor.cancel_at < NEVER:
                await handled()
                refill(self.bot)
                if not interaction.is_answered:
                    interaction.callback = {"type": Callback.DEFERRED_MESSAGE}  # nobody waits for it any more
            await self._settle()
        finally:
            self.judge.tormentor = None
        return interaction

    async def _settle(self) -> None:
        try:
            await self.stage.settled(PATIENCE)
            left = await drain(PATIENCE)
        except TimeoutError as late:
            raise AssertionError(f"it does not come to its end: {late}") from late
        assert not left, f"work is left over: {left}"

    def _was_answered(self, interaction: Interaction, tormentor: Tormentor) -> None:
        """Hold that the person reads something, and nothing that only a programmer understands."""
        words = " ".join(text_of(each) for each in (interaction.original, *interaction.followups) if each is not None)
        found = [word for word in TECHNICAL if word in words]
        assert not found, f"a person reads {found[0]!r}: {words!r}"
        failed = tormentor.calls[tormentor.fail_at - 1] if tormentor.fail_at <= len(tormentor.calls) else ""
        if tormentor.cancel_at < NEVER or failed.endswith("/callback"):
            return
        assert interaction.is_answered, "the person got no answer"
        original = interaction.original
        thinks = original is not None and original.flags & LOADING and not interaction.followups
        assert not thinks, "the bot thinks for ever"

    async def _is_sound(self) -> None:
        """Hold that nothing is held, lost or half changed, and that the next command works."""
        assert names(self.bot) == self.commands, f"commands are gone: {self.commands - names(self.bot)}"
        database = self.bot.database
        async with asyncio.timeout(PATIENCE):
            while database._connection_count:  # of what goes on beside commands  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0)
        free, size = await free_slots(database), database._get_pool_semaphore().size
        assert free == size, f"{free} of {size} slots are free"
        assert not await asyncio.to_thread(is_locked, Path(database.db_path)), "a transaction was left open"
        held = held_locks(self.bot, *self.bot.cogs.values(), *vars(self.bot).values())
        assert not held, f"{held[0]} is held"
        known = self.bot.guild_configs.known(self.stage.town.guild.id)
        kept = await self.bot.guild_configs.read(self.stage.town.guild.id)
        assert known is None or known == kept, f"the bot goes by settings that are not kept: {known} is not {kept}"
        thai = self.stage.thai
        answer = await thai.reply(thai.slash(self.stage.channels["general"], "ping"), PATIENCE)
        assert answer.content, "the next command was not answered"

    async def _cases(self, use: Use) -> int:
        """Return how many cases of a use's kind Carol has."""
        query = "SELECT COUNT(*) FROM mod_case WHERE target_id = ? AND action = ? AND number IS NOT NULL"
        values = (self.stage.town.members[0].id, use.act)
        count = await self.bot.database.read(lambda raw: raw.execute(query, values).fetchone()[0]) if use.act else 0
        return int(count)

    async def _acted(self, use: Use, before: int) -> None:
        """Hold that there is a case if Discord did it, and none if it did not, once the bot has looked."""
        if not use.act:
            return
        watch: Any = self.bot.get_cog("Watch")
        guild = self.bot.get_guild(self.stage.town.guild.id)
        await watch.recovery.reconcile(guild)
        await self._settle()
        assert not await watch.recovery._store.pending(guild.id), "a case is still pending"
        made, done = await self._cases(use) - before, DONE[use.act](self.stage)
        assert made == done, f"{made} cases of {use.act} were made, and Discord did {int(done)}"


def _member(stage: Stage) -> Any:
    return stage.town.guild.members.get(stage.town.members[0].id)


DONE: dict[str, Callable[[Stage], bool]] = {
    "timeout": lambda stage: _member(stage).timed_out_until is not None,
    "untimeout": lambda stage: _member(stage).timed_out_until is None,
    "kick": lambda stage: _member(stage) is None,
    "ban": lambda stage: stage.town.members[0].id in stage.town.guild.bans,
    "unban": lambda stage: stage.town.members[0].id not in stage.town.guild.bans,
}
"""Whether Discord did to Carol what a moderator decided."""


async def handled() -> None:
    """Wait until the bot has done what it does about a command that has ended."""
    while tasks := [task for task in asyncio.all_tasks() if task.get_name().startswith(HANDLING)]:
        await asyncio.wait(tasks, timeout=PATIENCE)


def refill(bot: Any) -> None:
    """Let requests through: where one was cancelled as it ended, discord.py lets the next wait for half a minute."""
    for bucket in bot.http._buckets.values():
        if bucket.remaining <= 0 and not bucket.outgoing and bucket.expires is None:
            bucket.reset()


def names(bot: Any) -> frozenset[str]:
    """Return the full names of all commands that the bot offers."""
    return frozenset(
        command.qualified_name
        for kind in AppCommandType
        for command in bot.tree.walk_commands(type=kind)
        if not hasattr(command, "commands")
    )


def text_of(message: Message) -> str:
    """Return what a person reads of a message."""
    embeds = [f"{each.get('title', '')} {each.get('description', '')}" for each in message.embeds]
    return " ".join([message.content or "", *embeds])
