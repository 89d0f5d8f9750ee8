"""What torture does to a scenario: which calls it can make fail, and what it finds wrong about how one ends."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from fuzz.fallible import APPARATUS
from fuzz.surface import entered, public_coroutines
from fuzz.torture import NEVER, Tormentor, held_locks
from harness.parts.webserver import Reply, WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from harness.subject import Subject


def fsync() -> None:
    """Write a file through to the disk."""
    with Path("file").open("wb") as file:
        os.fsync(file.fileno())


def rename() -> None:
    """Put a file in the place of another one."""
    Path("file").touch()
    Path("file").replace("other")


def resolve() -> None:
    """Look a name up."""
    socket.getaddrinfo("localhost", 80)


def converse() -> None:
    """Connect, accept, write and read."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as one,
        server.accept()[0] as other,
        other.makefile("rb") as file,
    ):
        one.sendall(b"hello\n")
        assert file.readline() == b"hello\n"


def save() -> None:
    """Write a file."""
    with Path("file").open("w", encoding="utf-8") as file:
        file.write("hello")


def spawn() -> None:
    """Run a process."""
    subprocess.run([sys.executable, "-c", ""], check=True)


def start() -> None:
    """Run a thread."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def query() -> None:
    """Write into a database."""
    with closing(sqlite3.connect("file.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,)])
        connection.commit()


CALLS: dict[str, tuple[Callable[[], None], type[Exception]]] = {
    "fsync": (fsync, OSError),
    "rename": (rename, PermissionError),
    "unlink": (lambda: Path("file").unlink(missing_ok=True), PermissionError),
    "mkdir": (lambda: Path("folder").mkdir(), PermissionError),
    "open": (save, OSError),
    "write": (save, OSError),
    "DNS": (resolve, socket.gaierror),
    "accept": (converse, ConnectionAbortedError),
    "read": (converse, ConnectionResetError),
    "spawn": (spawn, OSError),
    "thread start": (start, RuntimeError),
    "connect": (query, sqlite3.OperationalError),
    "execute (CREATE)": (query, sqlite3.OperationalError),
    "executemany": (query, sqlite3.OperationalError),
    "commit": (query, sqlite3.OperationalError),
}


async def tried(tormentor: Tormentor, work: Callable[[], None]) -> BaseException | None:
    """Do some work, disturbed; return what came out of it."""

    async def working() -> None:
        work()

    return await tormentor.over(working())


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_fails_in_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A call that is made to fail fails as it does in life, once, and what follows from it counts as explained."""
    monkeypatch.chdir(tmp_path)
    work, error = CALLS[name]
    first = Tormentor()
    with first.at_work():
        assert await tried(first, work) is None
    assert name in first.calls
    (tmp_path / "file.db").unlink(missing_ok=True)
    (tmp_path / "folder").rmdir() if name == "mkdir" else None
    second = Tormentor(fail_at=first.calls.index(name) + 1)
    with second.at_work():
        failure = await tried(second, work)
    assert isinstance(failure, error)
    assert second.struck
    assert second.is_explained
    assert str(second) == f"its call {second.fail_at}, {name}, failed"


async def test_half_of_what_was_to_be_written_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full takes the first half."""
    monkeypatch.chdir(tmp_path)
    tormentor = Tormentor(fail_at=2)
    with tormentor.at_work():
        await tried(tormentor, save)
    assert Path("file").read_text(encoding="utf-8") == "he"  # noqa: ASYNC240


@pytest.mark.parametrize("call", ["write", "read"])
async def test_a_server_hangs_up(call: str) -> None:
    """A client of aiohttp whose write or read fails hears of a connection that is lost."""
    with WebServer(lambda _request: Reply(b"hello")) as server:

        async def ask() -> None:
            async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{server.port}/") as response:
                assert await response.read() == b"hello"

        first = Tormentor()
        with first.at_work():
            assert await first.over(ask()) is None
        second = Tormentor(fail_at=first.calls.index(call) + 1)
        with second.at_work():
            assert isinstance(await second.bear(ask(), aiohttp.ClientError), aiohttp.ClientError)


async def test_the_apparatus_is_spared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls in the threads of a test's own servers are not counted and do not fail."""
    monkeypatch.chdir(tmp_path)
    tormentor, failures = Tormentor(fail_at=2), list[Exception]()

    def save_there() -> None:
        try:
            save()
        except OSError as error:
            failures.append(error)

    def work() -> None:
        thread = threading.Thread(target=save_there, name=f"{APPARATUS[0]} of a test")
        thread.start()
        thread.join()

    with tormentor.at_work():
        assert await tried(tormentor, work) is None
    assert (tormentor.calls, failures) == (["thread start"], [])


async def swallow() -> None:
    """Go on when cancelled."""
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        await asyncio.sleep(0)


async def fail() -> None:
    """Fail for a reason of its own."""
    await asyncio.sleep(0)
    raise LookupError("lost")


@pytest.mark.parametrize(
    ("work", "cancel_at", "said"),
    [(swallow, 1, "as if it had not been cancelled"), (fail, NEVER, "it raised LookupError")],
)
async def test_an_ending_that_nobody_was_told_of_is_found(
    work: Callable[[], Coroutine[None, None, None]], cancel_at: int, said: str
) -> None:
    """A cancellation that is swallowed and an error that is not documented are found; what is expected is not."""
    with pytest.raises(AssertionError, match=said):
        await Tormentor(cancel_at=cancel_at).bear(work())
    await Tormentor(cancel_at=cancel_at).bear(work(), LookupError, swallows=True)


def test_held_locks_are_named() -> None:
    """Locks of threads and of event loops that somebody holds are named by their owner."""

    class Owner:
        def __init__(self) -> None:
            self.one, self.other, self.number = threading.Lock(), asyncio.Lock(), 1

    owner = Owner()
    assert held_locks(owner) == []
    with owner.one:
        assert held_locks(owner) == ["Owner.one"]


def test_the_surface_is_found(subject: Subject) -> None:
    """Async methods and functions that are public are found by name, and those that run are seen."""
    codes = public_coroutines()
    name = "utils.reliability.throttle.Throttle.acquire"
    assert name in codes
    assert not [found for found in codes if "Protocol" in found or "._" in found.replace(".__a", "")]
    gate = subject.reliability.throttle.Throttle(1, 1.0)
    with entered() as seen:
        asyncio.run(gate.acquire())
    assert codes[name] in seen
    assert codes["utils.reliability.throttle.Throttle.wait"] not in seen
