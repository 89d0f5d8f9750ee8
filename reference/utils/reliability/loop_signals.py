"""From outside into an event loop: an event for many loops, a way to wake a loop, a place for signal handlers."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNAL_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")
"""What asks a process to end; SIGBREAK exists on Windows only, where Ctrl+Break and closing the console send it."""

WAKE_BYTES = 64


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

    def install(self, handler: Callable[[int, Any], None]) -> bool:
        """Handle the signals that this platform knows; tell whether the interpreter lets this thread do so."""
        if threading.current_thread() is not threading.main_thread():
            return False
        for signum in (getattr(signal, name, None) for name in SIGNAL_NAMES):
            if signum is not None:
                previous = signal.signal(signum, handler)
                self._previous.setdefault(signum, previous)
        return True

    def restore(self) -> None:
        """Put back what was there before; handlers not set from Python cannot be, and become the default."""
        for signum, previous in self._previous.items():
            signal.signal(signum, signal.SIG_DFL if previous is None else previous)
        self._previous.clear()


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
