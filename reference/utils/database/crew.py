"""The threads in which SQLite is used: few, shared by all connections, daemons of no event loop.

A connection's tasks are done one after another, each in whichever thread is free. So many short queries keep one or
two threads busy instead of waking a thread each, and a long one holds up no other connection.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Crew", "Inbox", "crew"]


class Crew:
    """Threads that come as they are needed: one is added when work waits and no thread does."""

    def __init__(self) -> None:
        """Make a crew of nobody."""
        self._ready: SimpleQueue[Inbox] = SimpleQueue()
        self._lock = threading.RLock()  # a connection that is collected meanwhile is closed by this very crew
        self._idle = 0  # below zero: so many inboxes wait for a thread that could not be had
        self._size = 0

    @property
    def size(self) -> int:
        """How many threads there are."""
        return self._size

    def serve(self, inbox: Inbox) -> None:
        """Have an inbox emptied soon.

        Raises:
            RuntimeError: the crew is empty and the system gives it no thread.
        """
        with self._lock:
            if self._idle <= 0:
                self._hire()
            self._idle -= 1
            self._ready.put(inbox)

    def _hire(self) -> None:
        """Add a thread; where none can be had, those that are there take its work over."""
        thread = threading.Thread(target=self._work, name=f"sqlite {self._size + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self._size:
                raise
        else:
            self._size += 1
            self._idle += 1

    def _work(self) -> None:
        while True:
            inbox = self._ready.get()
            inbox.empty()
            del inbox
            with self._lock:
                self._idle += 1


class Inbox:
    """Tasks that are done in the order in which they came, never two at once."""

    __slots__ = ("_crew", "_is_served", "_lock", "_tasks")

    def __init__(self, crew: Crew) -> None:
        """Have tasks done by a crew."""
        self._crew = crew
        self._lock = threading.Lock()
        self._tasks: deque[Callable[[], object]] = deque()
        self._is_served = False

    def put(self, task: Callable[[], object]) -> None:
        """Have a task done after those before it; it must not raise.

        Raises:
            RuntimeError: there is no thread to do it, and none can be had.
        """
        with self._lock:
            self._tasks.append(task)
            if self._is_served:
                return
            self._is_served = True
        try:
            self._crew.serve(self)
        except RuntimeError:
            with self._lock:
                self._is_served = False
                self._tasks.remove(task)
            raise

    def empty(self) -> None:
        """Do what is there, and what comes meanwhile."""
        while True:
            with self._lock:
                if not self._tasks:
                    self._is_served = False
                    return
                task = self._tasks.popleft()
            task()
            del task


crew = Crew()
"""The crew of the process; it has no threads before a database is opened."""
