"""`python -m reference` as people run it: real processes that start, answer, end in order, die and come back."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import sqlite3
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from discord import ApplicationFlags, Client

from harness.project import HOME
from reference import __main__ as program
from reference import check as checking
from reference.check import CHECKS, Level, check, list_settings
from reference.config import Settings
from reference.exit_codes import ExitCode
from reference.guilds import Guilds
from reference.instance import OneProcess
from reference.terminal import Terminal
from reference.utils.database.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localdiscord import LocalDiscord

PATIENCE = 40.0
"""Seconds in which a process must do what it is waited for; the machine may be busy."""

WINDOWS = sys.platform == "win32"


class Program:
    """A process that runs the bot.

    Attributes:
        process: the process.
        said: what it wrote so far.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Listen to it."""
        self.process = process
        self.said = ""

    async def until(self, text: str) -> str:
        """Wait until it says something; return all that it said."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while text not in self.said:
                line = await self.process.stdout.readline()
                assert line, f"it ended without having said {text!r}; it said:\n{self.said}"
                self.said += line.decode("utf-8")
        return self.said

    async def ended(self) -> int:
        """Wait for the end, and return the exit code."""
        async with asyncio.timeout(PATIENCE):
            rest, _ = await self.process.communicate()
        self.said += rest.decode("utf-8")
        assert self.process.returncode is not None
        return self.process.returncode

    async def kill(self) -> None:
        """End the process without asking it."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()


def environment(**variables: str) -> dict[str, str]:
    """Return an environment without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOT_", "DISCORD_", "HEALTH_"))}
    return {**kept, "PYTHONIOENCODING": "utf-8", "BOT_HEALTH__PORT": "0", **variables}


@asynccontextmanager
async def started(data: Path, *arguments: str, **variables: str) -> AsyncIterator[Program]:
    """Run the program while the body runs; it is killed at the end, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reference", "--no-browser", "--data", str(data), *arguments),
        cwd=HOME,
        env=environment(**variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Program(process)
    try:
        yield running
    finally:
        await running.kill()


def at(discord: LocalDiscord) -> tuple[str, ...]:
    """Return the arguments that bring the program to a local Discord of the test."""
    return ("--local", f"127.0.0.1:{discord.port}")


def token(discord: LocalDiscord) -> dict[str, str]:
    """Return the variable that lets the program log in there."""
    return {"DISCORD_TOKEN": discord.town.application.token}


async def test_without_a_token_it_runs_on_a_local_discord(tmp_path: Path) -> None:
    """A fresh start says where the page is, answers there, and ends in order on a signal."""
    async with started(tmp_path) as running:
        said = await running.until("The bot is ready.")
        url = next(word for word in said.split() if word.startswith("http"))
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 200
        running.process.terminate()
        code = await running.ended()
    if not WINDOWS:
        assert code == ExitCode.OK
        assert (
            "shutdown (SIGTERM): ran: finish commands, finish areas, write what is due, leave Discord" in running.said
        )


@pytest.mark.skipif(WINDOWS, reason="Windows knows no SIGTERM to be handled; Ctrl+Break is tested by its shutdown")
async def test_a_signal_in_the_middle_of_a_command_lets_it_finish(discord: LocalDiscord, tmp_path: Path) -> None:
    """SIGTERM while commands run: all of them are answered, and the exit code says that all went well."""
    owner, general = discord.person(discord.town.owner), discord.town.channels["general"]
    async with started(tmp_path, *at(discord), **token(discord)) as running:
        await running.until("The bot is ready.")
        asked = [owner.slash(general, "ping") for _ in range(5)]
        await owner.reply(asked[0], PATIENCE)  # they have arrived
        running.process.send_signal(signal.SIGTERM)
        answers = [await owner.reply(each, PATIENCE) for each in asked]
        assert await running.ended() == ExitCode.OK
    assert all(answer.content.startswith(("Pong", "I am shutting down")) for answer in answers)


async def test_a_kill_loses_nothing_that_was_acknowledged(discord: LocalDiscord, tmp_path: Path) -> None:
    """After kill -9 and a restart the guild's settings are those that were saved, and the lock is no hindrance."""
    owner, general = discord.person(discord.town.owner), discord.town.channels["general"]
    async with started(tmp_path, *at(discord), **token(discord)) as running:
        await running.until("The bot is ready.")
        first = await owner.reply(owner.slash(general, "ping"), PATIENCE)
        assert first.content.startswith("Pong")
        database = Database()
        before, database.db_path = database.db_path, str(tmp_path / "bot.db")
        try:
            await Guilds(database).save(discord.town.guild.id, prefix="?", language="th")
        finally:
            assert await database.close_pool()
            database.db_path = before
        running.process.kill()
        await running.ended()
    async with started(tmp_path, *at(discord), **token(discord)) as again:
        await again.until("The bot is ready.")
        owner.say(general, "?ping")
        answer = await owner.expect(general, lambda message: message.content.startswith("ปอง"), PATIENCE)
        assert answer.author == discord.town.application.bot


