"""The alert manager's sessions under any history: alerts alone and at once, cancelled, refused, closed, in new loops.

However a history goes, once the manager was closed or the bot was shut down in order no session is open; an alert that
was said to be delivered has arrived; and nothing that Discord answers makes an alert raise.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import inspect
import logging
import os
import sys
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.reroute import everything_sent_to
from harness.parts.webserver import Reply, Request, WebServer
from harness.subject import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
WEBHOOK = "https://discord.com/api/webhooks/123456789012345678/token"
PATIENCE = 10.0

Act = str
"""One of `ACTS`, or a mood of the server."""

MOODS: dict[str, Reply] = {
    "well": Reply(status=204),
    "down": Reply(b"oops", 503),
    "busy": Reply(b'{"retry_after": 0.01}', 429, headers={"Content-Type": "application/json", "Retry-After": "0"}),
    "wrong": Reply(b"<html>", 404),
    "away": Reply(b"x" * 2000, 500, cut=True),
}
"""What the server answers from then on."""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


class _Nothing:
    """Something that can be finalized."""


weakref.finalize(_Nothing(), int)  # lets the registry of finalizers enter itself with atexit now


@dataclass
class Discord:
    """What stands behind the webhook.

    Attributes:
        mood: what it answers, a name in `MOODS`.
        arrived: the bodies of the alerts that it took.
    """

    mood: str = "well"
    arrived: list[bytes] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        if self.mood == "well":
            self.arrived.append(request.body)
        return MOODS[self.mood]


@contextlib.contextmanager
def imported_anew(subject: Subject) -> Iterator[None]:
    """Let the tree's modules be imported as on the day of the process's start, and run what they left for its end."""
    mine = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
    before = {name: sys.modules.pop(name) for name in mine}
    at_exit: list[Callable[[], object]] = []

    def register(function: Any, *args: Any, **kwargs: Any) -> Any:
        at_exit.append(lambda: function(*args, **kwargs))
        return function

    try:
        with mock.patch.object(atexit, "register", register), mock.patch.object(os, "_exit"):
            yield
            for function in reversed(at_exit):
                function()
    finally:
        for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
            del sys.modules[name]
        sys.modules.update(before)


@contextlib.contextmanager
def unlogged() -> Iterator[None]:
    """Log nothing: pytest keeps records, and with their tracebacks the connections that are to be forgotten."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def sessions_noted() -> Iterator[list[aiohttp.ClientSession]]:
    """Note every session that is made, and keep it from being collected."""
    sessions: list[aiohttp.ClientSession] = []
    make: Any = aiohttp.ClientSession.__init__

    def make_and_note(session: aiohttp.ClientSession, *args: Any, **kwargs: Any) -> None:
        make(session, *args, **kwargs)
        sessions.append(session)

    with mock.patch.object(aiohttp.ClientSession, "__init__", make_and_note):
        yield sessions


class Bot:
    """Whoever uses the alert manager."""

    def __init__(self, subject: Subject, discord: Discord) -> None:
        """Import the tree's alert manager."""
        self.manager = subject.monitoring.alerting.alert_manager
        self._subject = subject
        self._discord = discord
        self._kinds = 0

    async def do(self, act: Act) -> None:
        """Do something."""
        if act in MOODS:
            self._discord.mood = act
            return
        doing: Callable[[], Any] = getattr(self, act.replace(" ", "_"))
        await doing()

    async def alert(self) -> None:
        """Send an alert; what was said to be delivered has arrived."""
        self._kinds += 1
        title = f"alert-{self._kinds}-title"
        try:
            delivered = await self.manager.send_alert(
                title=title, description="text", alert_type=f"kind {self._kinds}", severity="critical"
            )
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise AssertionError(f"an alert raised {error!r} with a server that is {self._discord.mood}") from error
        times = sum(title.encode() in body for body in self._discord.arrived)
        assert times or not delivered, "an alert that was said to be delivered did not arrive"
        assert times <= 1, f"an alert arrived {times} times"

    async def several(self) -> None:
        """Send alerts at once."""
        await asyncio.gather(*(self.alert() for _ in range(3)))

    async def cancelled(self) -> None:
        """Send alerts that are cancelled, each somewhat later than the one before."""
        for turns in range(3):
            task = asyncio.ensure_future(self.alert())
            for _ in range(turns * 2):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled() or task.exception() is None, f"a cancelled alert raised {task.exception()!r}"

    async def session(self) -> None:
        """Use the session for a request of one's own."""
        if not hasattr(self.manager, "_get_session"):
            return
        sessions = [await self._session(), await self._session()]
        try:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with sessions[0].post(WEBHOOK, json={}) as response:
                    await response.read()
        except RuntimeError as error:
            raise AssertionError(f"a session was handed out that cannot be used in this event loop: {error}") from error
        finally:
            if sessions[0] is not sessions[1]:  # a session of the caller's own, to be closed by the caller
                for session in sessions:
                    await session.close()

    async def _session(self) -> Any:
        session = self.manager._get_session()
        return await session if inspect.isawaitable(session) else session

    async def close(self) -> None:
        """Close the manager."""
        closing = self.manager.close()
        if inspect.isawaitable(closing):
            await closing

    async def shut_down(self) -> None:
        """Shut the bot down in order."""
        with contextlib.suppress(SystemExit):
            await self._subject.reliability.shutdown_manager.shutdown_manager.shutdown("the test")


ACTS = ["alert", "several", "cancelled", "session", "close"]
ENDS = ["close", "shut down"]

loops = st.lists(
    st.lists(st.sampled_from([*ACTS, "alert", *sorted(MOODS)]), max_size=4),
    min_size=1,
    max_size=3,
)


CONFIGURED = {"ALERT_WEBHOOK_URL": WEBHOOK, "ALERT_COOLDOWN_SECONDS": "0"}


@FUZZ.tries
@given(histories=loops, end=st.sampled_from(ENDS), in_new_loop=st.booleans())
def test_any_history(*, subject: Subject, histories: list[list[Act]], end: str, in_new_loop: bool) -> None:
    """Whatever became of its alerts, and in whatever loop it is ended, a manager leaves no session open."""
    every = [[*acts] for acts in histories]
    if in_new_loop:
        every.append([])
    every[-1].append(end)
    discord = Discord()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(WebServer(discord))
        stack.enter_context(everything_sent_to(server.port))
        stack.enter_context(mock.patch.dict(os.environ, CONFIGURED))
        stack.enter_context(unlogged())
        stack.enter_context(imported_anew(subject))
        sessions = stack.enter_context(sessions_noted())
        bot = Bot(subject, discord)
        for acts in every:
            asyncio.run(_lived(bot, acts))
    left = [session for session in sessions if not session.closed]
    for session in left:
        session.detach()
    assert not left, f"{len(left)} client sessions are left open after {every}"


async def _lived(bot: Bot, acts: list[Act]) -> None:
    """Do all acts, in one event loop."""
    async with asyncio.timeout(PATIENCE):
        for act in acts:
            await bot.do(act)
