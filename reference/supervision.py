"""Keeps the bot running: what belongs to the process, and a new bot wherever one ends without having been told to.

discord.py resumes and reconnects by itself. What it cannot go on from (a payload that it cannot read, a gateway that
closes for good) ends its client. Then a new bot is made, after pauses that grow and end; areas register their
persistent components and read their state at every start, so both come back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import discord

from .ending import GRACE_SECONDS
from .exit_codes import ExitCode
from .utils.database.migrations import MigrationError
from .utils.monitoring.health_api import HealthAPIServer
from .utils.monitoring.logger import setup_smart_logging
from .utils.monitoring.metrics import metrics
from .utils.monitoring.sentry_integration import capture_exception, init_sentry
from .utils.monitoring.structured_logger import get_logger
from .utils.reliability.error_recovery import BackoffState, RetryConfig
from .watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from .bot import Bot
    from .config import Settings
    from .terminal import Terminal
    from .utils.reliability.shutdown_manager import ShutdownManager

__all__ = ["PROCESS_PARTS", "Supervisor"]

log = get_logger(__name__)

DEVELOPERS = "https://discord.com/developers/applications"

SENTENCES = {
    ExitCode.TOKEN: (
        f"Discord does not know this token. Copy it anew from {DEVELOPERS}, your application, page Bot, Reset Token,"
        " and set it as DISCORD_TOKEN."
    ),
    ExitCode.INTENTS: (
        f"Discord does not grant the bot what it needs to hear. On {DEVELOPERS}, your application, page Bot, switch on"
        " Server Members Intent and Message Content Intent under Privileged Gateway Intents, and save."
    ),
    ExitCode.INCOMPLETE: "The database cannot be brought up to date; the log says why. Nothing in it was changed.",
}
"""What a person is told where a restart would change nothing."""


@asynccontextmanager
async def logs(settings: Settings, _terminal: Terminal) -> AsyncIterator[None]:
    """Write the log; all of it is on the disk at the end."""
    root = setup_smart_logging(settings.log_level, log_dir=settings.logs)
    for handler in root.handlers:  # the terminal is for the steps; the file has everything
        if settings.log_level == "INFO" and type(handler) is logging.StreamHandler:
            handler.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.flush()


@asynccontextmanager
async def sentry(settings: Settings, terminal: Terminal) -> AsyncIterator[None]:
    """Report errors to Sentry, where it is set up."""
    dsn = settings.sentry.dsn
    if dsn is not None:
        environment, rate = settings.sentry.environment, settings.sentry.sample_rate
        is_on = init_sentry(dsn.get_secret_value(), environment=environment, sample_rate=rate)
        (terminal.ok if is_on else terminal.warn)("Sentry", "errors are reported" if is_on else "it cannot be set up")
    yield


@asynccontextmanager
async def health_page(settings: Settings, terminal: Terminal) -> AsyncIterator[None]:
    """Serve the health page, in threads of its own; a port that is taken is no reason not to run."""
    if not settings.health.enabled:
        yield
        return
    if settings.health.token is not None:
        os.environ["HEALTH_API_TOKEN"] = settings.health.token.get_secret_value()
    server = HealthAPIServer(settings.health.host, settings.health.port)
    try:
        await asyncio.to_thread(server.start)
    except OSError as error:
        terminal.warn("health page", f"there is none: {error}; choose another port with BOT_HEALTH__PORT")
    else:
        terminal.ok("health page", f"{server.url}/health")
    try:
        yield
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def watchdog(settings: Settings, _terminal: Terminal) -> AsyncIterator[None]:
    """Notice when the event loop stands still."""
    loop = asyncio.get_running_loop()
    dog = Watchdog(loop, settings.watch.stuck_seconds, settings.watch.end_seconds).start()
    try:
        yield
    finally:
        dog.stop()


PROCESS_PARTS = (logs, sentry, health_page, watchdog)
"""The parts of the process, in the order in which they are started."""


class Supervisor:
    """Runs a bot until it is told to end.

    Args:
        settings: what the operator decided.
        make_bot: makes a bot, a new one for each start.
        token: the bot's.
        shutdown: ends the process in order.
        terminal: where people are told.

    Attributes:
        starts: how many bots were made.
    """

    def __init__(
        self, settings: Settings, make_bot: Callable[[], Bot], token: str, shutdown: ShutdownManager, terminal: Terminal
    ) -> None:
        self._settings = settings
        self._make_bot = make_bot
        self._token = token
        self._shutdown = shutdown
        self._terminal = terminal
        self._failures = BackoffState()
        self.starts = 0

    async def run(self) -> ExitCode:
        """Run until the bot was told to end, or cannot go on."""
        self._shutdown.timeout = self._settings.watch.drain_seconds + GRACE_SECONDS
        self._shutdown.setup_async_signal_handlers()
        async with AsyncExitStack() as stack:
            for part in PROCESS_PARTS:
                await stack.enter_async_context(part(self._settings, self._terminal))
            try:
                return await self._keep_running()
            finally:
                if self._shutdown.is_shutting_down:
                    self._terminal.note("end", str(await self._shutdown.wait_for_shutdown()))
                self._shutdown.restore_signal_handlers()

    async def _keep_running(self) -> ExitCode:
        while True:
            self.starts += 1
            begun = time.monotonic()
            bot = self._make_bot()
            outcome = await self._run_once(bot)
            if isinstance(outcome, ExitCode):
                return outcome
            if self._shutdown.is_shutting_down:
                return ExitCode.OK
            if outcome is None:
                continue
            if time.monotonic() - begun >= self._settings.watch.steady_seconds:
                self._failures.succeeded()
            code = await self._pause(outcome)
            if code is not None:
                return code

    async def _run_once(self, bot: Bot) -> ExitCode | Exception | None:
        """Run one bot to its end.

        Returns:
            The exit code where a restart would change nothing; what ended it; None where a restart was asked for.
        """
        bot.add_listener(self._welcome(bot), "on_ready")
        try:
            async with bot:
                await self._run_until_ended(bot)
        except discord.LoginFailure:
            return self._give_up(ExitCode.TOKEN)
        except discord.PrivilegedIntentsRequired:
            return self._give_up(ExitCode.INTENTS)
        except MigrationError as error:
            log.critical("the database cannot be brought up to date: %s", error)
            return self._give_up(ExitCode.INCOMPLETE)
        except Exception as error:  # noqa: BLE001  whatever it is, a new bot is made
            return error
        if bot.is_restarting:
            self._terminal.note("restart", "asked for by the owner")
            return None
        return ConnectionError("Discord closed the connection for good")

    async def _run_until_ended(self, bot: Bot) -> None:
        """Run a bot until it ends by itself, or the process is told to end, be the bot connected by then or not."""
        running = asyncio.create_task(bot.start(self._token), name="bot")
        ending = asyncio.create_task(self._shutdown.wait_for_shutdown(), name="end of the process")
        try:
            await asyncio.wait({running, ending}, return_when=asyncio.FIRST_COMPLETED)
            await bot.close()
        finally:
            ending.cancel()
            if not running.done():  # discord.py goes on trying to connect even when it is closed
                running.cancel()
            await asyncio.wait({running, ending})
        if not running.cancelled():
            await running

    def _give_up(self, code: ExitCode) -> ExitCode:
        self._terminal.fail("Discord" if code is not ExitCode.INCOMPLETE else "database", SENTENCES[code])
        return code

    async def _pause(self, error: Exception) -> ExitCode | None:
        """Report a failure and wait; return the exit code where there is no new start."""
        watch = self._settings.watch
        config = RetryConfig(base_delay=watch.first_pause, max_delay=max(watch.first_pause, watch.longest_pause))
        seconds = self._failures.failed(config, time.monotonic())
        count = self._failures.consecutive_failures
        log.error("the bot ended unexpectedly", failures=count, exc_info=error)
        metrics.increment_errors(error)
        capture_exception(error, tags={"place": "supervision"})
        if count > watch.restarts:
            self._terminal.fail("bot", f"it failed {count} times in a row: {type(error).__name__}; the log says more")
            return ExitCode.FAILED
        self._terminal.warn("bot", f"it ended: {type(error).__name__}: {error}; it starts anew in {seconds:.1f} s")
        try:
            async with asyncio.timeout(seconds):
                await self._shutdown.wait_for_shutdown()
        except TimeoutError:
            return None
        return ExitCode.OK

    def _welcome(self, bot: Bot) -> Callable[[], Coroutine[Any, Any, None]]:
        async def on_ready() -> None:
            bot.remove_listener(on_ready)
            if bot.user is not None:
                count = len(bot.guilds)
                where = f"in {count} server{'' if count == 1 else 's'}"
                self._terminal.ok(
                    "Discord", f"logged in as {bot.user}, {where}, {len(bot.tree.get_commands())} commands"
                )
                self._terminal.line("\nThe bot is ready. Ctrl+C ends it in order.")

        return on_ready
