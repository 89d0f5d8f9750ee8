"""The bot as a whole: its parts start and stop in order, everything in `utils` does its part, its end is orderly."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import pytest
from aiohttp import web
from discord import ui
from discord.ext import commands

from harness.project import HOME
from reference import work
from reference.bot import Bot, build_bot
from reference.commands import hybrid_command
from reference.config import Settings
from reference.limits import check_limits, limited
from reference.listening import concerns
from reference.parts import Running
from reference.refusals import Refused
from reference.services import health as side_service
from reference.utils.database.database import Database
from reference.utils.monitoring.alerting import AlertManager
from reference.utils.monitoring.health_api import health_data
from reference.utils.monitoring.metrics import metrics
from reference.utils.monitoring.performance_tracker import perf_tracker
from reference.utils.monitoring.structured_logger import get_correlation_id, get_logger
from reference.utils.reliability.circuit_breaker import CircuitBreaker
from reference.utils.reliability.rate_limiter import RateLimiter
from reference.utils.reliability.shutdown_manager import ShutdownManager
from reference.views import Handled, View
from tests.bot.conftest import running

if TYPE_CHECKING:
    import re
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.bot.conftest import Stage

Context = commands.Context["Bot"]

LOADED = """
import asyncio, sys
from pathlib import Path
import reference.__main__, reference.supervision, reference.instance
from reference.bot import build_bot
from reference.cogs import AREAS
from reference.config import Settings

async def load():
    async with build_bot(Settings(data=Path(sys.argv[1]))) as bot:
        await bot.parts.start()
        for area in AREAS:
            await bot.load_area(area)

asyncio.run(load())
print(*(name for name in sys.modules if name.startswith("reference.utils")), sep="\\n")
print("localdiscord" in sys.modules)
"""


def test_everything_in_utils_is_used_and_the_local_discord_is_not(tmp_path: Path) -> None:
    """A bot with its areas has loaded every audited module, and nothing of the local Discord."""
    command = [sys.executable, "-c", LOADED, str(tmp_path)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=True)
    *loaded, local = done.stdout.splitlines()
    root = HOME / "reference" / "utils"
    files = [file for file in root.rglob("*.py") if file.name != "__init__.py"]
    names = {".".join(("reference.utils", *file.relative_to(root).with_suffix("").parts)) for file in files}
    used_late = {"reference.utils.media.ytdl_network"}  # imports yt-dlp, when something is played
    assert names - set(loaded) - used_late == set()
    assert local == "False"


class Work(commands.Cog):
    """Commands that take as long as a test wants."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ids: list[str | None] = []

    @hybrid_command()
    async def slow(self, ctx: Context) -> None:
        """Take a while."""
        self.ids.append(get_correlation_id())
        self.begun.set()
        await self.go_on.wait()
        await ctx.send("Done.")

    @hybrid_command()
    async def quick(self, ctx: Context) -> None:
        """Be done at once."""
        self.ids.append(get_correlation_id())
        await asyncio.create_task(self._inner())
        await ctx.send("Done.")

    async def _inner(self) -> None:
        self.ids.append(get_correlation_id())


@pytest.fixture
async def busy(stage: Stage) -> tuple[Stage, Work]:
    """A bot with commands that take as long as a test wants."""
    cog = Work()
    await stage.bot.add_cog(cog)
    await stage.bot.sync_commands(force=True)
    return stage, cog


async def test_a_command_is_counted_measured_and_logged_under_one_id(busy: tuple[Stage, Work]) -> None:
    """Each use has an id of its own, which what it starts shares; metrics and health count it."""
    stage, cog = busy
    before = health_data.counters()
    for _ in range(2):
        await stage.member.reply(stage.member.slash(stage.channels["general"], "quick"))
    await stage.settled()
    first, inner, second, _ = cog.ids
    assert first
    assert first == inner != second
    assert health_data.counters()["commands"] == before["commands"] + 2
    assert b'bot_command_seconds_count{command="quick"}' in metrics.exposition()
    assert perf_tracker.get_stats("command quick")["count"] >= 2


