"""The shutdown manager and signals: what they begin, in which loop, and that a process that is stuck still ends."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import select
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.parts.process import Crowd
from reference.utils.reliability.loop_signals import SignalHandlers, WakeUp
from reference.utils.reliability.shutdown_manager import STUCK_GRACE, ShutdownManager

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.posix("sends POSIX signals")
FOREVER = 3600.0

BOT = """
import asyncio, sys, time
from reference.utils.reliability.shutdown_manager import ShutdownManager
manager = ShutdownManager(timeout=TIMEOUT, force_exit=FORCE, exit_code=7)
async def stuck():
    print("stuck", flush=True)
    await asyncio.Event().wait()
async def blocking():
    print("stuck", flush=True)
    time.sleep(3600)
manager.register("handler", HANDLER, timeout=3600)
async def main():
    manager.setup_async_signal_handlers()
    print("up", flush=True)
    await manager.wait_for_shutdown()
asyncio.run(main())
"""


@pytest.fixture
def manager() -> Iterator[ShutdownManager]:
    """A manager that leaves this process as it found it."""
    manager = ShutdownManager(timeout=10.0)
    yield manager
    manager.restore_signal_handlers()


async def nothing() -> None:
    """Do nothing, as a handler."""


async def test_signal_handlers_come_back(manager: ShutdownManager) -> None:
    """What handled the signals before does so again after the shutdown."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    assert manager.setup_signal_handlers()
    assert manager.setup_async_signal_handlers(asyncio.get_running_loop())
    assert signal.getsignal(signal.SIGTERM) == manager._signal_handler
    await manager.shutdown()
    assert {name: signal.getsignal(name) for name in before} == before


