"""The local Discord as a program, for bots in any language: `python -m localdiscord --port 8123 --json`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

from localdiscord.population import populate
from localdiscord.server import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main", "run"]

ENDINGS = ("SIGINT", "SIGTERM", "SIGBREAK")
"""The signals that end the program; each where the platform has it."""

CANNOT_LISTEN = 3
"""The exit code where the port is taken, or may not be used; 2 is a wrong option."""

MOST_GUILDS, MOST_MEMBERS, MOST_SHARDS = 10_000, 100_000, 1000


def _number(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a number between two, both included."""

    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not between {low} and {high}")
        return value

    return number


def scale(text: str) -> float | None:
    """Read how strict rate limits are: `off`, `on`, or how many times quicker than Discord's clock theirs goes."""
    if text in {"off", "on"}:
        return None if text == "off" else 1.0
    scale = float(text)
    if scale <= 0:
        raise argparse.ArgumentTypeError("a scale is greater than 0")
    return scale


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m localdiscord", description="A Discord on this machine. It listens on loopback alone."
    )
    add = parser.add_argument
    add("--port", type=_number(0, 65_535), default=0, help="where to listen; 0, as without it, takes any free port")
    add(
        "--json",
        action="store_true",
        help="print one line of JSON: rest, gateway, token, application_id, guild_id, web, voice",
    )
    add("--bot-name", default="Reference", help="what the bot is called")
    add("--token", help="the bot's token; without it one is made up")
    add("--guilds", type=_number(1, MOST_GUILDS), default=1, help="how many guilds the bot is in")
    add("--members", type=_number(0, MOST_MEMBERS), default=0, help="how many more members the first guild has")
    add("--shards", type=_number(1, MOST_SHARDS), default=1, help="how many shards are recommended")
    add(
        "--rate-limits",
        type=scale,
        default=1.0,
        metavar="on|off|SCALE",
        help="10 is ten times as quick; on without it",
    )
    return parser


async def run(options: argparse.Namespace, ending: asyncio.Event) -> int:
    """Run the local Discord until it shall end.

    Args:
        options: of the command line.
        ending: set when it shall end.

    Returns:
        The exit code.
    """
    discord = LocalDiscord(options.port, rate_limits=options.rate_limits)
    discord.shards = options.shards
    application = discord.town.application
    application.name = application.bot.username = options.bot_name
    application.token = options.token or application.token
    populate(discord, options.guilds, options.members)
    try:
        await discord.start()
    except OSError as error:
        words = f"Cannot listen on port {options.port}: {error.strerror or error}. Choose another --port.\n"
        sys.stderr.write(words)
        return CANNOT_LISTEN
    try:
        _tell(discord, as_json=options.json)
        await ending.wait()
    finally:
        await discord.stop()
    return 0


def _tell(discord: LocalDiscord, *, as_json: bool) -> None:
    """Say where everything is; flushed, since another program may be waiting for it."""
    facts = {
        "rest": f"{discord.url}/api/v10",
        "gateway": discord.gateway_url,
        "token": discord.town.application.token,
        "application_id": str(discord.town.application.id),
        "guild_id": str(discord.town.guild.id),
        "web": discord.url,
        "voice": discord.voice.sentence(),
    }
    lines = [f"{name + ':':<16}{value}" for name, value in facts.items()]
    sys.stdout.write((json.dumps(facts) if as_json else "\n".join([*lines, "Ctrl+C ends it."])) + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: of the command line; None takes those that the program was started with.

    Returns:
        The exit code: 0 after it was told to end, 2 for wrong options, 3 where it cannot listen.
    """
    options = _parser().parse_args(arguments)
    return asyncio.run(_until_ended(options))


async def _until_ended(options: argparse.Namespace) -> int:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(*_: object) -> None:
        loop.call_soon_threadsafe(ending.set)

    signals = [getattr(signal, name) for name in ENDINGS if hasattr(signal, name)]
    before = [signal.signal(each, end) for each in signals]
    try:
        return await run(options, ending)
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


if __name__ == "__main__":
    sys.exit(main())