async def test_messages_are_counted(stage: Stage) -> None:
    """Each message that the bot hears is counted."""
    before = health_data.counters()["messages"]
    stage.member.say(stage.channels["general"], "Hello")
    await stage.settled()
    assert health_data.counters()["messages"] == before + 1


async def test_the_end_waits_for_commands_that_run(busy: tuple[Stage, Work]) -> None:
    """A command that runs when the bot is told to end is finished and answered before the connection closes."""
    stage, cog = busy
    asked = stage.member.slash(stage.channels["general"], "slow")
    await cog.begun.wait()
    assert work.handlers()
    stage.bot.end("a test")
    assert stage.bot.is_ending
    await asyncio.sleep(0)
    cog.go_on.set()
    assert (await stage.member.reply(asked)).content == "Done."
    report = await stage.bot.ending._manager.wait_for_shutdown()
    assert report.ok
    assert [outcome.name for outcome in report.outcomes] == [
        "finish commands",
        "finish areas",
        "write what is due",
        "leave Discord",
    ]
    assert stage.bot.is_closed()


async def test_the_end_does_not_wait_for_ever(busy: tuple[Stage, Work]) -> None:
    """A handler that does not end is named, and waited for no longer than allowed."""
    _, cog = busy
    stage, _ = busy
    stage.member.slash(stage.channels["general"], "slow")
    await cog.begun.wait()
    assert await work.drain(0.01) == ["CommandTree-invoker"]
    cog.go_on.set()
    assert await work.drain(5) == []


@pytest.mark.parametrize("use", ["slow", "!slow"])
async def test_no_command_outlives_the_bot(busy: tuple[Stage, Work], use: str) -> None:
    """A bot that is closed at once ends the command that runs, before what the command leans on is stopped."""
    stage, cog = busy
    general = stage.channels["general"]
    stage.member.say(general, use) if use.startswith("!") else stage.member.slash(general, use)
    await cog.begun.wait()
    await stage.bot.close()
    assert work.handlers() == []


