"""The calls that can fail, and what stands between a scenario and each of them.

A failing call fails as it does in life: a disk is full, a name is not found, a server hangs up, no more threads or
processes can be had. It has done nothing then, but for a write to a file, half of which is done.
"""

from __future__ import annotations

import asyncio
import errno
import pathlib
import socket
import sqlite3
import subprocess
import sys
import threading
from dataclasses import dataclass
from os import strerror
from typing import TYPE_CHECKING, Any, Protocol, Self
from unittest import mock

import aiohttp.client_proto
import aiohttp.http_writer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

APPARATUS = ("web server", "watch over", "execnet")
"""Threads, by the beginning of their names, that belong to the test: their calls are no calls of the scenario."""


class Judge(Protocol):
    """Says whether it is a call's turn to fail."""

    def error_of(self, name: str, make: Callable[[], BaseException]) -> BaseException | None:
        """Count a call; return the error that it is to fail with, None for none."""


@dataclass(frozen=True)
class Call:
    """A function of the standard library that can fail.

    Attributes:
        name: what people call it.
        owner: the class or module that holds it.
        attribute: its name there.
        error: makes what it raises.
    """

    name: str
    owner: Any
    attribute: str
    error: Callable[[], BaseException]


def failing(number: int) -> Callable[[], OSError]:
    """Return what makes the error of a number of `errno`, of the class that Python has for it."""
    return lambda: OSError(number, strerror(number))


def _calls() -> Iterator[Call]:
    import os  # noqa: PLC0415  the module is the owner of what is replaced

    yield Call("fsync", os, "fsync", failing(errno.EIO))
    yield Call("rename", pathlib.Path, "replace", failing(errno.EACCES))
    yield Call("unlink", pathlib.Path, "unlink", failing(errno.EACCES))
    yield Call("mkdir", pathlib.Path, "mkdir", failing(errno.EACCES))
    yield Call("DNS", socket, "getaddrinfo", lambda: socket.gaierror(socket.EAI_AGAIN, "Temporary failure"))
    yield Call("connect", socket.socket, "connect", failing(errno.ECONNREFUSED))
    if sys.platform == "win32":
        yield Call("connect", asyncio.IocpProactor, "connect", failing(errno.ECONNREFUSED))
    yield Call("accept", socket.socket, "accept", failing(errno.ECONNABORTED))
    yield Call("read", socket.SocketIO, "readinto", failing(errno.ECONNRESET))
    yield Call("write", socket.socket, "sendall", failing(errno.EPIPE))
    yield Call("spawn", subprocess.Popen, "_execute_child", failing(errno.ENOMEM))
    yield Call("thread start", threading.Thread, "start", lambda: RuntimeError("can't start new thread"))


def standing_between(judge: Judge) -> Iterator[Any]:
    """Yield the patches that put a judge before every fallible call."""
    for call in _calls():
        yield mock.patch.object(call.owner, call.attribute, _standing_in(call, judge))
    yield mock.patch.object(pathlib.Path, "open", _opening(judge))
    yield mock.patch.object(sqlite3, "connect", connecting(judge))
    for owner, attribute, name in (
        (aiohttp.client_proto.ResponseHandler, "data_received", "read"),
        (aiohttp.http_writer.StreamWriter, "write_headers", "write"),
    ):
        yield mock.patch.object(owner, attribute, _hanging_up(getattr(owner, attribute), name, judge))


def judged(judge: Judge, name: str, make: Callable[[], BaseException]) -> None:
    """Raise the error that a call is to fail with, if it is its turn; calls of the apparatus never fail."""
    if threading.current_thread().name.startswith(APPARATUS):
        return
    error = judge.error_of(name, make)
    if error is not None:
        raise error


def _standing_in(call: Call, judge: Judge) -> Any:
    actual = getattr(call.owner, call.attribute)

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        judged(judge, call.name, call.error)
        return actual(*args, **kwargs)

    return stand_in


def _hanging_up(actual: Any, name: str, judge: Judge) -> Any:
    """Have the other side be gone as one of asyncio's transports reads or writes, which it then tells its protocol."""

    def stand_in(user: Any, *args: Any) -> Any:
        try:
            judged(judge, name, failing(errno.ECONNRESET))
        except OSError as error:
            if user.transport is not None:
                user.transport._fatal_error(error)
            if name == "read":
                return None
        return actual(user, *args)

    return stand_in


def _opening(judge: Judge) -> Any:
    """Return ``Path.open`` whose files can fail in what they are told to write."""
    actual = pathlib.Path.open

    def stand_in(path: pathlib.Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        judged(judge, "open", failing(errno.EMFILE))
        file = actual(path, mode, *args, **kwargs)
        return file if mode in {"r", "rb"} else _Written(file, judge)

    return stand_in


class _Written:
    """An open file; what it does is the file's own, once the judge lets it."""

    def __init__(self, file: Any, judge: Judge) -> None:
        self._file = file
        self._judge = judge

    def write(self, content: Any) -> Any:
        try:
            judged(self._judge, "write", failing(errno.ENOSPC))
        except OSError:
            self._file.write(content[: len(content) // 2])
            raise
        return self._file.write(content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def connecting(judge: Judge) -> Any:
    """Return ``sqlite3.connect`` whose connections can fail in what they are asked."""
    connect = sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, *args: Any) -> Any:
            judged(judge, f"execute ({str(args[0]).split(None, 1)[0]})", _full)
            return super().execute(*args)

        def executemany(self, *args: Any) -> Any:
            judged(judge, "executemany", _full)
            return super().executemany(*args)

        def commit(self) -> None:
            judged(judge, "commit", lambda: sqlite3.OperationalError("disk I/O error"))
            super().commit()

    def opened(path: str | os.PathLike[str], **options: Any) -> Any:
        judged(judge, "connect", lambda: sqlite3.OperationalError("unable to open database file"))
        options.setdefault("factory", Connection)
        return connect(path, **options)

    return opened


def _full() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("database or disk is full")
