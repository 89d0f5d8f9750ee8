"""HTTP sessions that outlive no event loop: one for each loop, closed with it or by whoever closes first (F04).

An ``aiohttp.ClientSession`` belongs to the loop it was made on. A bot meets several (a clean-up after Ctrl+C runs in a
second ``asyncio.run``), and not every way out of a loop passes a ``close()``. So each session is guarded by an
asynchronous generator, which every orderly end of a loop finalises (``loop.shutdown_asyncgens``, PEP 525); what is
left after a loop that was closed the rough way is let go without a word at the next call or at exit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import aiohttp

__all__ = ["LoopSessions", "private_session"]

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Entry:
    session: aiohttp.ClientSession
    guard: AsyncGenerator[None, None]


_Entries = dict[asyncio.AbstractEventLoop, _Entry]


def private_session(total: float) -> aiohttp.ClientSession:
    """Make a session that keeps no cookies, no idle connections and heeds no proxy variables.

    Args:
        total: seconds that one request may take in all.
    """
    import aiohttp  # noqa: PLC0415  not before it is needed

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=total),
    )


class LoopSessions:
    """The sessions of one client, by event loop; for use from any loop in any thread.

    Args:
        make: makes a session, called on the loop that it is for.
    """

    def __init__(self, make: Callable[[], aiohttp.ClientSession]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._entries: _Entries = {}
        self._last_resort = weakref.finalize(self, _let_go_of_all, self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self) -> aiohttp.ClientSession:
        """Return the running loop's session, made at the first call and closed when that loop ends, or before (F04)."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._sweep()
            entry = self._entries.get(loop)
            if entry is not None and not entry.session.closed:
                return entry.session
            session = self._make()
            entry = self._entries[loop] = _Entry(session, _guard(session))
        await anext(entry.guard)
        return session

    def _sweep(self) -> None:
        for loop in [loop for loop in self._entries if loop.is_closed()]:
            _let_go(self._entries.pop(loop).session)

    async def close(self) -> None:
        """Close every session, each on its own loop; new ones may be made afterwards."""
        with self._lock:
            entries = dict(self._entries)
            self._entries.clear()
        for loop, entry in entries.items():
            await _close_on(loop, entry)


async def _guard(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Hold a session until the loop finalises its generators, or until told; then close it."""
    try:
        yield
    finally:
        await session.close()


async def _close_on(loop: asyncio.AbstractEventLoop, entry: _Entry) -> None:
    if loop is asyncio.get_running_loop():
        await _finish(entry)
    elif not loop.is_running():
        _let_go(entry.session)
    else:
        future = asyncio.run_coroutine_threadsafe(_finish(entry), loop)
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(future), timeout=2.0)


async def _finish(entry: _Entry) -> None:
    await entry.guard.aclose()
    await entry.session.close()


def _let_go(session: aiohttp.ClientSession) -> None:
    """Give up a session whose loop can run nothing any more; it keeps no idle connection, so nothing stays open."""
    if not session.closed:
        logger.debug("a session is given up: its event loop ended without closing it")
        session.detach()


def _let_go_of_all(entries: _Entries) -> None:
    for entry in entries.values():
        _let_go(entry.session)
