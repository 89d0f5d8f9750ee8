"""The bot is kept running: a new one after a failure, none where that would change nothing, the end on request."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest
from discord.gateway import DiscordWebSocket, KeepAliveHandler

from localdiscord.intents import Intents
from reference.bot import Bot, build_bot
from reference.config import HealthSettings, LimitSettings, SentrySettings, Settings, WatchSettings
from reference.exit_codes import ExitCode
from reference.supervision import Supervisor
from reference.terminal import Terminal
from reference.utils.database.database import Database
from reference.utils.database.migrations import MigrationError
from reference.utils.monitoring.health_api import health_data
from reference.utils.reliability.shutdown_manager import ShutdownManager
from reference.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from localdiscord import LocalDiscord

QUICK = WatchSettings(first_pause=0.0, longest_pause=0.0, restarts=2, drain_seconds=2.0)


class Said(io.StringIO):
    """What was said on the terminal."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self._more = asyncio.Event()

    def write(self, text: str, /) -> int:
        """Write, and wake who waits for it."""
        self._more.set()
        return super().write(text)

    async def until(self, text: str) -> None:
        """Wait until something was said."""
        async with asyncio.timeout(10):
            while text not in self.getvalue():
                self._more.clear()
                await self._more.wait()


class Run:
    """A supervisor that runs on a local Discord.

    Args:
        discord: the local Discord.
        settings: of the bot.
        make_bot: makes a bot; None for the usual one.
        token: of the bot; None for the right one.
    """

    def __init__(
        self,
        discord: LocalDiscord,
        settings: Settings,
        make_bot: Callable[[], Bot] | None = None,
        token: str | None = None,
    ) -> None:
        """Begin to run."""
        self.discord = discord
        self.settings = settings
        self.bots: list[Bot] = []
        self.ready: asyncio.Queue[Bot] = asyncio.Queue()
        self.shutdown = ShutdownManager(force_exit=False)
        self.said = Said()
        token = discord.town.application.token if token is None else token
        maker = make_bot or self.make_bot
        self.supervisor = Supervisor(settings, maker, token, self.shutdown, Terminal(self.said))
        self.task = asyncio.create_task(self.supervisor.run())

    def make_bot(self) -> Bot:
        """Make a bot that tells when it is ready."""
        bot = build_bot(
            self.settings, connector=self.discord.connector(), shutdown=self.shutdown, guild_ready_timeout=0
        )

        async def on_ready() -> None:
            self.ready.put_nowait(bot)

        bot.add_listener(on_ready)
        self.bots.append(bot)
        return bot

    async def next_bot(self) -> Bot:
        """Wait for the next bot that is ready."""
        return await asyncio.wait_for(self.ready.get(), 10)

    async def end(self) -> ExitCode:
        """Tell it to end, and return the exit code."""
        await self.shutdown.shutdown("a test")
        return await asyncio.wait_for(self.task, 10)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a bot that starts anew without a pause."""
    health = HealthSettings(port=0)
    return Settings(data=tmp_path / "data", watch=QUICK, health=health, limits=LimitSettings(commands=1000))


@pytest.fixture(autouse=True)
def own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a database of its own."""
    monkeypatch.setattr(Database, "_instance", None)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Take down what a test set up of logging."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
async def run(discord: LocalDiscord, settings: Settings) -> AsyncIterator[Run]:
    """A supervisor with a bot that is ready."""
    run = Run(discord, settings)
    await run.next_bot()
    yield run
    if not run.task.done():
        assert await run.end() is ExitCode.OK


async def test_it_ends_when_it_is_told_to(run: Run) -> None:
    """A request for the end closes the bot in order; the exit code says that all went well."""
    assert await run.end() is ExitCode.OK
    assert run.bots[0].is_closed()
    assert "logged in as Reference" in run.said.getvalue()
    assert "shutdown (a test): ran: finish commands" in run.said.getvalue()


async def test_a_poisoned_payload_ends_one_bot_and_another_goes_on(run: Run) -> None:
    """An event that discord.py cannot read ends its client; a new bot comes, with everything that was kept."""
    guild_id = run.discord.town.guild.id
    await run.bots[0].guild_configs.save(guild_id, prefix="?")
    run.discord.faults.poison()
    again = await run.next_bot()
    assert again is not run.bots[0]
    assert run.bots[0].is_closed()
    assert run.supervisor.starts == 2
    assert (await again.guild_config(guild_id)).prefix == "?"
    assert "it starts anew in 0.0 s" in run.said.getvalue()
    owner, general = run.discord.person(run.discord.town.owner), run.discord.town.channels["general"]
    assert (await owner.reply(owner.slash(general, "ping"))).content.startswith("Pong")


async def test_a_close_code_that_ends_the_client_is_survived(run: Run) -> None:
    """Where the gateway closes in a way that discord.py does not go on from, a new bot does."""
    run.discord.faults.close(4010)
    assert await run.next_bot() is not run.bots[0]


