"""The bot without a token and without the internet: a Discord on this machine, with a page for people.

This is the one module of the bot that knows the local Discord; only the start-up uses it.
"""

from __future__ import annotations

import asyncio
import webbrowser
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from localdiscord import LocalConnector, LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["Local", "LocalUnreachableError", "elsewhere", "here", "open_page"]

PATIENCE = 5.0
"""Seconds in which a local Discord that runs elsewhere must answer."""


class LocalUnreachableError(Exception):
    """The local Discord that was named does not answer; the text says where and what to do."""


@dataclass(frozen=True)
class Local:
    """A local Discord.

    Attributes:
        url: its page for people.
        token: of the bot on it.
        connector: makes a connector for one client.
    """

    url: str
    token: str
    connector: Callable[[], aiohttp.BaseConnector]


@asynccontextmanager
async def here(port: int = 0) -> AsyncIterator[Local]:
    """Run a local Discord in this process while the body runs.

    Args:
        port: where its page is; 0 lets the operating system choose.

    Raises:
        OSError: the port is taken.
    """
    async with LocalDiscord(port) as discord:
        yield Local(discord.url, discord.town.application.token, discord.connector)


@asynccontextmanager
async def elsewhere(host: str, port: int, token: str) -> AsyncIterator[Local]:
    """Use a local Discord that runs in another process.

    Args:
        host: where it is, on this machine.
        port: where it listens.
        token: what it printed when it was started.

    Raises:
        LocalUnreachableError: it does not answer.
    """

    def connector() -> LocalConnector:
        return LocalConnector(port, host)

    url = f"http://{host}:{port}"
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(connector=connector(), timeout=timeout) as session,
            session.get(f"{url}/api/v10/gateway") as response,
        ):
            response.raise_for_status()
    except (aiohttp.ClientError, OSError) as error:
        raise LocalUnreachableError(
            f"No local Discord answers at {host}:{port} ({type(error).__name__}). Start one with"
            f" `python -m localdiscord --port {port}`."
        ) from error
    yield Local(url, token, connector)


async def open_page(url: str) -> bool:
    """Open a page in the browser of whoever sits at this machine; tell whether there is one."""
    return await asyncio.to_thread(webbrowser.open, url)
