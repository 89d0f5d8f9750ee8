"""`python -m reference`: runs the bot, on Discord where there is a token, on a local Discord otherwise.

    python -m reference                       run
    python -m reference check                 verify the set-up, and say what is missing
    python -m reference --config bot.toml     with settings from a file, see `reference.config_source`

Exit codes are listed in `reference.exit_codes`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .check import check, list_settings
from .config_source import ConfigError, load
from .exit_codes import ExitCode
from .terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .config import Settings

__all__ = ["main"]

EPILOG = (
    "Settings come from the command line, then from variables (DISCORD_TOKEN, BOT_PREFIX, BOT_HEALTH__PORT...), then"
    " from the file; `check --settings` lists all. Exit codes: "
    + ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
    + "."
)
"""What `--help` ends with."""

TOKENS = ("DISCORD_TOKEN", "BOT_TOKEN")
"""Variables that no program which the bot runs, such as ffmpeg, inherits."""

LOCAL_PATIENCE = 0.2
"""Seconds in which a local Discord has told of all guilds; the real one is given two."""

LOCAL_PORT = 8555
"""Where the page of the local Discord is, if that port is free."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return the exit code.

    Args:
        arguments: of the command line; those of the process by default.
    """
    options = _parser().parse_args(arguments)
    terminal = Terminal()
    try:
        settings = load(os.environ, options.config, **_overrides(options))
    except ConfigError as error:
        terminal.fail("settings", str(error))
        return ExitCode.SETTINGS
    if options.command == "check":
        if options.settings:
            list_settings(terminal, settings)
            return ExitCode.OK
        return asyncio.run(check(settings, terminal))
    for name in TOKENS:
        os.environ.pop(name, None)
    return _run(settings, options, terminal)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reference", description="The reference bot.", epilog=EPILOG)
    parser.add_argument(
        "command", nargs="?", choices=("run", "check"), default="run", help="run (the default) or check"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where everything is kept (default: data)")
    parser.add_argument(
        "--local",
        nargs="?",
        const="",
        metavar="HOST:PORT",
        help="use a local Discord even where there is a token; with an address, one that runs there already",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page of the local Discord")
    parser.add_argument("--settings", action="store_true", help="with check: list all settings with their values")
    return parser


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    return {} if options.data is None else {"data": options.data}


def _run(settings: Settings, options: argparse.Namespace, terminal: Terminal) -> int:
    from .instance import OneProcess  # noqa: PLC0415  what runs the bot is not loaded to check it

    terminal.title("The reference bot")
    lock = OneProcess(settings.lock)
    claimed, why = lock.claim(terminal.ask)
    if not claimed:
        terminal.fail(
            "process", f"{why}. Its data are in {settings.data.resolve()}; choose another folder with --data."
        )
        return ExitCode.RUNNING
    try:
        return asyncio.run(_run_bot(settings, options, terminal))
    except KeyboardInterrupt:
        return ExitCode.OK
    finally:
        lock.release()


async def _run_bot(settings: Settings, options: argparse.Namespace, terminal: Terminal) -> ExitCode:
    from .bot import build_bot  # noqa: PLC0415  as above
    from .supervision import Supervisor  # noqa: PLC0415
    from .utils.reliability.shutdown_manager import shutdown_manager  # noqa: PLC0415

    token = settings.token.get_secret_value() if settings.token else ""
    async with AsyncExitStack() as stack:
        connector = None
        if options.local is not None or not token:
            from . import local  # noqa: PLC0415  a bot on the real Discord never loads it
            from .cogs.music.samples import make_samples  # noqa: PLC0415

            try:
                place = await stack.enter_async_context(_place(options, token))
            except local.LocalUnreachableError as error:
                terminal.fail("local Discord", str(error))
                return ExitCode.UNREACHABLE
            token, connector = place.token, place.connector
            terminal.ok("local Discord", f"{place.url}  (nothing leaves this machine)")
            await asyncio.to_thread(make_samples, settings.media)
            if not options.no_browser and not await local.open_page(place.url):
                terminal.note("browser", f"none could be opened; open {place.url} yourself")

        def make_bot() -> Any:
            options = {} if connector is None else {"connector": connector(), "guild_ready_timeout": LOCAL_PATIENCE}
            return build_bot(settings, shutdown=shutdown_manager, **options)

        return await Supervisor(settings, make_bot, token, shutdown_manager, terminal).run()


def _place(options: argparse.Namespace, token: str) -> Any:
    """Return the local Discord that the command line names, or a new one."""
    from . import local  # noqa: PLC0415  as above

    if not options.local:
        return local.here(LOCAL_PORT if _is_free(LOCAL_PORT) else 0)
    host, _, port = options.local.rpartition(":")
    if not port.isdecimal():
        raise local.LocalUnreachableError(f"{options.local!r} is no address; write it as 127.0.0.1:8555")
    if not token:
        raise local.LocalUnreachableError("Set DISCORD_TOKEN to the token that the local Discord printed.")
    return local.elsewhere(host or "127.0.0.1", int(port), token)


def _is_free(port: int) -> bool:
    import socket  # noqa: PLC0415  the standard library's, for one question

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    sys.exit(main())
