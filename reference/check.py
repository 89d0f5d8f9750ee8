"""Verifies the set-up: what is there, what is missing, and what to do about it. It changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic import BaseModel, SecretStr

from .exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from .config import Settings
    from .terminal import Terminal

__all__ = ["CHECKS", "Finding", "Level", "check", "list_settings"]

PATIENCE = 8.0
"""Seconds that each question to the network may take."""

GRANTED = ("gateway_guild_members", "gateway_message_content")


class Level(Enum):
    """How a finding is to be taken.

    Attributes:
        OK: it is as it should be.
        NOTE: it is good to know.
        WARN: a part of the bot will not work.
        FAIL: the bot cannot run.
    """

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        level: how it is to be taken.
        name: what was looked at.
        text: what was found, and what to do.
    """

    level: Level
    name: str
    text: str


async def check(settings: Settings, terminal: Terminal) -> ExitCode:
    """Verify the set-up, tell what was found, and return whether the bot can run.

    Args:
        settings: what the operator decided.
        terminal: where people are told.
    """
    terminal.title("The set-up of the reference bot")
    findings = []
    for each in CHECKS:
        for finding in await each(settings):
            getattr(terminal, finding.level.value)(finding.name, finding.text)
            findings.append(finding)
    failed = sum(finding.level is Level.FAIL for finding in findings)
    warned = sum(finding.level is Level.WARN for finding in findings)
    verdict = "The bot cannot run yet." if failed else "The bot can run, without some of its parts." if warned else ""
    terminal.line(f"\n{verdict or 'All is there.'}")
    return ExitCode.INCOMPLETE if failed else ExitCode.OK


def list_settings(terminal: Terminal, settings: Settings) -> None:
    """Write all settings with their values; secrets are not shown."""
    for name, value in _flat(settings):
        shown = "(set, not shown)" if isinstance(value, SecretStr) else "(not set)" if value is None else str(value)
        terminal.line(f"{name} = {shown.partition(chr(10))[0]}")


