"""Signals at every moment of a bot's event loop, and of the code that handles them: none is lost, none counts twice.

The loop is asyncio's own. Its selector knows when the loop is about to sleep; there, or before a chosen line of the
tree, a real signal is raised. The loop then was woken or sleeps on, which is seen at once. Wherever the signal comes,
the clean-up runs once, in the bot's own loop, to its end; and where no loop runs, it is not lost either.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import selectors
import signal
import sys
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import bounds
from fuzz.budget import fuzzer
from fuzz.explore import explore
from fuzz.schedule import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
SETUPS = ("both", "sync") if sys.platform == "win32" else ("both", "sync", "async")
LATE = 5.0
"""Real seconds that a thread of the tree gets to wake a loop that sleeps."""


class LostError(AssertionError):
    """The clean-up did not run as it should after a signal."""


class Selector(selectors.DefaultSelector):
    """A selector that says when its loop is about to sleep, and does not let it sleep for ever."""

    before_sleep: Callable[[], None] = staticmethod(lambda: None)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for what comes, unless nothing will."""
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        self.before_sleep()
        woken = super().select(LATE if timeout is None else timeout)
        if not woken and timeout is None:
            raise LostError("the signal did not wake the idle loop, or began nothing there; no clean-up ran")
        return woken


@dataclass
class Bot:
    """A bot whose clean-up is watched.

    Attributes:
        signum: the signal that comes.
        script: whether it comes before the next line of the tree; it comes at the latest when the loop is idle.
        is_asked: whether the bot itself asks for the clean-up too.
        ran: handlers that ran, in order.
        is_signalled: whether it came.
        is_late: whether it came when the clean-up was done.
        problem: what went wrong, a sentence.
    """

    subject: Subject
    signum: int
    script: Script
    is_asked: bool
    ran: list[str] = field(default_factory=list)
    is_signalled: bool = False
    is_late: bool = False
    problem: str = ""

    def __post_init__(self) -> None:
        self.manager = self.subject.reliability.shutdown_manager.ShutdownManager(timeout=10.0, force_exit=False)
        self._owns = functools.cache(self.subject.owns)

    def come(self) -> None:
        """Raise the signal, once."""
        if not self.is_signalled:
            self.is_signalled, self.is_late = True, "last" in self.ran
            try:
                signal.raise_signal(self.signum)
            except (KeyboardInterrupt, SystemExit) as ended:
                if not self.is_asked:  # else it insists on an end that is under way
                    raise LostError(f"the process ended without its clean-up: {ended!r}") from ended
            except Exception as error:
                raise LostError(f"the signal handler broke: {type(error).__name__}: {error}") from error

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Let the signal come before a line of the tree."""
        if not self._owns(frame.f_code.co_filename):
            return None
        if event == "line" and not self.is_signalled and self.script.choose(2):
            self.come()
        return self.trace

    def set_up(self, setups: str, loop: asyncio.AbstractEventLoop) -> None:
        """Set up the tree's signal handlers, in one way or both."""
        if setups != "async":
            self.manager.setup_signal_handlers()
        if setups != "sync":
            self.manager.setup_async_signal_handlers(loop)

    async def live(self, setups: str, names: list[str]) -> None:
        """Live until the clean-up is over.

        Args:
            setups: which signal handlers are set up.
            names: handlers that are registered, in order, before and after the signal handlers are set up.
        """
        loop: Any = asyncio.get_running_loop()
        over = asyncio.Event()
        ending = functools.partial(loop.call_soon_threadsafe, over.set)
        for name in names[::2]:
            self.manager.register(name, self.handler(name, loop, ending))
        self.set_up(setups, loop)
        loop._selector.before_sleep = self.come
        sys.settrace(self.trace)
        try:
            await self._rest(names, loop, ending, over)
        finally:
            sys.settrace(None)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=LATE)

    async def _rest(self, names: list[str], loop: Any, ending: Callable[[], Any], over: asyncio.Event) -> None:
        for name in names[1::2]:
            self.manager.register(name, self.handler(name, loop, ending))
        lowest = max(self.subject.reliability.shutdown_manager.Priority)
        self.manager.register("last", self.handler("last", loop, ending), lowest)
        if self.is_asked:
            await self.manager.shutdown("request")
        await over.wait()

    def handler(self, name: str, loop: asyncio.AbstractEventLoop, ending: Callable[[], Any]) -> Callable[[], Any]:
        """Return a clean-up that nobody but its own task holds while it waits."""

        async def clean_up() -> None:
            here = asyncio.get_running_loop()
            waiter = here.create_future()
            here.call_soon(self._collect, weakref.ref(waiter), ending)
            await waiter
            self.ran.append(name)
            if here is not loop:
                self.problem = "the clean-up ran in another loop than the bot's"
            if name == "last" or self.problem:
                ending()

        return clean_up

    def _collect(self, reference: Callable[[], Any], ending: Callable[[], Any]) -> None:
        gc.collect(1)
        waiter = reference()
        if waiter is None:
            self.problem = "the task of the clean-up was collected midway"
            ending()
        else:
            waiter.set_result(None)

    def judge(self, names: list[str]) -> None:
        """See that every handler ran once, where it should."""
        if self.problem:
            raise LostError(self.problem)
        twice = sorted({name for name in self.ran if self.ran.count(name) > 1})
        missing = [name for name in [*names, "last"] if name not in self.ran]
        assert not twice, f"the clean-up ran twice: {', '.join(twice)}"
        assert not missing, f"the clean-up ran without {', '.join(missing)}"