async def test_areas_finish_before_voice_is_left(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """What areas have to do at the end is done while the bot is connected; a failure keeps nobody from the end."""
    seen: list[bool] = []

    async def finish() -> None:
        seen.append(stage.bot.is_closed())

    async def fail() -> None:
        raise OSError("no room")

    stage.bot.ending.before_leaving("a", finish)
    stage.bot.ending.before_leaving("b", fail)
    stage.bot.end("a test", restart=True)
    stage.bot.end("again")
    assert stage.bot.ending.is_under_way
    assert stage.bot.ending._under_way is not None
    report: Any = await stage.bot.ending._under_way
    assert report.ok
    assert seen == [False]
    assert stage.bot.is_closed()
    assert stage.bot.is_restarting
    assert "something was not finished at the end" in caplog.text


async def test_parts_stop_in_reverse_and_a_failure_stops_those_before() -> None:
    """Parts are stopped the last one first; where one cannot start, those before it are stopped again."""
    steps: list[str] = []

    def part(name: str, *, fails: bool = False) -> Any:
        @asynccontextmanager
        async def context(_bot: Any) -> AsyncIterator[None]:
            if fails:
                raise OSError(name)
            steps.append(f"start {name}")
            try:
                yield
            finally:
                steps.append(f"stop {name}")

        return context

    parts = Running((part("a"), part("b")), object())  # type: ignore[arg-type]
    await parts.start()
    await parts.start()
    assert parts.is_running
    await parts.stop()
    await parts.stop()
    assert steps == ["start a", "start b", "stop b", "stop a"]
    steps.clear()
    with pytest.raises(OSError, match="c"):
        await Running((part("a"), part("c", fails=True)), object()).start()  # type: ignore[arg-type]
    assert steps == ["start a", "stop a"]


async def test_a_part_that_cannot_stop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The end goes on where a part fails at it."""

    @asynccontextmanager
    async def broken(_bot: Any) -> AsyncIterator[None]:
        yield
        raise OSError("stuck")

    parts = Running((broken,), object())  # type: ignore[arg-type]
    await parts.start()
    await parts.stop()
    assert "a part could not be stopped" in caplog.text


async def test_the_health_page_knows_bot_shards_and_services(stage: Stage) -> None:
    """What is published says that the bot is ready, how each shard is, and that the database answers."""
    stage.bot.publish()
    facts = health_data.to_dict()
    assert facts["ready"]
    assert facts["bot"]["guilds"] == 1
    assert facts["services"]["shard 0"]["healthy"]
    assert facts["services"]["database"]["healthy"]
    (state,) = stage.bot.shards_health.states()
    assert (state.id, state.is_up, state.guilds) == (0, True, 1)


async def test_a_lost_shard_is_counted_and_alerted_of(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is lost counts; where it stays away the operator is alerted, where it comes back not."""
    alerts: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr(stage.bot, "alert", lambda title, *_: alerts.put_nowait(title))
    shards = stage.bot.shards_health
    shards._happened("shard_disconnect", 0)
    timer = shards._down[0]
    shards._happened("shard_resumed", 0)
    assert timer.cancelled()
    shards._alert_after = 0.0
    shards._happened("shard_disconnect", 0)
    told = await asyncio.wait_for(alerts.get(), 5)
    assert told == "shard 0 is down"
    (state,) = shards.states()
    assert (state.disconnects, state.resumes) == (2, 1)


async def test_a_breaker_shows_on_the_health_page_and_alerts_when_it_opens(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator hears of a service that is left alone."""
    alerts: list[str] = []
    monkeypatch.setattr(stage.bot, "alert", lambda title, *_: alerts.append(title))
    breaker = CircuitBreaker("weather", failure_threshold=1)
    stage.bot.watch(breaker)
    assert health_data.service_health["weather"]["healthy"]
    breaker.trip()
    assert not health_data.service_health["weather"]["healthy"]
    breaker.reset()
    assert health_data.service_health["weather"]["healthy"]
    assert alerts == ["weather is left alone"]
    del health_data.service_health["weather"]


async def test_a_service_that_is_down_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that fails its checks is shown, and alerted of."""
    alerts: list[str] = []
    monkeypatch.setattr(stage.bot, "alert", lambda title, *_: alerts.append(title))

    async def fails() -> bool:
        return False

    stage.bot.services.register("oracle", fails)
    for _ in range(3):
        await stage.bot.services.check("oracle")
    await asyncio.sleep(0)
    assert not health_data.service_health["oracle"]["healthy"]
    assert alerts == ["oracle is down"]
    del health_data.service_health["oracle"]


async def test_memory_that_is_tight_empties_the_caches(stage: Stage) -> None:
    """When memory is critical, what guilds chose is read anew."""
    await stage.bot.guild_config(stage.town.guild.id)
    stage.bot.memory.read = lambda: 2**40
    assert stage.bot.memory.check().freed
    assert len(stage.bot.guild_configs.cache) == 0
    assert not health_data.service_health["memory"]["healthy"]
    stage.bot.memory.read = lambda: 1
    stage.bot.memory.check()
    del health_data.service_health["memory"]


async def test_json_of_discord_takes_what_utf_8_cannot(stage: Stage) -> None:
    """A lone surrogate in a message does not break the bot's answer."""
    lone = "\ud83d"
    assert "\\ud83d" in discord.utils._to_json({"content": lone})
    assert discord.utils._from_json('{"a": 1}') == {"a": 1}


async def test_commands_are_told_to_discord_only_when_they_changed(stage: Stage) -> None:
    """A second start with the same commands tells Discord nothing; a new command, or force, does."""
    assert not await stage.bot.sync_commands()
    assert await stage.bot.sync_commands(force=True)
    await stage.bot.add_cog(Work())
    assert await stage.bot.sync_commands()


async def test_the_operator_can_have_commands_told_never_or_always(stage: Stage) -> None:
    """`sync` says when commands are told."""
    bot = stage.bot
    bot.settings = Settings(data=bot.settings.data, sync="always")
    assert await bot.sync_commands()
    bot.settings = Settings(data=bot.settings.data, sync="never")
    assert not await bot.sync_commands()
    assert await bot.sync_commands(force=True)


async def test_an_alert_needs_a_webhook(stage: Stage) -> None:
    """Without a webhook nothing is sent, and nothing waits."""
    before = set(stage.bot._tasks)
    stage.bot.alert("title", "text", "kind")
    assert set(stage.bot._tasks) == before


class Vote(Handled, ui.DynamicItem[ui.Button[Any]], template=r"vote:(\d+)"):
    """A button that is known by its id."""

    def __init__(self, number: int) -> None:
        super().__init__(ui.Button(label=f"Vote {number}", custom_id=f"vote:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: ui.Item[Any], match: re.Match[str], /
    ) -> Vote:
        """Make it anew."""
        return cls(int(match[1]))

    async def act(self, interaction: discord.Interaction) -> None:
        """Count."""
        await interaction.response.send_message(f"Voted {self.number}.", ephemeral=True)


class Panel(View):
    """A view with fixed ids and no time-out."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @ui.button(label="Hello", custom_id="panel:hello")
    async def hello(self, interaction: discord.Interaction, _button: ui.Button[Panel]) -> None:
        """Greet."""
        await interaction.response.send_message("Hello.", ephemeral=True)


class Ballot(commands.Cog):
    """A cog whose components outlive a restart."""

    def __init__(self, bot: Bot) -> None:
        bot.persistent.add(self, Panel(), Vote)

    @hybrid_command()
    async def ballot(self, ctx: Context) -> None:
        """Send the components."""
        view = Panel()
        view.add_item(Vote(3))
        await ctx.send("Vote.", view=view)


async def test_components_outlive_a_restart(
    stage: Stage, settings: Settings, discord: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message of an earlier bot is answered by the next one, whose areas registered the same components."""
    await stage.bot.add_cog(Ballot(stage.bot))
    await stage.bot.sync_commands(force=True)
    message = await stage.member.reply(stage.member.slash(stage.channels["general"], "ballot"))
    await stage.bot.close()
    again = build_bot(settings, connector=discord.connector(), guild_ready_timeout=0)
    async with running(again, discord):
        before = len(again.persistent)
        await again.add_cog(Ballot(again))
        assert len(again.persistent) == before + 2
        assert (await stage.member.reply(stage.member.click(message, "Hello"))).content == "Hello."
        assert (await stage.member.reply(stage.member.click(message, "Vote 3"))).content == "Voted 3."
        await again.remove_cog("Ballot")
        assert len(again.persistent) == before


async def test_limits_follow_the_code_after_a_reload() -> None:
    """A command whose limit was changed in the code has the new one from its next use on."""
    limiter = RateLimiter()

    def command(times: int) -> Any:
        @limited(times, per=3600)
        def callback() -> None:
            """Do nothing."""

        return callback

    async def use(callback: Any) -> None:
        await check_limits(limiter, "x", callback, user_id=1, channel_id=None, guild_id=None)

    await use(command(1))
    with pytest.raises(Refused, match=r"limit\.retry_after"):
        await use(command(1))
    await asyncio.gather(*(use(command(3)) for _ in range(2)))
    assert limiter.get_config("command x").requests == 3


async def test_a_bot_that_cannot_reach_discord_stops_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, discord: Any
) -> None:
    """A log-in that is refused leaves nothing running behind."""
    monkeypatch.setattr(Database, "_instance", None)
    shutdown = ShutdownManager(force_exit=False)
    bot = build_bot(Settings(data=tmp_path), connector=discord.connector(), shutdown=shutdown)
    with pytest.raises(Exception, match="Improper token"):
        async with bot:
            await bot.start("no token")
    assert not bot.parts.is_running
    assert (await shutdown.shutdown()).outcomes == ()


def test_the_logger_of_the_bot_is_structured() -> None:
    """The bot's lines carry fields."""
    assert get_logger("reference.bot").name == "reference.bot"


async def test_an_incident_is_alerted_of_through_a_real_webhook(stage: Stage) -> None:
    """The operator gets a message with the incident; the same failure within the cool-down sends none."""
    got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        got.put_nowait(await request.json())
        return web.Response(status=204)

    async with served("/api/webhooks/1/" + "x" * 30, take) as url:
        origin = url.partition("/api")[0]
        stage.bot.alerts = AlertManager(url, 300, origins=[origin])
        for _ in range(2):
            await stage.bot.errors.handle(ZeroDivisionError("x"), None, "a test")
        message = await asyncio.wait_for(got.get(), 5)
        await asyncio.gather(*stage.bot._tasks)
        await stage.bot.alerts.close()
    incidents = await stage.bot.errors.incidents.recent()
    assert len(incidents) == 2
    assert any(incident.id in str(message) for incident in incidents)
    assert got.empty()


async def test_health_is_pushed_to_the_side_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, discord: Any
) -> None:
    """Where a side service runs, it knows the bot's health and figures after the bot is gone."""
    monkeypatch.setattr(Database, "_instance", None)
    runner = web.AppRunner(side_service.make_app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = Settings.model_validate({"data": tmp_path, "health": {"service_url": url}})
    bot = build_bot(settings, connector=discord.connector(), guild_ready_timeout=0)
    async with running(bot, discord):
        bot.publish()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/health") as response:
            told = await response.json()
        async with session.get(f"{url}/metrics") as response:
            figures = await response.text()
    await runner.cleanup()
    assert told["report"]["bot"]["name"] == str(bot.user)
    assert "bot_guilds" in figures


async def test_each_shard_has_its_own_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, discord: Any) -> None:
    """A bot of two shards shows both on the health page, and the guild on the one that hears of it."""
    monkeypatch.setattr(Database, "_instance", None)
    bot = build_bot(
        Settings(data=tmp_path, shards=2),
        connector=discord.connector(),
        guild_ready_timeout=0,
        max_ratelimit_timeout=30,
    )
    async with running(bot, discord):
        states = bot.shards_health.states()
        bot.publish()
        services = dict(health_data.service_health)
    assert [state.is_up for state in states] == [True, True]
    assert sum(state.guilds for state in states) == 1
    assert {"shard 0", "shard 1"} <= services.keys()
    assert "shard 1" not in health_data.service_health


@asynccontextmanager
async def served(path: str, handler: Any) -> AsyncIterator[str]:
    """Serve one path on this machine while the body runs; yields its address."""
    app = web.Application()
    app.router.add_post(path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    finally:
        await runner.cleanup()


def test_whatever_has_buttons_has_its_errors_answered() -> None:
    """Each view, form and dynamic item of the bot derives from what answers errors."""
    strays = []
    for file in sorted((HOME / "reference").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.ClassDef) and file.name != "views.py":
                bases = " ".join(ast.unparse(base) for base in node.bases)
                is_stray = "ui.View" in bases or "ui.Modal" in bases or "ui.LayoutView" in bases
                is_stray |= "DynamicItem" in bases and "Handled" not in bases
                strays += [f"{file.name}: {node.name}({bases})"] if is_stray else []
    assert strays == []


class Choosy(commands.Cog):
    """A cog that says what concerns it.

    Attributes:
        heard: what it was called for.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []

    @commands.Cog.listener()
    @concerns(lambda _cog, message: "?" in message.content)
    async def on_message(self, message: discord.Message) -> None:
        """Note a question."""
        self.heard.append(message.content)


class Clumsy(commands.Cog):
    """A cog that fails at saying what concerns it."""

    @commands.Cog.listener()
    @concerns(lambda _cog, message: message.nothing)
    async def on_message(self, message: discord.Message) -> None:
        """Never be called."""


async def test_a_listener_hears_what_concerns_it(stage: Stage) -> None:
    """A listener is called for what it said; one that fails at that is reported, and the bot goes on."""
    choosy = Choosy()
    await stage.bot.add_cog(choosy)
    await stage.bot.add_cog(Clumsy())
    general = stage.channels["general"]
    for text in ("Hello.", "Is anybody there?", "!ping"):
        stage.member.say(general, text)
    await stage.member.expect(general, lambda message: message.content.startswith("Pong"))
    await stage.settled()
    await asyncio.gather(*stage.bot._tasks)
    assert choosy.heard == ["Is anybody there?"]
    incidents = await stage.bot.errors.incidents.recent()
    assert {(incident.place, incident.error_type) for incident in incidents} == {("on_message", "AttributeError")}
