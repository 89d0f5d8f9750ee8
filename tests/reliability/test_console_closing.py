"""A console of Windows that is closed: what it tells, and how long its end is held up."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

import pytest

from harness.parts.process import PATIENCE, Crowd
from harness.project import HOME
from reference.utils.reliability.loop_signals import CLOSING, CLOSING_SECONDS, SignalHandlers, watch_closing

CTRL_C, CTRL_BREAK, CTRL_CLOSE = 0, 1, 2

BOT = """
import asyncio, sys, threading
from reference.utils.reliability.shutdown_manager import ShutdownManager
manager = ShutdownManager(timeout=10.0)
async def clean_up():
    print("held up" if console.is_alive() else "lost", flush=True)
manager.register("clean-up", clean_up)
async def main():
    global console
    manager.setup_async_signal_handlers()
    console = threading.Thread(target=manager._signals._console, args=(2,), daemon=True)
    console.start()
    await manager.wait_for_shutdown()
asyncio.run(main())
print("ended by itself", flush=True)
"""


class Console:
    """kernel32, as far as it keeps handlers of console events."""

    def __init__(self) -> None:
        """Make a console without handlers."""
        self.handlers: list[Any] = []

    def SetConsoleCtrlHandler(self, handler: Any, add: int) -> int:  # noqa: N802  the system's name
        """Add a handler."""
        assert add
        self.handlers.append(handler)
        return 1


def watched(*, has_clean_up: bool = True) -> tuple[Any, list[Any]]:
    """Watch a console; return its handler and what it did: ``begun``, and the seconds for which it held up."""
    console = Console()
    did: list[Any] = []

    def begin_end() -> bool:
        did.append("begun")
        return has_clean_up

    handler = watch_closing(console, begin_end, did.append)
    assert console.handlers == [handler]
    return handler, did


@pytest.mark.parametrize("event", sorted(CLOSING))
def test_a_closed_console_begins_the_end_and_waits_for_it(event: int) -> None:
    """The clean-up is begun, and the console is kept waiting longer than Windows waits."""
    handler, did = watched()
    assert handler(event)
    assert did == ["begun", CLOSING_SECONDS]


@pytest.mark.parametrize("event", [CTRL_C, CTRL_BREAK, 3, 99])
def test_other_events_are_left_to_others(event: int) -> None:
    """Ctrl+C and Ctrl+Break go on to the handler of the C runtime, which makes signals of them."""
    handler, did = watched()
    assert not handler(event)
    assert not did


def test_without_a_clean_up_nothing_is_held_up() -> None:
    """Where no signal handlers are set any more, a closed console ends the process as ever."""
    handler, did = watched(has_clean_up=False)
    assert not handler(CTRL_CLOSE)
    assert did == ["begun"]


@pytest.mark.windows("the system's own console is asked")
def test_a_bot_ends_in_order_when_its_console_is_closed() -> None:
    """The clean-up runs in the bot's loop while the console waits, and the process ends before the console does."""
    with Crowd() as children:
        bot = children.python("-c", BOT, cwd=HOME)
        assert bot.says("held up", 3 * PATIENCE), bot.printed
        assert bot.says("ended by itself"), bot.printed
        assert bot.ends(CLOSING_SECONDS / 2), "the process waits for its console"
        assert bot.exit_code == 0


@pytest.mark.posix("on Windows, the console keeps what is installed")
def test_a_console_begins_what_a_signal_begins() -> None:
    """Where handlers of signals are installed one of them is called, and it is said whether there was one."""
    handlers, heard = SignalHandlers(), list[int]()
    assert not handlers._begin_end()
    try:
        assert handlers.install(lambda number, _frame: heard.append(number))
        assert handlers._begin_end()
    finally:
        handlers.restore()
    assert not handlers._begin_end()
    assert heard == [signal.SIGTERM]


def test_a_signal_raised_by_the_console_is_heard_in_the_main_thread() -> None:
    """A thread that is not the main one may raise the signal, as the console does; the main thread handles it."""
    number = getattr(signal, "SIGBREAK", signal.SIGTERM)
    heard = []
    before = signal.signal(number, lambda *_: heard.append(threading.current_thread()))
    try:
        console = threading.Thread(target=signal.raise_signal, args=(number,))
        console.start()
        console.join()
    finally:
        signal.signal(number, before)
    assert heard == [threading.main_thread()], sys.platform
