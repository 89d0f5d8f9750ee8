"""JSON files of what is in the database, for people and other programs to read.

Many changes in a row make one file. A file is written beside its place and then put there, so a reader sees the old
or the new one; one that was deleted is not put back by an export that was under way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..fast_json import json_dumps_bytes  # noqa: TID252  the package is loaded under two names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Producer = Callable[[], Awaitable[Any]]

__all__ = ["DEBOUNCE_SECONDS", "Exporter"]

logger = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 2.0
"""How long changes are collected before a file is written."""


class Exporter:
    """Writes files some time after what they show has changed.

    What is due outlives an event loop: a later one, such as that of the clean-up, can still write it.
    """

    def __init__(self, folder: Callable[[], Path], delay: float = DEBOUNCE_SECONDS) -> None:
        """Describe where files go; nothing is made.

        Args:
            folder: asked for each file.
            delay: seconds for which changes are collected.
        """
        self._folder = folder
        self._delay = delay
        self._lock = threading.Lock()
        self._due: dict[str, Producer] = {}
        self._deleted: Counter[str] = Counter()
        self._timer: tuple[asyncio.AbstractEventLoop, asyncio.TimerHandle] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> list[str]:
        """The files that are due."""
        return sorted(self._due)

    def schedule(self, name: str, producer: Producer) -> None:
        """Write a file soon.

        Args:
            name: of the file.
            producer: returns what it is to hold, when it is time; where that is empty there will be no file.
        """
        loop = _running_loop()
        with self._lock:
            self._due[name] = producer
            if loop is not None and (self._timer is None or self._timer[0] is not loop):
                self._timer = loop, loop.call_later(self._delay, self._start)

    def _start(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self.flush())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _take(self) -> list[tuple[str, Producer, int]]:
        with self._lock:
            due, self._due = self._due, {}
            timer, self._timer = self._timer, None
            if timer is not None and timer[0] is _running_loop():
                timer[1].cancel()
            return [(name, producer, self._deleted[name]) for name, producer in due.items()]

    async def flush(self) -> None:
        """Write all files that are due; one that cannot be written stays due, and does not keep the others from it."""
        todo = self._take()
        while todo:
            name, producer, deleted = todo[0]
            try:
                await self._export(name, producer, deleted)
            except asyncio.CancelledError:
                self._take_back(todo)
                raise
            except Exception:
                logger.exception("%s could not be exported; it is tried again with the next files", name)
                self._take_back(todo[:1])
            todo.pop(0)

    def _take_back(self, todo: list[tuple[str, Producer, int]]) -> None:
        with self._lock:
            for name, producer, deleted in todo:
                if self._deleted[name] == deleted:
                    self._due.setdefault(name, producer)

    async def settle(self) -> None:
        """Write all files that are due, and wait for those under way in this loop."""
        await self.flush()
        loop = asyncio.get_running_loop()
        if running := [task for task in self._running if task.get_loop() is loop and not task.done()]:
            await asyncio.wait(running)

    async def _export(self, name: str, producer: Producer, deleted: int) -> None:
        data = await producer()
        if data:
            await asyncio.to_thread(self._put, name, json_dumps_bytes(data), deleted)
        else:
            await asyncio.to_thread(self._remove, name, deleted)

    def _put(self, name: str, content: bytes, deleted: int) -> None:
        """Put a file in its place, unless it was deleted since its content was asked for."""
        folder = self._folder()
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{name}.{uuid4().hex}.part"
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with self._lock:
                if self._deleted[name] == deleted:
                    beside.replace(folder / name)
        finally:
            beside.unlink(missing_ok=True)

    def _remove(self, name: str, deleted: int) -> None:
        """Remove the file of what became empty, unless it was deleted since that was asked for."""
        with self._lock:
            if self._deleted[name] == deleted:
                self._unlink(name)

    async def delete(self, name: str) -> None:
        """Remove a file, and see to it that no export under way puts it back."""
        await asyncio.to_thread(self._delete, name)

    def _delete(self, name: str) -> None:
        with self._lock:
            self._deleted[name] += 1
            self._due.pop(name, None)
            self._unlink(name)

    def _unlink(self, name: str) -> None:
        (self._folder() / name).unlink(missing_ok=True)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