@contextlib.contextmanager
def own_signals() -> Iterator[list[int]]:
    """Keep this process alive whatever a tree does about signals; yield the signals that reached nobody."""
    unheard: list[int] = []
    before = {signum: signal.getsignal(signum) for signum in ENDINGS}
    wake_up = signal.set_wakeup_fd(-1)
    for signum in ENDINGS:
        signal.signal(signum, lambda number, _: unheard.append(number))
    try:
        yield unheard
    finally:
        signal.set_wakeup_fd(wake_up)
        for signum, handler in before.items():
            signal.signal(signum, handler)


def play(
    subject: Subject,
    setups: str,
    signum: int,
    names: list[str],
    script: Script,
    *,
    asked: bool = False,
    earlier: bool = False,
) -> None:
    """Let a bot live, in one event loop after another where it had an earlier one, and signal it."""
    bot = Bot(subject, signum, script, asked)
    with own_signals() as unheard:
        if earlier:
            with contextlib.closing(asyncio.SelectorEventLoop()) as loop:
                loop.run_until_complete(_set_up(bot, setups))
        with contextlib.closing(asyncio.SelectorEventLoop(Selector())) as loop:
            try:
                loop.run_until_complete(bot.live(setups, names))
            except (KeyboardInterrupt, SystemExit) as ended:
                if not asked:  # else it insists on an end that is under way
                    raise LostError(f"the process ended without its clean-up: {ended!r}") from ended
                return
            finally:
                sys.settrace(None)
                _wind_up(loop)
        assert bot.is_late or not unheard, "a signal reached nobody, though its handlers were set up"
    bot.judge(names)


async def _set_up(bot: Bot, setups: str) -> None:
    bot.set_up(setups, asyncio.get_running_loop())


def _wind_up(loop: Any) -> None:
    """End what is left of a loop that failed."""
    loop._selector.before_sleep = lambda: None
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        with contextlib.suppress(LostError, KeyboardInterrupt, SystemExit):
            loop.run_until_complete(asyncio.wait(left, timeout=LATE))


CASES = [(setups, asked, False) for setups in SETUPS for asked in (False, True)] + [("both", False, True)]


@pytest.mark.parametrize(("setups", "asked", "earlier"), CASES)
def test_a_signal_at_every_moment(
    *, subject: Subject, setups: str, asked: bool, earlier: bool, replay: str | None
) -> None:
    """Whether it comes while the loop sleeps or before any line of the tree, one signal makes one clean-up."""
    signal_play = functools.partial(
        play, subject, setups, signal.SIGTERM, ["first", "second"], asked=asked, earlier=earlier
    )
    explored = explore(lambda script: signal_play(script=script), departures=1, most=FUZZ.examples, replay=replay)
    bounds.note(FUZZ, f"{setups}{', asked for too' if asked else ''}{', after a restart' if earlier else ''}", explored)


@FUZZ.tries
@given(
    setups=st.sampled_from(SETUPS),
    signum=st.sampled_from(ENDINGS),
    names=st.lists(st.sampled_from("abcdef"), unique=True, max_size=4),
    moment=st.none() | st.integers(0, 100),
    asked=st.booleans(),
    earlier=st.booleans(),
)
def test_any_signal_at_any_moment(
    *, subject: Subject, setups: str, signum: int, names: list[str], moment: int | None, asked: bool, earlier: bool
) -> None:
    """Any signal, however its handlers were set up and whatever was registered, makes one clean-up."""
    script = Script({} if moment is None else {moment: 1})
    play(subject, setups, signum, names, script, asked=asked, earlier=earlier)


def test_a_signal_without_a_loop(subject: Subject) -> None:
    """A signal that comes while no loop runs cleans up, or ends the process; it is neither lost nor an error."""
    manager = subject.reliability.shutdown_manager.ShutdownManager(timeout=10.0, force_exit=False)
    ran: list[str] = []

    async def clean_up() -> None:
        ran.append("clean-up")

    manager.register("clean-up", clean_up)
    ended = False
    with own_signals() as unheard:
        manager.setup_signal_handlers()
        try:
            signal.raise_signal(signal.SIGTERM)
        except (KeyboardInterrupt, SystemExit):
            ended = True
        except Exception as error:
            raise AssertionError(f"the signal handler broke while no loop ran: {error}") from error
    assert not unheard, "a signal reached nobody, though its handlers were set up"
    assert ran or ended, "SIGTERM was swallowed while no loop ran"
    assert ran.count("clean-up") <= 1, "the clean-up ran twice"