@pytest.mark.wine_fault("msvcrt.locking of a byte that is locked fails with errno 0, not EACCES")
async def test_one_process_for_one_folder(discord: LocalDiscord, tmp_path: Path) -> None:
    """A second process on the same data is refused, and ends nothing; one on other data runs."""
    async with started(tmp_path / "a", *at(discord), **token(discord)) as first:
        await first.until("The bot is ready.")
        async with started(tmp_path / "a", *at(discord), **token(discord)) as second:
            assert await second.ended() == ExitCode.RUNNING
            assert f"another instance is running: process {first.process.pid}" in second.said
        assert first.process.returncode is None
        async with started(tmp_path / "b", "--local", "127.0.0.1:1", **token(discord)) as third:
            assert await third.ended() == ExitCode.UNREACHABLE


@pytest.mark.skipif(WINDOWS, reason="there, a process is ended at once by whoever ends it")
async def test_who_agrees_takes_the_place_of_another_process(discord: LocalDiscord, tmp_path: Path) -> None:
    """The question names the other process; with yes it is ended in order, and the folder is free."""
    questions: list[str] = []

    def agree(question: str) -> bool:
        questions.append(question)
        return True

    async with started(tmp_path, *at(discord), **token(discord)) as running:
        await running.until("The bot is ready.")
        here = OneProcess(tmp_path / "bot.lock")
        claimed, why = await asyncio.to_thread(here.claim, lambda _question: False)
        assert (claimed, why) == (False, f"another instance is running: process {running.process.pid}")
        assert running.process.returncode is None
        claim = asyncio.create_task(asyncio.to_thread(here.claim, agree))
        await running.ended()  # the exit code goes to whoever asks first, here or in the claim
        assert not discord.sessions, "it did not say good-bye"
        claimed, why = await claim
        here.release()
    assert claimed, why
    assert questions == [f"Another instance is running: process {running.process.pid}. End it, in order?"]


async def test_a_wrong_token_is_said(discord: LocalDiscord, tmp_path: Path) -> None:
    """The exit code and a sentence say that Discord does not know the token; the token is shown nowhere."""
    secret = "MTE0.Gabcde.not-the-token-of-any-bot"
    async with started(tmp_path, *at(discord), DISCORD_TOKEN=secret) as running:
        assert await running.ended() == ExitCode.TOKEN
    assert "Discord does not know this token." in running.said
    log = await asyncio.to_thread((tmp_path / "logs" / "bot.jsonl").read_text, encoding="utf-8")
    assert secret not in running.said + log


