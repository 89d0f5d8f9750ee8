"""The bot: one object, the same on the real Discord and on a local one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import secrets
import sys
from typing import TYPE_CHECKING, Any, cast

import discord
from discord import app_commands
from discord.ext import commands

from . import work
from .cogs import AREAS, FOLDER
from .ending import Ending
from .errors import Errors
from .guilds import Feature, GuildConfig, Guilds
from .limits import ALL, check_limits
from .listening import concerned, concerns
from .parts import BOT_PARTS, Running
from .privacy import Privacy
from .refusals import Refused
from .shards import Shards, close_half_made
from .texts import Texts, check_files
from .utils.database.database import Database
from .utils.fast_json import json_dumps_bytes
from .utils.localization import Language, add_locales, get_message, language_of
from .utils.media.media_rust import MediaProcessorWrapper
from .utils.monitoring.alerting import AlertManager
from .utils.monitoring.audit_log import AuditLogger
from .utils.monitoring.audit_store import AuditStore
from .utils.monitoring.feedback import feedback_collector
from .utils.monitoring.health_api import health_data
from .utils.monitoring.metrics import metrics
from .utils.monitoring.structured_logger import get_correlation_id, get_logger
from .utils.monitoring.token_tracker import token_tracker
from .utils.reliability.error_recovery import ServiceHealthMonitor
from .utils.reliability.memory_manager import MemoryMonitor
from .utils.reliability.rate_limiter import RateLimitConfig, rate_limiter
from .utils.reliability.shutdown_manager import ShutdownManager
from .utils.web.url_fetcher_client import URLFetcherClient
from .views import Persistent, stop_all

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    import aiohttp

    from .config import Settings
    from .utils.reliability.circuit_breaker import CircuitBreaker, CircuitState

__all__ = ["Bot", "build_bot"]

log = get_logger(__name__)

INTENTS = discord.Intents(
    guilds=True,
    members=True,
    moderation=True,
    messages=True,
    message_content=True,
    reactions=True,
    voice_states=True,
)
"""What the bot asks to be told; members and message content have to be granted on Discord's developer page."""

PROCESS = secrets.token_hex(4)
EVENTS = itertools.count(1)
"""Together an id for each event, of 16 hexadecimal digits: which process, and which of its events."""

LOCALES = FOLDER.parent / "locales"
GuildPlace = discord.Interaction | commands.Context["Bot"] | discord.Guild | None


class Tree(app_commands.CommandTree["Bot"]):
    """The slash commands."""

    async def interaction_check(self, interaction: discord.Interaction[Bot], /) -> bool:
        """Begin a command, and refuse it where it must not run.

        Raises:
            Refused: it must not; the answer says why.
        """
        command = interaction.command
        interaction.client.hold(asyncio.current_task())
        if interaction.type is discord.InteractionType.autocomplete:
            return not interaction.client.is_ending
        name = command.qualified_name if command else "unknown command"
        fields = {"user_id": interaction.user.id, "guild_id": interaction.guild_id}
        work.begin("command", name, lambda: interaction.command_failed, **fields)
        if command is not None:
            wrapped = getattr(command, "wrapped", command)
            await interaction.client.admit(wrapped.callback, getattr(command, "binding", None), name, interaction)
        return True

    async def on_error(self, interaction: discord.Interaction[Bot], error: app_commands.AppCommandError, /) -> None:
        """Answer an error of a slash command or a context menu."""
        interaction.command_failed = True
        name = interaction.command.qualified_name if interaction.command else "unknown command"
        await interaction.client.errors.handle(error, interaction, f"/{name}")


