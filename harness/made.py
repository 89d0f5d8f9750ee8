"""Notes what is made while tests run, and where: sockets, threads, processes, HTTP sessions, database connections."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if sys.platform == "win32":
    from asyncio.windows_events import IocpProactor

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

DEEPEST = 60
"""Frames that are looked at to find out who made something."""

TOLD = 3
"""Frames that are told of them, the innermost first."""

FOREIGN = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {"<", __file__, str(Path(__file__).with_name("watch.py"))}
)
"""Beginnings of the file names of frames that nobody is interested in."""


class Connection(sqlite3.Connection):
    """A database connection that can be referred to weakly."""


@dataclass(frozen=True)
class Thing:
    """Something that was made.

    Attributes:
        number: how many things had been made before it.
        kind: what it is, in words.
        target: a weak reference to it.
        origin: where it was made, the innermost frame first.
    """

    number: int
    kind: str
    target: weakref.ref[Any]
    origin: str

    @property
    def is_open(self) -> bool:
        """Whether it is there and holds something."""
        target = self.target()
        return target is not None and KINDS[self.kind](target)

    def __str__(self) -> str:
        return f"the {self.kind} {_name_of(self.target())}, made at {self.origin}"


def _is_usable(connection: sqlite3.Connection) -> bool:
    try:
        return connection.total_changes >= 0
    except sqlite3.Error:
        return False


def _runs(process: subprocess.Popen[Any]) -> bool:
    """Tell whether a child runs, and leave its exit code to whoever waits for it."""
    if not process.pid:  # the system refused to start it
        return False
    if process.returncode is not None or not hasattr(os, "waitid"):
        return process.returncode is None and process.poll() is None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


KINDS: dict[str, Callable[[Any], bool]] = {
    "thread": lambda thread: bool(thread.is_alive()),
    "socket": lambda open_socket: open_socket.fileno() != -1,
    "process": _runs,
    "HTTP session": lambda session: not session.closed,
    "database connection": _is_usable,
}
"""What is noted, and how one tells that it is still open."""


class Register:
    """The things that were made while it was installed."""

    def __init__(self) -> None:
        self._things: dict[int, Thing] = {}
        self._numbers = itertools.count()
        self._installed = contextlib.ExitStack()

    def note(self, kind: str, target: Any) -> None:
        """Take note of something that has just been made."""
        key = id(target)
        things = self._things
        gone = weakref.ref(target, lambda _: things.pop(key, None))
        things[key] = Thing(next(self._numbers), kind, gone, _origin(sys._getframe(1)))  # noqa: SLF001  documented

    def count(self) -> int:
        """Return a number that is higher than those of all things made before, and lower than those of later ones."""
        return next(self._numbers)

    def opened_since(self, number: int) -> list[Thing]:
        """Return what was made after a count and is open, in the order in which it was made."""
        found = [thing for thing in list(self._things.values()) if thing.number > number and thing.is_open]
        return sorted(found, key=lambda thing: thing.number)

    def origin_of(self, target: Any) -> str:
        """Return where something was made, as far as that was noted."""
        thing = self._things.get(id(target))
        return thing.origin if thing else "a place that was not noted"

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Take note of everything that is made meanwhile."""
        with contextlib.ExitStack() as self._installed:
            self._watch("thread", threading.Thread, "start")
            self._watch("socket", socket.socket, "__init__")
            self._watch("process", subprocess.Popen, "__init__")
            if sys.platform == "win32":
                self._watch_accepting(IocpProactor)
            self._installed.enter_context(mock.patch.object(sqlite3, "connect", self._noting_connections()))
            yield

    def watch_sessions(self) -> None:
        """Take note of HTTP sessions as well, once aiohttp has been imported."""
        session = getattr(sys.modules.get("aiohttp"), "ClientSession", None)
        if session is not None and not hasattr(session.__init__, "__wrapped__"):
            self._watch("HTTP session", session, "__init__")

    def _watch(self, kind: str, owner: type[Any], name: str) -> None:
        make = getattr(owner, name)

        @functools.wraps(make)
        def made(target: Any, *args: Any, **options: Any) -> Any:
            self.note(kind, target)
            return make(target, *args, **options)

        self._installed.enter_context(mock.patch.object(owner, name, made))

    def _watch_accepting(self, owner: Any) -> None:
        """Take note of a server's sockets as they get a client: a proactor makes one ahead for each next client."""
        make, accept = owner._get_accept_socket, owner.accept  # noqa: SLF001  where they are made

        def made(proactor: Any, family: int) -> Any:
            ahead = make(proactor, family)
            self._things.pop(id(ahead), None)
            return ahead

        def accepting(proactor: Any, server: socket.socket) -> Any:
            client = accept(proactor, server)
            client.add_done_callback(self._note_client)
            return client

        self._installed.enter_context(mock.patch.object(owner, "_get_accept_socket", made))
        self._installed.enter_context(mock.patch.object(owner, "accept", accepting))

    def _note_client(self, client: asyncio.Future[Any]) -> None:
        if not client.cancelled() and client.exception() is None:
            self.note("socket", client.result()[0])

    def _noting_connections(self) -> Callable[..., sqlite3.Connection]:
        connect = sqlite3.connect

        @functools.wraps(connect)
        def connected(database: Any, *args: Any, **options: Any) -> sqlite3.Connection:
            if len(args) < 5:
                options.setdefault("factory", Connection)
            found: sqlite3.Connection = connect(database, *args, **options)
            with contextlib.suppress(TypeError):
                self.note("database connection", found)
            return found

        return connected


MADE = Register()
"""The one register of this process."""


def _origin(frame: Any) -> str:
    found: list[str] = []
    for _ in range(DEEPEST):
        if frame is None or len(found) == TOLD:
            break
        code = frame.f_code
        if not code.co_filename.startswith(FOREIGN):
            found.append(f"{code.co_filename}:{frame.f_lineno} in {code.co_name}")
        frame = frame.f_back
    return ", called by ".join(found) or "a place outside the project"


def _name_of(target: Any) -> str:
    if isinstance(target, socket.socket):
        with contextlib.suppress(OSError):
            return f"{target.getsockname()} (descriptor {target.fileno()})"
    if isinstance(target, subprocess.Popen):
        return f"{target.pid} {target.args!r}"
    return repr(getattr(target, "name", target))