async def test_settings_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    """A misspelt setting ends the program at once, with the nearest name."""
    async with started(tmp_path, BOT_PREFIXX="?") as running:
        assert await running.ended() == ExitCode.SETTINGS
    assert "did you mean 'prefix'?" in running.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--local", "nonsense"), "'nonsense' is no address; write it as 127.0.0.1:8555"),
        (("--local", "127.0.0.1:1"), "Set DISCORD_TOKEN to the token that the local Discord printed."),
    ],
)
async def test_a_local_discord_that_cannot_be_used_is_said(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """An address that is none, and a missing token, are said with what to do."""
    async with started(tmp_path, *arguments) as running:
        assert await running.ended() == ExitCode.UNREACHABLE
    assert said in running.said


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def checked(settings: Settings) -> tuple[ExitCode, dict[str, tuple[Level, str]]]:
    """Verify a set-up; return the exit code, and what was found by name."""
    said = io.StringIO()
    code = await check(settings, Terminal(said))
    found = {}
    for each in CHECKS:
        for finding in await each(settings):
            found[finding.name] = (finding.level, finding.text)
            assert finding.text.splitlines()[0] in said.getvalue()
    return code, found


async def test_the_check_of_a_fresh_machine_finds_what_is_optional(tmp_path: Path) -> None:
    """Nothing that the bot needs is missing; it says what the bot will do without."""
    settings = Settings.model_validate({"data": tmp_path / "new", "health": {"port": free_port()}})
    code, found = await checked(settings)
    assert code is ExitCode.OK
    assert (
        found["database"][1].endswith("will be made at the first start (schema 16)") or "schema" in found["database"][1]
    )
    assert found["Discord"] == (
        Level.NOTE,
        "no token is set: the bot will run on a local Discord; set DISCORD_TOKEN for the real one",
    )
    assert found["data"][0] is Level.OK
    assert found["health page"][0] is Level.OK
    assert not (tmp_path / "new").exists()


async def test_the_check_names_what_is_wrong(tmp_path: Path) -> None:
    """A folder that is a file, a port that is taken, a service that does not answer and a bad webhook are named."""
    file = tmp_path / "file"
    await asyncio.to_thread(file.write_bytes, b"")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings.model_validate(
            {
                "data": file / "data",
                "health": {"port": taken.getsockname()[1]},
                "ai": {"endpoint": {"base_url": f"http://127.0.0.1:{free_port()}/v1", "model": "m"}},
                "alerts": {"webhook_url": "http://127.0.0.1/x"},
            }
        )
        code, found = await checked(settings)
    assert code is ExitCode.INCOMPLETE
    assert found["data"][0] is Level.FAIL
    assert found["health page"][0] is Level.WARN
    assert found["AI"][0] is Level.WARN
    assert found["alerts"][0] is Level.WARN


async def test_the_check_reads_the_database(tmp_path: Path) -> None:
    """A database of an older, a newer and no bot is told apart, and nothing in it is changed."""

    def write(version: int) -> None:
        raw = sqlite3.connect(tmp_path / "bot.db")
        raw.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)")
        raw.execute("DELETE FROM schema_version")
        raw.execute("INSERT INTO schema_version VALUES (?)", (version,))
        raw.commit()
        raw.close()

    settings = Settings(data=tmp_path)
    for version, level, said in ((3, Level.OK, "brings it to"), (10**6, Level.FAIL, "a newer bot")):
        await asyncio.to_thread(write, version)
        (finding,) = await checking._database(settings)
        assert finding.level is level
        assert said in finding.text
    await asyncio.to_thread((tmp_path / "bot.db").write_bytes, b"no database at all" * 100)
    (finding,) = await checking._database(settings)
    assert finding.level is Level.FAIL