class Bot(commands.AutoShardedBot):
    """The bot.

    Attributes:
        settings: what the operator decided.
        database: everything the bot keeps.
        guild_configs: what guilds chose; `guild_config` reads it.
        errors: where errors end.
        persistent: components that outlive a restart; areas add theirs.
        privacy: what is kept about people; areas say what they keep.
        texts: names and descriptions of commands in other languages.
        audit: who did what, in a file that shows changes.
        alerts: messages to the operator.
        limiter: how often things may be done.
        fetcher: reads pages of the web, safely.
        media: shrinks and measures pictures.
        tokens: counts the tokens of language models.
        feedback: what people think of answers.
        ending: ends the bot in order; areas register what they have to do then.
        failed_areas: those that could not be loaded at the start.
        is_ending: whether it takes no new work, for it ends.
        is_resting: whether it takes work of its owner alone.
        is_restarting: whether it was ended to be started anew.
        services: the services that it leans on; areas register theirs, with a check.
        memory: has caches give memory back; areas register theirs.
        publish: shows what is true now on the health page.
    """

    def __init__(self, settings: Settings, *, shutdown: ShutdownManager | None = None, **options: Any) -> None:
        super().__init__(
            command_prefix=_prefixes,
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=True, replied_user=True),
            help_command=None,
            tree_cls=Tree,
            **options,
        )
        self.settings = settings
        self.database = Database()
        self.guild_configs = Guilds(self.database)
        self.privacy = Privacy(self.database)
        self.errors = Errors(self)
        self.persistent = Persistent(self)
        self.texts = Texts()
        self.audit = AuditLogger(AuditStore(settings.audit, settings.audit_anchor, _secret(settings.audit_key)))
        self.alerts = AlertManager(_secret(settings.alerts.webhook_url).decode(), settings.alerts.cooldown_seconds)
        self.limiter = rate_limiter
        self.limiter.add_config(ALL, RateLimitConfig(settings.limits.commands, settings.limits.command_seconds))
        self.fetcher = URLFetcherClient()
        self.media = MediaProcessorWrapper()
        self.tokens = token_tracker
        self.feedback = feedback_collector
        self.ending = Ending(self, shutdown or ShutdownManager(force_exit=False))
        self.is_restarting = False
        self.failed_areas: list[str] = []
        self.services = ServiceHealthMonitor()
        self.memory = MemoryMonitor()
        self.shards_health = Shards(self)
        self.publish: Callable[[], None] = _nothing
        self.parts = Running(BOT_PARTS, self)
        self.is_ending = False
        self.is_resting = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Task[None] | None = None
        self.add_check(_admit_text_command)

    # Start and end

    async def login(self, token: str) -> None:
        """Start what the bot leans on, and log in."""
        await self.parts.start()
        await super().login(token)

    async def setup_hook(self) -> None:
        """Load every area, and tell Discord the commands; the bot does without an area that cannot be loaded."""
        add_locales(LOCALES)
        await self.tree.set_translator(self.texts)
        for area in AREAS:  # an area may name what belongs to a later one
            with contextlib.suppress(ValueError, OSError):
                await self._load_texts(area)
        for area in AREAS:
            try:
                await self.load_area(area)
            except (commands.ExtensionError, ValueError, OSError) as error:
                self.failed_areas.append(area)
                health_data.service_health[f"area {area}"] = {"healthy": False, "error": type(error).__name__}
                await self.errors.handle(getattr(error, "original", error), None, f"loading {area}")
        await self.sync_commands()

    async def load_area(self, area: str) -> None:
        """Load an area: its texts, its commands and what it registers.

        Raises:
            commands.ExtensionError: it cannot be loaded.
            ValueError: its texts are broken.
            OSError: its texts are missing.
        """
        await self._load_texts(area)
        self.texts.add(FOLDER / area)
        await self.load_extension(f".cogs.{area}", package=__package__)

    async def _load_texts(self, area: str) -> None:
        await asyncio.to_thread(check_files, FOLDER / area)
        add_locales(FOLDER / area / "locales")

    async def sync_commands(self, *, force: bool = False) -> bool:
        """Tell Discord the commands where they changed; tell whether that was necessary.

        Args:
            force: tell them anyhow.
        """
        note = self.settings.data / "commands.sha256"
        known = f"{self.application_id} {self._fingerprint()}"
        when = "always" if force else self.settings.sync
        if when == "never" or (when == "changed" and await asyncio.to_thread(_read, note) == known):
            return False
        await self.tree.sync()
        await asyncio.to_thread(_write, note, known)
        return True

    def _fingerprint(self) -> str:
        commands = sorted(self.tree.get_commands(), key=lambda each: (type(each).__name__, each.name))
        payload = [command.to_dict(self.tree) for command in commands]
        return hashlib.sha256(json_dumps_bytes([payload, self.texts.tables], sort_keys=True)).hexdigest()

    async def connect(self, *, reconnect: bool = True) -> None:
        """Be connected to Discord until the bot is closed, or whoever waits for that gives up."""
        try:
            await super().connect(reconnect=reconnect)
        finally:
            await close_half_made(self._connection)

    async def close(self) -> None:
        """Leave Discord, and stop what the bot leaned on; all who call this wait for the same end."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(), name="close the bot")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self.is_ending = True
        try:
            await super().close()
            stop_all()
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await self.parts.stop()

    def end(self, why: str, *, restart: bool = False) -> None:
        """End in order, soon: the caller goes on and may finish what it does.

        Args:
            why: who asked for it.
            restart: whether to be started anew by whoever runs the bot.
        """
        if not self.ending.is_under_way:
            self.is_restarting = restart
            self.ending.begin(why, restart=restart)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Do something in the background, until the bot is closed at the latest; a failure is reported.

        Args:
            work: what to do.
            name: what it is called, in lower case words.
        """
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def hold(self, task: asyncio.Task[Any] | None) -> None:
        """Let a task in which an event or a command is handled go on until the bot is closed at the latest.

        Args:
            task: None outside of tasks.
        """
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.is_closed():
            self.spawn(self.errors.handle(error, None, task.get_name()), "report of a failure")

    # What happens

    def _may_hold_command(self, message: discord.Message) -> bool:
        """Count a message; tell whether a command may be in it, by what is in memory."""
        metrics.increment_messages("guild" if message.guild else "direct")
        health_data.increment_messages()
        if message.author.bot or self.is_ending:
            return False
        config = self.guild_configs.known(message.guild.id if message.guild else None)
        return config is None or message.content.startswith(tuple(_prefixes_of(config, self, message)))

    @concerns(_may_hold_command)
    async def on_message(self, message: discord.Message, /) -> None:
        """Run the command in a message."""
        await self.process_commands(message)

    async def invoke(self, ctx: commands.Context[Any], /) -> None:
        """Run a text command."""
        if ctx.command is not None:
            fields = {"user_id": ctx.author.id, "guild_id": ctx.guild.id if ctx.guild else None}
            work.begin("command", ctx.command.qualified_name, lambda: ctx.command_failed, **fields)
            await super().invoke(ctx)

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Tell listeners of an event that concerns them; all lines that they log for it share an id."""
        name = f"on_{event}"
        if not self.extra_events.get(name) and not hasattr(self, name):
            super().dispatch(event, *args, **kwargs)
            return
        known = get_correlation_id() or f"{PROCESS}{next(EVENTS) & 0xFFFFFFFF:08x}"
        with log.request(correlation_id=known, event=event):
            super().dispatch(event, *args, **kwargs)

    def _schedule_event(self, coro: Any, event_name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a listener of an event, where the event concerns it."""
        try:
            if concerned(coro, *args):
                task = super()._schedule_event(coro, event_name, *args, **kwargs)
                self.hold(task)
                return task
        except Exception as error:  # noqa: BLE001  it must not end the connection that told of the event
            self.spawn(self.errors.handle(error, None, event_name), f"report of {event_name}")
        return None

    async def on_command_error(self, ctx: commands.Context[Any], error: commands.CommandError, /) -> None:
        """Answer an error of a text command or a hybrid one."""
        ctx.command_failed = True
        name = ctx.command.qualified_name if ctx.command else "unknown command"
        await self.errors.handle(error, ctx, f"{'/' if ctx.interaction else ''}{name}")

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """Report an error in the handling of an event."""
        if (error := sys.exception()) is not None:
            await self.errors.handle(error, None, event_method)

    async def remove_cog(self, name: str, /, **options: Any) -> commands.Cog | None:
        """Remove a cog, and its persistent components."""
        self.persistent.remove(name)
        return await super().remove_cog(name, **options)

    # What may be done

    async def require_open(self, user: discord.abc.User) -> None:
        """Refuse new work while the bot ends, and while it rests to all but its owner.

        Raises:
            Refused: it does.
        """
        if self.is_ending:
            raise Refused("shutdown.soon")
        if self.is_resting and not await self.is_owner(cast("discord.User", user)):
            raise Refused("core.maintenance")

    async def require(self, guild_id: int | None, feature: Feature) -> GuildConfig:
        """Refuse what a guild switched off; return what the guild chose.

        Raises:
            Refused: the feature is off there.
        """
        config = await self.guild_config(guild_id)
        if not config.enabled(feature):
            raise Refused("core.feature_off", feature=feature)
        return config

    async def admit(
        self, callback: Any, cog: object, name: str, place: discord.Interaction | commands.Context[Any]
    ) -> None:
        """Refuse a command that must not run now: at the end, where its feature is off, or used too often.

        A cog that belongs to a feature says so: `feature = Feature.MUSIC` in its class.

        Raises:
            Refused: it must not; the answer says why.
        """
        user = place.author if isinstance(place, commands.Context) else place.user
        await self.require_open(user)
        guild_id = place.guild_id if isinstance(place, discord.Interaction) else getattr(place.guild, "id", None)
        feature = getattr(callback, "__feature__", None) or getattr(cog, "feature", None)
        if isinstance(feature, Feature):
            await self.require(guild_id, feature)
        channel_id = place.channel.id if place.channel else None
        await check_limits(self.limiter, name, callback, user_id=user.id, channel_id=channel_id, guild_id=guild_id)

    # What is said

    async def guild_config(self, guild_id: int | None) -> GuildConfig:
        """Return what a guild chose; the defaults for None, which stands for direct messages."""
        return await self.guild_configs.get(guild_id)

    async def language(self, place: GuildPlace) -> Language:
        """Return the language to answer in: the guild's where it chose one, otherwise the reader's.

        Args:
            place: where the answer goes.
        """
        guild = place if isinstance(place, discord.Guild) or place is None else place.guild
        if guild is not None and (chosen := (await self.guild_config(guild.id)).language) is not None:
            return chosen
        interaction = place.interaction if isinstance(place, commands.Context) else place
        if isinstance(interaction, discord.Interaction):
            return language_of(str(interaction.locale))
        return language_of(str(guild.preferred_locale) if guild is not None else None)

    async def text(self, place: GuildPlace, key: str, **values: Any) -> str:
        """Return a message in the language to answer in; see `get_message`."""
        return get_message(key, await self.language(place), **values)

    # What the operator hears of

    def alert(self, title: str, description: str, kind: str, severity: str = "warning") -> None:
        """Send the operator an alert, in the background and not too often; arguments as for `send_alert`."""
        if self.alerts.webhook_url and not self.is_closed():
            self.spawn(self.alerts.send_alert(title, description, kind, severity), f"alert {kind}")

    def watch(self, breaker: CircuitBreaker) -> None:
        """Show a circuit breaker on the health page, and alert the operator when it opens."""
        health_data.service_health[breaker.name] = _breaker_state(breaker)

        def changed(breaker: CircuitBreaker, _old: CircuitState, new: CircuitState) -> None:
            health_data.service_health[breaker.name] = _breaker_state(breaker)
            if new.value == "open":
                self.alert(f"{breaker.name} is left alone", "It failed too often in a row.", f"breaker:{breaker.name}")

        breaker.add_listener(changed)


