"""What the bot leans on, in the order in which it is started; it is stopped in the reverse one.

Each part is a context manager: what stands before `yield` starts it, what stands after stops it. Those of `BOT_PARTS`
live as long as one bot; those of `reference.supervision` as long as the process, for they outlive a restart of the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import discord

from .shards import Shards
from .utils.database import database as database_module
from .utils.fast_json import json_dumps, json_loads
from .utils.monitoring.health_api import health_data
from .utils.monitoring.health_client import HealthAPIClient
from .utils.monitoring.metrics import metrics
from .utils.monitoring.sentry_integration import add_breadcrumb
from .utils.monitoring.structured_logger import PerformanceTimer, get_logger
from .utils.reliability.memory_manager import MemoryMonitor, MemoryUsage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from .bot import Bot
    from .utils.reliability.error_recovery import HealthState, ServiceHealth

__all__ = ["BOT_PARTS", "PUBLISH_SECONDS", "Running"]

log = get_logger(__name__)

PUBLISH_SECONDS = 5.0
"""How often the health page gets new readings."""

CHECK_SECONDS = 30.0
"""How often the services are asked how they are."""


class Running:
    """The parts of one bot.

    Args:
        parts: in the order in which they are started.
        bot: whose they are.
    """

    def __init__(self, parts: Sequence[Callable[[Bot], AbstractAsyncContextManager[None]]], bot: Bot) -> None:
        self._parts = parts
        self._bot = bot
        self._stack: AsyncExitStack | None = None

    @property
    def is_running(self) -> bool:
        """Whether they were started and not stopped since."""
        return self._stack is not None

    async def start(self) -> None:
        """Start all parts; those before one that fails are stopped again."""
        if self._stack is not None:
            return
        async with AsyncExitStack() as stack:
            for part in self._parts:
                with PerformanceTimer(f"start {part.__name__}"):
                    await stack.enter_async_context(part(self._bot))
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop all parts that run, the last one first; one that fails is logged and keeps no other from it."""
        stack, self._stack = self._stack, None
        if stack is None:
            return
        try:
            await stack.aclose()
        except Exception:
            log.exception("a part could not be stopped")


@asynccontextmanager
async def json(_bot: Bot) -> AsyncIterator[None]:
    """Have discord.py write and read JSON by the bot's own means, which take a lone surrogate, too."""
    discord.utils._to_json = json_dumps  # noqa: SLF001  discord.py offers no other way
    discord.utils._from_json = json_loads  # noqa: SLF001
    yield


@asynccontextmanager
async def database(bot: Bot) -> AsyncIterator[None]:
    """Bring the database up to date; write what is due and close it at the end."""
    bot.database.db_path = str(bot.settings.database)
    exports, database_module.EXPORT_DIR = database_module.EXPORT_DIR, bot.settings.exports
    try:
        database_module.init_database()
        await bot.database.init_schema()
        yield
    finally:
        if not await bot.database.close_pool():
            log.warning("the database could not be closed in time")
        database_module.EXPORT_DIR = exports


@asynccontextmanager
async def memory(bot: Bot) -> AsyncIterator[None]:
    """Have caches give memory back when it gets tight."""

    def tell(usage: MemoryUsage) -> None:
        health_data.service_health["memory"] = {"healthy": not usage.level, "level": usage.level.name.lower()}
        add_breadcrumb(f"memory is {usage.level.name.lower()}", used_mib=round(usage.used))

    bot.memory = MemoryMonitor(on_level=tell)
    bot.memory.register("guild settings", bot.guild_configs.cache)
    async with _background(bot.memory.run(), "memory monitor"):
        yield


@asynccontextmanager
async def services(bot: Bot) -> AsyncIterator[None]:
    """Ask the services that the bot leans on how they are."""

    def changed(service: ServiceHealth, _before: HealthState) -> None:
        told = {"status": service.state.value, "error": service.last_error}
        health_data.service_health[service.name] = {"healthy": service.state.value == "healthy", **told}
        if service.state.value == "unhealthy":
            loop.call_soon_threadsafe(bot.alert, f"{service.name} is down", service.last_error, f"down:{service.name}")

    loop = asyncio.get_running_loop()
    bot.services.on_change = changed
    bot.services.register("database", bot.database.health_check)
    async with _background(bot.services.run(CHECK_SECONDS), "service checks"):
        yield


@asynccontextmanager
async def shards(bot: Bot) -> AsyncIterator[None]:
    """Follow the connection of each shard."""
    bot.shards_health = Shards(bot)
    with bot.shards_health.listening():
        yield


@asynccontextmanager
async def health(bot: Bot) -> AsyncIterator[None]:
    """Publish the bot's health, and push it to the side service where there is one."""
    url, token = bot.settings.health.service_url, bot.settings.health.token
    client = None
    async with AsyncExitStack() as stack:
        if url is not None:
            secret = token.get_secret_value() if token else ""
            client = await stack.enter_async_context(HealthAPIClient(url, token=secret, interval=PUBLISH_SECONDS))
        bot.publish = functools.partial(_publish, bot, client)
        await stack.enter_async_context(_background(_keep_publishing(bot), "health"))
        try:
            yield
        finally:
            bot.publish()


@asynccontextmanager
async def alerts(bot: Bot) -> AsyncIterator[None]:
    """Close the sessions of the alerts at the end."""
    try:
        yield
    finally:
        await bot.alerts.close()


@asynccontextmanager
async def fetcher(bot: Bot) -> AsyncIterator[None]:
    """Refuse further fetches at the end."""
    try:
        yield
    finally:
        await bot.fetcher.close()


@asynccontextmanager
async def ending(bot: Bot) -> AsyncIterator[None]:
    """Let the end of the process be the bot's."""
    bot.ending.register()
    try:
        yield
    finally:
        bot.ending.unregister()


BOT_PARTS = (json, database, alerts, fetcher, memory, services, shards, health, ending)
"""The parts of a bot, in the order in which they are started."""


@asynccontextmanager
async def _background(work: Any, name: str) -> AsyncIterator[None]:
    """Do something while the body runs."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep_publishing(bot: Bot) -> None:
    while True:
        bot.publish()
        await asyncio.sleep(PUBLISH_SECONDS)


def _publish(bot: Bot, client: HealthAPIClient | None) -> None:
    """Publish what is true of the bot now."""
    bot.shards_health.publish()
    health_data.update_from_bot(bot)
    facts = health_data.to_dict()
    figures = {
        "guilds": facts["bot"]["guilds"],
        "users": facts["bot"]["users"],
        "voice_connections": facts["bot"]["voice_connections"],
        "latency_seconds": (facts["bot"]["latency_ms"] or 0.0) / 1000,
    }
    for name, value in figures.items():
        metrics.set(name, value)
    if client is not None:
        for name, value in figures.items():
            client.set_gauge(f"bot_{name}", value)
        client.report(facts)