async def test_the_check_names_missing_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs and libraries that voice needs are named, and so is a Pillow that draws no text."""
    monkeypatch.setattr("reference.cogs.music.requirements.missing_parts", lambda: ["ffmpeg"])
    monkeypatch.setattr(checking, "find_spec", lambda _name: None)
    (music,) = await checking._parts(Settings())
    assert (music.level, music.text) == (Level.WARN, "it will not play: ffmpeg, yt-dlp must be installed")
    monkeypatch.setattr("PIL.features.check", lambda _name: False)
    (pictures,) = await checking._pictures(Settings())
    assert pictures.level is Level.WARN


@pytest.mark.parametrize(("status", "level"), [(200, Level.OK), (401, Level.WARN)])
async def test_the_check_asks_the_ai_endpoint(status: int, level: Level) -> None:
    """An endpoint that answers is fine; one that refuses the key is not."""

    async def models(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key"
        return web.json_response({}, status=status)

    app = web.Application()
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    endpoint = {"base_url": url, "model": "m", "api_key": "key"}
    (finding,) = await checking._ai(Settings.model_validate({"ai": {"endpoint": endpoint}}))
    await runner.cleanup()
    assert finding.level is level


async def test_the_check_says_what_is_switched_off() -> None:
    """A health page that is off is a note."""
    (finding,) = await checking._health(Settings.model_validate({"health": {"enabled": False}}))
    assert finding.level is Level.NOTE


async def test_the_check_logs_in_with_the_token(discord: LocalDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is tried: its bot is named, a wrong one fails, missing intents are named, and an outage is a warning."""
    original = Client.__init__

    def local(self: Client, **options: Any) -> None:
        original(self, **options, connector=discord.connector())

    monkeypatch.setattr(Client, "__init__", local)
    right = Settings.model_validate({"token": discord.town.application.token})
    found = await checking._discord(right)
    assert found[0].level is Level.OK
    assert "Reference" in found[0].text
    (wrong,) = await checking._discord(Settings.model_validate({"token": "wrong"}))
    assert wrong.level is Level.FAIL
    await discord.refuse()
    (away,) = await checking._discord(right)
    assert away.level is Level.WARN


def test_intents_that_are_not_granted_fail_the_check() -> None:
    """Each privileged intent must be granted, be it limited or not."""
    granted = ApplicationFlags(gateway_guild_members_limited=True, gateway_message_content=True)
    assert checking._intents(granted) == []
    (finding,) = checking._intents(ApplicationFlags(gateway_message_content=True))
    assert finding.level is Level.FAIL


def test_settings_are_listed_without_secrets() -> None:
    """Every setting has a line; a secret is shown as set."""
    said = io.StringIO()
    list_settings(Terminal(said), Settings.model_validate({"token": "a-secret"}))
    lines = said.getvalue().splitlines()
    assert "token = (set, not shown)" in lines
    assert "health.port = 8080" in lines
    assert "shards = (not set)" in lines
    assert "a-secret" not in said.getvalue()


def test_check_and_settings_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` verifies, `check --settings` lists; both end with an exit code."""
    monkeypatch.setattr(os, "environ", {"BOT_HEALTH__PORT": str(free_port())})
    assert program.main(["check", "--data", str(tmp_path)]) == ExitCode.OK
    assert "The set-up of the reference bot" in capsys.readouterr().out
    assert program.main(["check", "--settings", "--data", str(tmp_path)]) == ExitCode.OK
    assert f"data = {tmp_path}" in capsys.readouterr().out
    assert program.main(["--config", str(tmp_path / "none.toml")]) == ExitCode.SETTINGS


class Asked(io.StringIO):
    """A terminal with somebody at it."""

    def isatty(self) -> bool:
        """Say that somebody is there."""
        return True


@pytest.mark.parametrize(("answer", "agreed"), [("y\n", True), ("Yes\n", True), ("\n", False), ("n\n", False)])
def test_only_yes_is_yes(answer: str, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question is answered with yes by "y" and "yes" alone."""
    monkeypatch.setattr(sys, "stdin", Asked(answer))
    said = Asked()
    assert Terminal(said).ask("End it?") is agreed
    assert said.getvalue() == "End it? [y/N] "


def test_nobody_there_is_no() -> None:
    """Where nobody can be asked, nothing is ended."""
    assert not Terminal(io.StringIO()).ask("End it?")


def test_a_terminal_without_the_marks_gets_plain_ones() -> None:
    """What the terminal's encoding lacks is replaced, and breaks nothing."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        terminal = Terminal(stream)
        terminal.ok("name", "ปอง\nsecond line")
        stream.flush()
        assert (
            raw.getvalue().decode("ascii").replace("\r", "") == "  + name           ???\n" + " " * 19 + "second line\n"
        )


def test_exit_codes_differ() -> None:
    """Each outcome has a code of its own, and only one is zero."""
    assert len({int(code) for code in ExitCode}) == len(ExitCode)
    assert [code for code in ExitCode if code == 0] == [ExitCode.OK]
    assert json.dumps(ExitCode.OK) == "0"