def build_bot(
    settings: Settings,
    *,
    connector: aiohttp.BaseConnector | None = None,
    shutdown: ShutdownManager | None = None,
    **options: Any,
) -> Bot:
    """Make the bot; nothing is connected yet.

    Args:
        settings: what the operator decided.
        connector: brings its connections where they shall go; None for the internet.
        shutdown: ends the process in order, and the bot with it; one of the bot's own by default.
        **options: for `discord.Client`.
    """
    if settings.shards is not None:
        options.setdefault("shard_count", settings.shards)
    return Bot(settings, connector=connector, shutdown=shutdown, **options)


async def _prefixes(bot: Bot, message: discord.Message) -> list[str]:
    return _prefixes_of(await bot.guild_config(message.guild.id if message.guild else None), bot, message)


def _prefixes_of(config: GuildConfig, bot: Bot, message: discord.Message) -> list[str]:
    """Return what begins a text command: a mention of the bot, or the guild's prefix."""
    return commands.when_mentioned_or(config.prefix or bot.settings.prefix)(bot, message)


async def _admit_text_command(ctx: commands.Context[Bot]) -> bool:
    """Refuse a text command that must not run; a slash command passed the tree's check already."""
    if ctx.interaction is None and ctx.command is not None:
        await ctx.bot.admit(ctx.command.callback, ctx.cog, ctx.command.qualified_name, ctx)
    return True


def _nothing() -> None:
    """Publish nothing: the bot does not run yet."""


def _secret(secret: Any) -> bytes:
    return b"" if secret is None else str(secret.get_secret_value()).encode("utf-8")


def _breaker_state(breaker: CircuitBreaker) -> dict[str, Any]:
    return {"healthy": breaker.state.value != "open", **breaker.get_status()}


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