async def test_only_the_main_thread_sets_signal_handlers(
    manager: ShutdownManager, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked in another thread, the manager says that it cannot, and changes nothing."""
    before = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()
    assert not await asyncio.to_thread(manager.setup_signal_handlers)
    assert not await asyncio.to_thread(manager.setup_async_signal_handlers, loop)
    await asyncio.to_thread(manager.restore_signal_handlers)
    sentence = "signal handlers can be set in the main thread only; signals will not begin the shutdown"
    assert caplog.messages == [sentence] * 2
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_handler_set_outside_python_becomes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that Python cannot put back, because C code set it, gives way to the default one."""
    handlers = SignalHandlers()
    handlers._previous[signal.SIGTERM] = None
    before = signal.getsignal(signal.SIGTERM)
    handlers.restore()
    assert signal.signal(signal.SIGTERM, before) is signal.SIG_DFL


async def test_a_signal_reaches_a_loop_in_another_thread(
    manager: ShutdownManager, caplog: pytest.LogCaptureFixture
) -> None:
    """The chosen loop does the work wherever it runs, and names of unknown signals are no trouble.

    The log begins with what asked for the end, and the tasks that work on it are named after what they do.
    """
    caplog.set_level(logging.INFO)
    names: set[str] = set()

    async def look() -> None:
        names.update(task.get_name() for task in asyncio.all_tasks())

    manager.register("look", look)
    manager.setup_async_signal_handlers(asyncio.get_running_loop())
    await asyncio.to_thread(manager._signal_handler, 250, None)
    report = await manager.wait_for_shutdown()
    assert report.signal_name == "signal 250"
    assert caplog.messages == ["signal 250: shutting down", "shutdown (signal 250): ran: look"]
    assert {"shutdown", "shutdown by signal 250", "shutdown handler look"} <= names


def watchdogs(manager: ShutdownManager) -> list[threading.Timer]:
    """Return the manager's timers that run; on Windows pytest-timeout has one of its own."""
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    return [timer for timer in timers if timer.function == manager._exit_now]


@pytest.mark.parametrize(("exit_code", "expected"), [(0, 1), (7, 7)])
async def test_a_clean_up_that_blocks_the_loop_is_ended(
    manager: ShutdownManager, exit_code: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the overall time the process ends, and its exit code says that this was not in order."""
    ended, codes = threading.Event(), list[int]()

    def note(code: int) -> None:
        codes.append(code)
        ended.set()

    monkeypatch.setattr(manager, "_exit_now", note)
    manager.register("blocks", ended.wait, on_loop=True)
    manager.exit_code, manager.timeout = exit_code, -STUCK_GRACE
    manager._begin(asyncio.get_running_loop(), "SIGTERM")
    manager.timeout = FOREVER
    assert (await manager.wait_for_shutdown()).ran == ("blocks",)
    assert codes == [expected]


async def test_the_watchdog_of_a_clean_up_goes_with_it(
    manager: ShutdownManager, caplog: pytest.LogCaptureFixture
) -> None:
    """It gives all the time and a bit more, keeps no process alive, and is called off; without force there is none."""
    loop = asyncio.get_running_loop()
    manager.register("handler", nothing)
    caplog.set_level(logging.INFO)
    manager._begin(loop, "SIGTERM")
    (watchdog,) = watchdogs(manager)
    assert (watchdog.interval, watchdog.daemon) == (manager.timeout + STUCK_GRACE, True)
    await manager.wait_for_shutdown()
    await asyncio.to_thread(watchdog.join, manager.timeout)
    assert not watchdog.is_alive()
    assert caplog.messages == ["SIGTERM: shutting down", "shutdown (SIGTERM): ran: handler"]
    manager.reset()
    manager.force_exit = False
    manager._begin(loop, "SIGTERM")
    assert not watchdogs(manager)
    assert (await manager.wait_for_shutdown()).ran == ("handler",)


def test_a_signal_without_a_loop_cleans_up_and_exits(
    manager: ShutdownManager, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no loop runs, or it is closed just then, the handlers run at once and the exit code is kept."""

    class Closed:
        def is_running(self) -> bool:
            return True

        def call_soon_threadsafe(self, *_: object) -> None:
            raise RuntimeError("Event loop is closed")

    caplog.set_level(logging.DEBUG, "reference.utils.reliability.shutdown_manager")
    manager.exit_code = 5
    manager.register("handler", nothing)
    for loop in (None, Closed()):
        manager.reset()
        if loop is not None:
            manager._loop = loop  # type: ignore[assignment]
        with pytest.raises(SystemExit) as exited:
            manager._signal_handler(signal.SIGTERM, None)
        assert exited.value.code == 5
        assert manager.report is not None
        assert (manager.report.ran, manager.report.signal_name) == (("handler",), "SIGTERM")
    done = "shutdown (SIGTERM): ran: handler"
    said = [record.getMessage() for record in caplog.records if "shutdown_manager" in record.name]
    assert said == [done, "the event loop was closed as SIGTERM came", done]


def test_a_second_signal_without_force_interrupts(manager: ShutdownManager) -> None:
    """Where the process may not be ended at once, a second signal is a KeyboardInterrupt."""
    manager.force_exit = False
    manager._signals_received = 1
    with pytest.raises(KeyboardInterrupt):
        manager._signal_handler(signal.SIGINT, None)


def test_a_second_signal_with_force_ends_the_process(manager: ShutdownManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code tells the signal, as in a shell."""
    monkeypatch.setattr(os, "_exit", lambda code: (_ for _ in ()).throw(SystemExit(code)))
    manager._signals_received = 1
    with pytest.raises(SystemExit) as exited:
        manager._signal_handler(signal.SIGTERM, None)
    assert exited.value.code == 128 + signal.SIGTERM


def test_a_process_without_streams_ends_at_once_too(manager: ShutdownManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without a console has no streams, one whose reader is gone cannot write: neither holds up the end."""
    codes = list[int]()
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(sys, "stdout", None)
    with io.StringIO() as closed:
        monkeypatch.setattr(sys, "stderr", closed)
    manager._exit_now(3)
    assert codes == [3]


@POSIX
@pytest.mark.parametrize(
    ("handler", "timeout", "signals", "exit_code"),
    [("stuck", 3600.0, 2, 143), ("blocking", 3600.0, 2, 143), ("blocking", -1.8, 1, 7), ("asyncio.Event", 60, 1, 0)],
)
def test_a_real_process_always_ends(handler: str, timeout: float, signals: int, exit_code: int, tmp_path: Path) -> None:
    """A second signal, or the overall deadline where the loop is blocked, ends a process that is stuck."""
    code = BOT.replace("TIMEOUT", str(timeout)).replace("FORCE", "True").replace("HANDLER", handler)
    if timeout < 0:
        code = code.replace("async def main", "manager.shutdown = lambda name: blocking()\nasync def main")
    with Crowd() as children:
        bot = children.python("-c", code, cwd=PROJECT)
        assert bot.says("up"), bot.printed
        bot.send(signal.SIGTERM)
        if handler != "asyncio.Event":
            assert bot.says("stuck"), bot.printed
        if signals > 1:
            bot.send(signal.SIGTERM)
        assert bot.ends(), bot.printed
        assert bot.exit_code == exit_code, bot.printed


@POSIX
async def test_a_signal_wakes_a_windows_selector_loop() -> None:
    """Where a select is not interrupted by signals, a socket of our own wakes the loop, and is taken away again."""
    loop, wake_up, heard = asyncio.get_running_loop(), WakeUp(), asyncio.Event()
    assert not wake_up.attach(loop, "linux")
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    assert wake_up.attach(loop, "win32")
    assert wake_up._sockets is not None
    receiver, sender = wake_up._sockets
    signal.raise_signal(signal.SIGUSR1)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not select.select([receiver], [], [], 0)[0], "the loop did not read what woke it"
    loop.remove_reader(receiver)
    with suppress(BlockingIOError):
        while True:
            sender.send(bytes(4096))
    signal.raise_signal(signal.SIGUSR1)  # more than fits, and no trouble
    with suppress(BlockingIOError):
        while True:
            receiver.recv(65536)
    loop.add_reader(receiver, heard.set)
    signal.raise_signal(signal.SIGUSR1)
    async with asyncio.timeout(5):
        await heard.wait()
    for _ in range(2):
        wake_up._drain(receiver)
    number = receiver.fileno()
    wake_up.detach()
    assert not loop.remove_reader(number)
    signal.signal(signal.SIGUSR1, before)
    assert signal.set_wakeup_fd(-1) == -1


def test_a_loop_without_readers_needs_no_wake_up() -> None:
    """The loop that Windows has by default cannot watch a socket, and wakes by itself: nothing is attached to it."""

    class WithoutReaders(asyncio.SelectorEventLoop):
        """A loop that cannot watch a file descriptor."""

        def add_reader(self, *_: object) -> None:
            """Refuse, as the proactor loop does."""
            raise NotImplementedError

    loop, wake_up = WithoutReaders(), WakeUp()
    assert not wake_up.attach(loop, "win32")
    assert signal.set_wakeup_fd(-1) == -1
    loop.close()


def test_a_wake_up_of_a_closed_loop_is_taken_away() -> None:
    """Detaching after the loop was closed closes the sockets alone."""
    loop, wake_up = asyncio.new_event_loop(), WakeUp()
    wake_up.attach(loop, "win32")
    loop.close()
    wake_up.detach()
    wake_up.detach()
    assert signal.set_wakeup_fd(-1) == -1
