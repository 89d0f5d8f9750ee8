"""From outside into an event loop: an event for many loops, a way to wake a loop, a place for signal handlers."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNAL_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")
"""What asks a process to end; SIGBREAK exists on Windows only, where Ctrl+Break and closing the console send it."""

WAKE_BYTES = 64

CLOSING = frozenset({2, 5, 6})
"""What a console of Windows tells before it ends its processes: it is closed, the user logs off, the system stops."""

CLOSING_SECONDS = 10.0
"""More than Windows waits for a handler of these (5 for a console that is closed)."""


class ManyLoopsEvent:
    """Something that happens once, and that tasks of any event loop can wait for.

    ``asyncio.Event`` belongs to one loop; this one keeps a future per waiter and wakes each in its own loop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._waiters: set[asyncio.Future[None]] = set()

    def is_set(self) -> bool:
        """Tell whether it happened."""
        return self._is_set

    def set(self) -> None:
        """Let it happen: all waiters go on."""
        with self._lock:
            self._is_set = True
            waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            with suppress(RuntimeError):  # its loop is closed: nobody waits any more
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    async def wait(self) -> None:
        """Wait until it happens, in whatever loop is running."""
        waiter = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._is_set:
                return
            self._waiters.add(waiter)
        try:
            await waiter
        finally:
            with self._lock:
                self._waiters.discard(waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class SignalHandlers:
    """Handlers put in the place of others, which come back on ``restore``."""

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._console: Any = None

    def install(self, handler: Callable[[int, Any], None]) -> bool:
        """Handle the signals that this platform knows; tell whether the interpreter lets this thread do so."""
        if threading.current_thread() is not threading.main_thread():
            return False
        for signum in (getattr(signal, name, None) for name in SIGNAL_NAMES):
            if signum is not None:
                previous = signal.signal(signum, handler)
                self._previous.setdefault(signum, previous)
        if sys.platform == "win32" and self._console is None:
            self._console = watch_closing(ctypes.WinDLL("kernel32"), self._begin_end)
        return True

    def _begin_end(self) -> bool:
        """Let a closed console begin what SIGBREAK begins; tell whether anybody handles it."""
        if self._previous:
            signal.raise_signal(getattr(signal, "SIGBREAK", signal.SIGTERM))
        return bool(self._previous)

    def restore(self) -> None:
        """Put back what was there before; handlers not set from Python cannot be, and become the default."""
        for signum, previous in self._previous.items():
            signal.signal(signum, signal.SIG_DFL if previous is None else previous)
        self._previous.clear()


def watch_closing(kernel32: Any, begin_end: Callable[[], bool], hold: Callable[[float], object] = time.sleep) -> Any:
    """Hold up the end that comes with a closed console until the process has ended by itself, or its time is over.

    The C runtime makes SIGBREAK of such an event and returns at once; Windows then ends the process in the midst of its
    clean-up. The console calls its handlers in a thread of its own, so one that waits holds up nothing else.

    Args:
        kernel32: the system's library.
        begin_end: begins the clean-up; False where there is none, and nothing is held up.
        hold: waits for a number of seconds.

    Returns:
        The handler, which must be kept: the console calls it as long as the process lives.
    """

    def on_event(event: int) -> bool:
        if event not in CLOSING or not begin_end():
            return False
        hold(CLOSING_SECONDS)
        return True

    prototype = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
    handler = prototype(ctypes.c_int, ctypes.c_uint32)(on_event)
    kernel32.SetConsoleCtrlHandler(handler, 1)
    return handler


class WakeUp:
    """Wakes a loop that sleeps in ``select`` when a signal comes in: Windows does not do so by itself.

    A POSIX system call is interrupted by a signal, and the proactor loop of Windows has a wake-up socket already.
    What is left is the selector loop of Windows, on which Ctrl+C would wait for the next timer.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    def attach(self, loop: asyncio.AbstractEventLoop, platform: str = sys.platform) -> bool:
        """Let signals wake a loop; called in the main thread.

        Returns:
            Whether a wake-up socket of our own was needed.
        """
        self.detach()
        if platform != "win32":
            return False
        receiver, sender = socket.socketpair()
        for end in (receiver, sender):
            end.setblocking(False)
        try:
            loop.add_reader(receiver, self._drain, receiver)
        except NotImplementedError:  # the proactor loop: it has no readers and needs none
            receiver.close()
            sender.close()
            return False
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        self._loop, self._sockets = loop, (receiver, sender)
        return True

    @staticmethod
    def _drain(receiver: socket.socket) -> None:
        with suppress(BlockingIOError):
            receiver.recv(WAKE_BYTES)

    def detach(self) -> None:
        """Undo ``attach``; harmless where there is nothing to undo."""
        if self._sockets is None or self._loop is None:
            return
        signal.set_wakeup_fd(-1)
        if not self._loop.is_closed():
            self._loop.remove_reader(self._sockets[0])
        for end in self._sockets:
            end.close()
        self._loop = self._sockets = None
