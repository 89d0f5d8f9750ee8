"""A signal may not reach the event loop.

A signal handler runs in the main thread, in the middle of whatever that thread does. If it makes a task without waking
the loop, an idle bot goes on sleeping until something else happens: Ctrl+C or a stop by the service manager seems to be
ignored, and the bot is killed later with its clean-up undone. Where no loop runs, the same handler raises and the
clean-up is lost. A task that nobody holds may also be collected before it is done.

Each case is a real process whose event loop is idle, without a timer, when the signal comes. The Windows cases run
elsewhere on a loop that, like the one Windows has by default, takes neither signal handlers nor readers. Windows itself
wakes that loop for every signal; a selector loop, which some libraries ask for, sleeps on there unless it is woken.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from harness.parts.process import CTRL_BREAK_HEARD, SUBJECT, Child, Crowd

if TYPE_CHECKING:
    from pathlib import Path

    from harness.subject import Subject

ON_WINDOWS = sys.platform == "win32"
SILENCE = 3.0
"""Seconds, beyond those it took to start, after which a child that does nothing about a signal has missed it."""

MOMENT = 1.0
"""Seconds that a process may need from its last word to its end."""

IDLE_BOT = (
    SUBJECT
    + CTRL_BREAK_HEARD
    + """
import asyncio, ctypes, gc, selectors, signal, sys, unittest.mock, weakref
root, platform, setups = sys.argv[1:]
simulated = platform == "windows" and sys.platform != "win32"
from utils.reliability.shutdown_manager import ShutdownManager

class Selector(selectors.DefaultSelector):
    def select(self, timeout=None):
        if timeout is None or timeout > 0:
            print("idle", flush=True)
        return super().select(timeout)

class Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__(Selector())

class WindowsLikeLoop(Loop):
    def add_signal_handler(self, *args):
        raise NotImplementedError
    remove_signal_handler = add_reader = remove_reader = add_signal_handler

if simulated:
    sys.platform = "win32"
    signal.SIGBREAK = signal.SIGUSR1
    signal.CTRL_C_EVENT, signal.CTRL_BREAK_EVENT = 0, 1
    ctypes.windll = ctypes.WinDLL = unittest.mock.MagicMock()
factory = WindowsLikeLoop if simulated else None if platform == "windows" else Loop
manager = ShutdownManager(timeout=10.0, force_exit=False)

def set_up(loop):
    if setups != "async":
        manager.setup_signal_handlers()
    if setups != "sync":
        manager.setup_async_signal_handlers(loop)

def collect(reference, finish):
    gc.collect()
    waiter = reference()
    if waiter is None:
        print("the task was lost", flush=True)
        finish()
    else:
        waiter.set_result(None)

async def idle():
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def finish():
        loop.call_soon_threadsafe(done.set)

    async def clean_up():
        here = asyncio.get_running_loop()
        waiter = here.create_future()
        here.call_soon(collect, weakref.ref(waiter), finish)
        await waiter
        print("in its loop" if here is loop else "in another loop", flush=True)
        print("cleaned up", flush=True)
        finish()

    manager.register("clean-up", clean_up)
    set_up(loop)
    if factory is None:
        print("idle", flush=True)
    await done.wait()

async def earlier_run():
    set_up(asyncio.get_running_loop())

if setups == "restarted":
    with asyncio.Runner() as runner:
        runner.run(earlier_run())
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(idle())
print("ended by itself", flush=True)
"""
)

BOT_WITHOUT_LOOP = (
    SUBJECT
    + CTRL_BREAK_HEARD
    + """
import time
from utils.reliability.shutdown_manager import ShutdownManager
manager = ShutdownManager(timeout=10.0, force_exit=False)

async def clean_up():
    print("cleaned up", flush=True)

manager.register("clean-up", clean_up)
manager.setup_signal_handlers()
print("idle", flush=True)
for _ in range(12_000 if sys.platform == "win32" else 0):
    time.sleep(0.05)  # Windows interrupts no wait for a signal: its handler is called between two of them
sys.stdin.read()
"""
)


def requires_shutdown_manager(subject: Subject) -> None:
    """Say that the finding does not apply to a tree without the module or the class."""
    assert subject.reliability.shutdown_manager.ShutdownManager


def started(child: Child, name: str) -> Child:
    """Wait until a child sleeps in its event loop, or wherever it waits."""
    idle = child.says("idle")
    assert idle, f"{name}: the signal handlers could not be set up: {last_words(child)}"
    return child


def last_words(child: Child) -> str:
    """Return the last line that a child printed, which is the exception where there was one."""
    said = [line.strip() for line in child.printed if line.strip() and line != "idle"]
    return said[-1] if said else "nothing was printed"


ASKED = "SIGBREAK" if ON_WINDOWS else "SIGTERM"
"""The signal that asks a process to end."""

CASES = (
    [
        ("windows", "both", "SIGBREAK"),
        ("windows", "restarted", "SIGBREAK"),
        ("windows selector", "both", "SIGBREAK"),
    ]
    if ON_WINDOWS
    else [
        ("posix", "async", "SIGTERM"),
        ("posix", "sync", "SIGTERM"),
        ("posix", "both", "SIGINT"),
        ("posix", "restarted", "SIGTERM"),
        ("windows", "both", "SIGINT"),
    ]
)
"""Platform, which handlers are set up (``restarted``: both, in an earlier loop too), signal."""


def test_a_signal_begins_the_clean_up(subject: Subject, tmp_path: Path) -> None:
    """A signal that comes while the loop sleeps makes the clean-up run in that loop; without a loop it is not lost."""
    requires_shutdown_manager(subject)
    begun = time.monotonic()
    with Crowd() as children:
        idle = {
            (platform, setups, name): children.python("-c", IDLE_BOT, subject.root, platform, setups, cwd=tmp_path)
            for platform, setups, name in CASES
        }
        without_loop = children.python("-c", BOT_WITHOUT_LOOP, subject.root, cwd=tmp_path)
        for (platform, setups, name), bot in idle.items():
            started(bot, f"{platform}, {setups}").send(getattr(signal, name))
        started(without_loop, "no loop").send(getattr(signal, ASKED))
        signalled = time.monotonic()
        silent = signalled + SILENCE + (signalled - begun)
        for (platform, setups, name), bot in idle.items():
            cleans_up_in_its_loop(bot, f"{name} ({platform}, {setups})", silent)
        loses_no_signal(without_loop, silent)


def cleans_up_in_its_loop(bot: Child, case: str, silent: float) -> None:
    """See that a bot with an idle loop cleans up and ends; ``silent`` is when it should have said so."""
    cleaned = bot.says("cleaned up", max(0.0, silent - time.monotonic()))
    assert cleaned or bot.ends(MOMENT), f"{case} did not wake the idle loop; no clean-up ran"
    assert "the task was lost" not in bot.printed, f"{case}: the task of the clean-up was collected midway"
    assert cleaned, f"{case}: the process ended without its clean-up: {last_words(bot)}"
    assert "in its loop" in bot.printed, f"{case}: the clean-up ran in another loop than the bot's"
    assert bot.ends(), f"{case}: the process did not end after its clean-up"


def loses_no_signal(bot: Child, silent: float) -> None:
    """See that a bot without a loop cleans up or ends, and that its signal handler does not break."""
    cleaned = bot.says("cleaned up", max(0.0, silent - time.monotonic()))
    assert cleaned or bot.ends(MOMENT), f"{ASKED} was swallowed while no loop ran"
    broken = [line for line in bot.printed if line.startswith("RuntimeError")]
    assert cleaned or not broken, f"the signal handler broke while no loop ran: {last_words(bot)}"