def _flat(model: BaseModel, above: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


async def _python(_settings: Settings) -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    return [Finding(Level.OK, "Python", version)]


async def _data(settings: Settings) -> list[Finding]:
    folder = settings.data.resolve()
    problem = await asyncio.to_thread(_cannot_write, folder)
    if problem:
        return [Finding(Level.FAIL, "data", f"{folder} cannot be written: {problem}; choose another with --data")]
    return [Finding(Level.OK, "data", str(folder))]


def _cannot_write(folder: Path) -> str | None:
    """Try to write where the folder is, or will be; nothing is left behind."""
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return error.strerror or str(error)


async def _database(settings: Settings) -> list[Finding]:
    return [await asyncio.to_thread(_schema, settings.database)]


def _schema(file: Path) -> Finding:
    from .utils.database.migrations import discover_migrations  # noqa: PLC0415  not before it is needed

    newest = max(version for version, _ in discover_migrations())
    if not file.exists():
        return Finding(Level.NOTE, "database", f"{file} will be made at the first start (schema {newest})")
    try:
        raw = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        try:
            (version,) = raw.execute("SELECT MAX(version) FROM schema_version").fetchone()
            (verdict,) = raw.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            raw.close()
    except sqlite3.Error as error:
        return Finding(Level.FAIL, "database", f"{file} cannot be read: {error}; restore a back-up, or move it away")
    if verdict != "ok":
        return Finding(Level.FAIL, "database", f"{file} is damaged: {verdict}; restore a back-up")
    if version > newest:
        return Finding(Level.FAIL, "database", f"it is of a newer bot: schema {version}, this one knows {newest}")
    text = f"schema {version}" if version == newest else f"schema {version}; the next start brings it to {newest}"
    return Finding(Level.OK, "database", text)


async def _parts(_settings: Settings) -> list[Finding]:
    from .cogs.music.requirements import missing_parts  # noqa: PLC0415  heavy

    missing = await asyncio.to_thread(missing_parts)
    if find_spec("yt_dlp") is None:
        missing.append("yt-dlp")
    if missing:
        return [Finding(Level.WARN, "music", f"it will not play: {', '.join(missing)} must be installed")]
    return [Finding(Level.OK, "music", "ffmpeg, libopus, PyNaCl, davey and yt-dlp are there")]


async def _pictures(_settings: Settings) -> list[Finding]:
    from PIL import features  # noqa: PLC0415  heavy

    if not features.check("freetype2"):
        return [Finding(Level.WARN, "pictures", "Pillow cannot draw text here; install one with FreeType")]
    shaped = "with" if features.check("raqm") else "without"
    return [Finding(Level.OK, "pictures", f"Pillow draws text, {shaped} complex scripts")]


async def _health(settings: Settings) -> list[Finding]:
    health = settings.health
    if not health.enabled:
        return [Finding(Level.NOTE, "health page", "switched off")]
    try:
        server = await asyncio.start_server(lambda *_: None, health.host, health.port)
    except OSError as error:
        text = f"{health.host}:{health.port} cannot be used: {error.strerror}; set BOT_HEALTH__PORT to another port"
        return [Finding(Level.WARN, "health page", text)]
    server.close()
    await server.wait_closed()
    return [Finding(Level.OK, "health page", f"http://{health.host}:{health.port}/health")]


async def _ai(settings: Settings) -> list[Finding]:
    endpoint = settings.ai.endpoint
    if endpoint is None:
        return [Finding(Level.NOTE, "AI", "no endpoint is set: the scripted model answers; see ai.endpoint")]
    key = endpoint.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        async with _session() as session, session.get(f"{endpoint.base_url}/models", headers=headers) as response:
            status = response.status
    except (aiohttp.ClientError, OSError) as error:
        return [Finding(Level.WARN, "AI", f"{endpoint.base_url} does not answer: {type(error).__name__}")]
    if status in {401, 403}:
        return [Finding(Level.WARN, "AI", f"{endpoint.base_url} refuses the key (HTTP {status})")]
    return [Finding(Level.OK, "AI", f"{endpoint.base_url} answers; model {endpoint.model}")]


async def _alerts(settings: Settings) -> list[Finding]:
    from .utils.monitoring.webhook_url import webhook_fault  # noqa: PLC0415  not before it is needed

    secret = settings.alerts.webhook_url
    if secret is None:
        return [Finding(Level.NOTE, "alerts", "none are sent; set ALERT_WEBHOOK_URL to a webhook of Discord")]
    fault = webhook_fault(secret.get_secret_value())
    return [Finding(Level.WARN, "alerts", fault) if fault else Finding(Level.OK, "alerts", "sent to a webhook")]


async def _discord(settings: Settings) -> list[Finding]:
    if settings.token is None:
        text = "no token is set: the bot will run on a local Discord; set DISCORD_TOKEN for the real one"
        return [Finding(Level.NOTE, "Discord", text)]
    import discord  # noqa: PLC0415  heavy

    client = discord.Client(intents=discord.Intents.none())
    try:
        async with asyncio.timeout(PATIENCE), client:
            await client.login(settings.token.get_secret_value())
            flags = client.application.flags if client.application else discord.ApplicationFlags()
            return [Finding(Level.OK, "Discord", f"the token is that of {client.user}"), *_intents(flags)]
    except discord.LoginFailure:
        return [Finding(Level.FAIL, "Discord", _sentence(ExitCode.TOKEN))]
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        return [Finding(Level.WARN, "Discord", f"it cannot be asked now: {type(error).__name__}")]


def _intents(flags: Any) -> list[Finding]:
    lacking = [name for name in GRANTED if not (getattr(flags, name) or getattr(flags, f"{name}_limited"))]
    return [Finding(Level.FAIL, "intents", _sentence(ExitCode.INTENTS))] if lacking else []


def _sentence(code: ExitCode) -> str:
    from .supervision import SENTENCES  # noqa: PLC0415  heavy

    return SENTENCES[code]


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))


CHECKS: tuple[Callable[[Settings], Awaitable[list[Finding]]], ...] = (
    _python,
    _data,
    _database,
    _discord,
    _parts,
    _pictures,
    _ai,
    _health,
    _alerts,
)
"""What is looked at, in this order."""