async def test_a_lost_connection_is_resumed_by_the_same_bot(run: Run) -> None:
    """What discord.py can go on from is left to it."""
    resumed = asyncio.Event()

    async def on_shard_resumed(_shard_id: int) -> None:
        resumed.set()

    run.bots[0].add_listener(on_shard_resumed)
    run.discord.faults.drop()
    await asyncio.wait_for(resumed.wait(), 10)
    assert run.supervisor.starts == 1


async def test_a_bot_that_is_given_up_while_it_connects_leaves_no_heartbeat(
    discord: LocalDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is just being made goes with the bot, and so does the thread that keeps it alive."""
    connecting = asyncio.Event()

    async def go_nowhere(_websocket: DiscordWebSocket) -> None:
        connecting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(DiscordWebSocket, "identify", go_nowhere)
    bot = build_bot(settings, connector=discord.connector())
    async with bot:
        start = asyncio.create_task(bot.start(discord.town.application.token))
        await asyncio.wait_for(connecting.wait(), 10)
        start.cancel()
        await asyncio.wait({start})
    beating = [thread for thread in threading.enumerate() if isinstance(thread, KeepAliveHandler)]
    for thread in beating:
        await asyncio.to_thread(thread.join, 5)
    assert not any(thread.is_alive() for thread in beating)


async def test_a_restart_that_was_asked_for_is_no_failure(run: Run) -> None:
    """`/admin restart` ends the bot in order, and a new one comes at once."""
    run.bots[0].end("a test", restart=True)
    assert await run.next_bot() is not run.bots[0]
    assert "restart        asked for by the owner" in run.said.getvalue()
    assert "starts anew in" not in run.said.getvalue()


async def test_an_end_that_the_owner_asked_for_ends_the_process(run: Run) -> None:
    """`/admin shutdown` is the end."""
    run.bots[0].end("a test")
    assert await asyncio.wait_for(run.task, 10) is ExitCode.OK


async def test_a_token_that_discord_does_not_know_is_told(discord: LocalDiscord, settings: Settings) -> None:
    """A wrong token is said in a sentence, and not tried again."""
    run = Run(discord, settings, token="wrong")
    assert await asyncio.wait_for(run.task, 10) is ExitCode.TOKEN
    assert "Discord does not know this token." in run.said.getvalue()
    assert run.supervisor.starts == 1


async def test_intents_that_are_not_granted_are_told(discord: LocalDiscord, settings: Settings) -> None:
    """Where privileged intents are missing, a sentence says where to switch them on."""
    discord.town.application.granted = Intents(0)
    run = Run(discord, settings)
    assert await asyncio.wait_for(run.task, 10) is ExitCode.INTENTS
    assert "Server Members Intent and Message Content Intent" in run.said.getvalue()


async def test_it_gives_up_after_failures_in_a_row(
    discord: LocalDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bot that cannot even begin is tried as often as is set, then the program fails."""

    def fail() -> Bot:
        bot = build_bot(settings, connector=discord.connector())

        async def login(_token: str) -> None:
            raise ConnectionResetError("out of reach")

        monkeypatch.setattr(bot, "login", login)
        return bot

    run = Run(discord, settings, fail)
    assert await asyncio.wait_for(run.task, 10) is ExitCode.FAILED
    assert run.supervisor.starts == 3
    assert "it failed 3 times in a row: ConnectionResetError" in run.said.getvalue()


async def test_failures_are_forgotten_after_a_steady_time(discord: LocalDiscord, settings: Settings) -> None:
    """Failures far apart are no failures in a row."""
    watch = QUICK.model_copy(update={"restarts": 1, "steady_seconds": 1e-9})
    run = Run(discord, settings.model_copy(update={"watch": watch}))
    for _ in range(3):
        await run.next_bot()
        run.discord.faults.poison()
    await run.next_bot()
    assert await run.end() is ExitCode.OK


async def test_it_ends_during_a_pause(discord: LocalDiscord, settings: Settings) -> None:
    """A request for the end is heard while it waits for the next start."""
    watch = QUICK.model_copy(update={"first_pause": 600.0, "longest_pause": 600.0})
    run = Run(discord, settings.model_copy(update={"watch": watch}))
    await run.next_bot()
    run.discord.faults.poison()
    await run.said.until("it starts anew")
    assert await run.end() is ExitCode.OK


async def test_it_ends_while_it_cannot_connect(
    discord: LocalDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request for the end is heard while discord.py goes on trying to reach the gateway."""
    discord.faults.refuse_connections(1000)
    asked = asyncio.Event()
    refuses = discord.faults.refuses_connection

    def note() -> bool:
        asked.set()
        return refuses()

    monkeypatch.setattr(discord.faults, "refuses_connection", note)
    run = Run(discord, settings)
    await asyncio.wait_for(asked.wait(), 10)
    assert await run.end() is ExitCode.OK
    assert run.bots[0].is_closed()


async def test_an_area_that_cannot_be_loaded_leaves_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot does without a broken area: it is reported, shown on the health page, and the rest answers."""
    monkeypatch.setattr("reference.bot.AREAS", ("admin", "nothing"))
    run.bots[0].end("a test", restart=True)
    bot = await run.next_bot()
    assert bot.failed_areas == ["nothing"]
    assert not health_data.service_health["area nothing"]["healthy"]
    (incident,) = await bot.errors.incidents.recent()
    assert incident.place == "loading nothing"
    owner, general = run.discord.person(run.discord.town.owner), run.discord.town.channels["general"]
    assert (await owner.reply(owner.slash(general, "ping"))).content.startswith("Pong")
    del health_data.service_health["area nothing"]


async def test_a_database_that_cannot_be_brought_up_to_date_is_told(
    discord: LocalDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that fails is no reason for another try."""

    async def fail(_self: Database) -> None:
        raise MigrationError("014 does not apply")

    monkeypatch.setattr(Database, "init_schema", fail)
    run = Run(discord, settings)
    assert await asyncio.wait_for(run.task, 10) is ExitCode.INCOMPLETE
    assert "The database cannot be brought up to date" in run.said.getvalue()


async def test_the_health_page_serves_the_running_bot(run: Run) -> None:
    """The page of the process answers with what the bot published, from a thread of its own."""
    url = next(word for word in run.said.getvalue().split() if word.startswith("http"))
    run.bots[0].publish()
    host, port = url.removeprefix("http://").removesuffix("/health").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /health/json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 200")
    facts = json.loads(body)
    assert facts["ready"]
    assert facts["services"]["shard 0"]["healthy"]


async def test_a_port_that_is_taken_leaves_the_bot_without_a_health_page(
    discord: LocalDiscord, settings: Settings
) -> None:
    """The bot runs all the same, and says which setting to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        health = HealthSettings(port=taken.getsockname()[1])
        run = Run(discord, settings.model_copy(update={"health": health}))
        await run.next_bot()
        assert await run.end() is ExitCode.OK
    assert "choose another port with BOT_HEALTH__PORT" in run.said.getvalue()


async def test_the_health_page_and_sentry_can_be_off_or_wrong(
    discord: LocalDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a health page none is told of; a DSN that is none is a warning."""
    changed = {
        "health": HealthSettings(enabled=False),
        "sentry": SentrySettings.model_validate({"dsn": "no dsn"}),
    }
    run = Run(discord, settings.model_copy(update=changed))
    await run.next_bot()
    assert await run.end() is ExitCode.OK
    assert "health page" not in run.said.getvalue()
    assert "it cannot be set up" in run.said.getvalue()


async def test_logs_are_lines_of_json_with_the_id_of_their_work(run: Run) -> None:
    """The log of the process holds what the bot logged, each line with the id of its event."""
    assert await run.end() is ExitCode.OK
    text = await asyncio.to_thread((run.settings.logs / "bot.jsonl").read_text, encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    (ready,) = [line for line in lines if line["message"] == "shard 0: ready"]
    assert ready["event"] == "shard_ready"
    assert len(ready["correlation_id"]) == 16


class Blocked:
    """An event loop in a thread, that a test blocks.

    Attributes:
        loop: the loop.
        go_on: lets it go on.
    """

    def __init__(self) -> None:
        """Run the loop."""
        self.loop = asyncio.new_event_loop()
        self.go_on = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def block(self) -> None:
        """Block the loop until `go_on`."""
        self.loop.call_soon_threadsafe(self.go_on.wait, 10)

    def __enter__(self) -> Self:
        """Start."""
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the loop."""
        self.go_on.set()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def until(look: Callable[[], Any]) -> None:
    """Wait for something that another thread does."""
    waiting = threading.Event()
    for _ in range(1000):
        if look():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not happen")


def test_a_blocked_loop_is_reported_with_its_place_and_when_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """The log says for how long the loop has been standing and where, then that it turns again; the health page too."""
    with Blocked() as blocked:
        dog = Watchdog(blocked.loop, 0.05)
        dog._watched = blocked.thread.ident or 0
        dog.start()
        blocked.block()
        until(lambda: not health_data.service_health.get("event loop", {"healthy": True})["healthy"])
        assert "the event loop has been blocked for" in caplog.text
        blocked.go_on.set()
        until(lambda: health_data.service_health["event loop"]["healthy"])
        dog.stop()
    assert "the event loop turns again" in caplog.text
    del health_data.service_health["event loop"]


def test_a_loop_that_stays_blocked_ends_the_process() -> None:
    """After the time that is set the process ends, so that whatever runs it can start it anew."""
    ended = threading.Event()
    with Blocked() as blocked:
        dog = Watchdog(blocked.loop, 0.02, 0.1, ended.set).start()
        blocked.block()
        assert ended.wait(10)
        dog.stop()
    health_data.service_health.pop("event loop", None)


def test_a_watchdog_of_a_closed_loop_goes_home() -> None:
    """Where the loop is closed there is nothing to watch."""
    loop = asyncio.new_event_loop()
    loop.close()
    dog = Watchdog(loop, 0.01).start()
    dog._thread.join(10)
    assert not dog._thread.is_alive()
