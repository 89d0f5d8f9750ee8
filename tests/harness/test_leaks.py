"""The leak oracle has teeth: each kind of thing that a test leaves behind fails that test, by name, and no other."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from harness import holdings
from harness.holdings import Holdings, left_behind
from harness.parts.webserver import Reply, WebServer
from harness.project import HOME

if TYPE_CHECKING:
    from pathlib import Path

CULPRITS = """\
import asyncio
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import aiohttp
import pytest

LEFT = []


def test_thread():
    threading.Thread(target=threading.Event().wait, name="left here", daemon=True).start()


async def test_task():
    LEFT.append(asyncio.create_task(asyncio.Event().wait(), name="left here"))


def test_socket():
    LEFT.append(socket.create_server(("127.0.0.1", 0)))


def test_descriptor():
    LEFT.append(os.open(__file__, os.O_RDONLY))


def test_file():
    LEFT.append(open(__file__))


async def test_session():
    LEFT.append(aiohttp.ClientSession())


def test_process():
    LEFT.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))


def test_connection():
    LEFT.append(sqlite3.connect(":memory:"))


def test_temporary():
    pathlib.Path(tempfile.gettempdir(), "left here").touch()


def test_loop():
    LEFT.append(asyncio.new_event_loop())


async def test_standstill():
    threading.Event().wait(3.0)


async def test_computing():
    begin = time.thread_time()
    while time.thread_time() - begin < 1.0:
        pass


@pytest.fixture(scope="module")
def wide():
    with socket.socket() as held:
        yield held


def test_innocent_wide(wide):
    pass


def test_innocent_wide_and_late(request):
    request.getfixturevalue("late")


@pytest.fixture(scope="module")
def late():
    with socket.socket() as held, tempfile.TemporaryDirectory():
        yield held


async def test_innocent_closing():
    task = asyncio.create_task(asyncio.sleep(0.2))
    thread = threading.Thread(target=time.sleep, args=(0.2,))
    thread.start()
    LEFT.append((task, thread))


def test_innocent_garbage():
    held = [socket.socket()]
    held.append(held)


async def test_innocent_of_many_callbacks():
    begin = time.monotonic()
    while time.monotonic() - begin < 1.0:
        await asyncio.sleep(0)


def test_failing():
    LEFT.append(socket.socket())
    raise AssertionError("of its own")
"""
GUILTY = {
    "thread": r"left behind: the thread 'left here', started at .*test_culprits\.py:\d+ in test_thread$",
    "task": r"left behind: the task left here of Event\.wait, at ",
    "socket": r"left behind: the socket \('127\.0\.0\.1', \d+\).* made at .*in test_socket$",
    "descriptor": r"left behind: the descriptor \d+",
    "file": r"left behind: the descriptor \d+",
    "session": r"left behind: the HTTP session <.*ClientSession.*>, made at .*in test_session$",
    "process": r"the process \d+ .*input\(\).*, made at .*in test_process",
    "connection": r"left behind: the database connection <.*Connection.*>, made at .*in test_connection$",
    "temporary": r"left behind: the temporary file left here$",
    "loop": r"left behind: .*, made at .*in test_loop",
    "standstill": r"a callback has kept its event loop, it stood still for .*in test_standstill",
    "computing": r"a callback has kept its event loop, it computed for .*in test_computing",
}
INNOCENT = ("wide", "wide_and_late", "closing", "garbage", "of_many_callbacks")


PATIENCE = {"not innocent": 0.2, "innocent": holdings.PATIENCE}
"""Seconds for those who leave something for good, and for the others."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run the culprits once, in processes of their own; return what pytest said of each, empty where it passed."""
    folder = tmp_path_factory.mktemp("culprits")
    (folder / "test_culprits.py").write_text(CULPRITS, encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nblocked_after = 0.6\nfilterwarnings = ignore\n", encoding="utf-8"
    )
    return {name: said for who in PATIENCE for name, said in _outcomes_of(who, folder).items()}


def _outcomes_of(who: str, folder: Path) -> dict[str, list[str]]:
    report = folder / "report.xml"
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "harness.leaks", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *("-o", f"leak_patience={PATIENCE[who]}", "-k", who, "--rootdir", str(folder)),
            *("--basetemp", str(folder / "tmp"), f"--junitxml={report}", str(folder)),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(HOME)},
        check=False,
        stdout=subprocess.DEVNULL,
    )
    return _read(report)


def _read(report: Path) -> dict[str, list[str]]:
    cases = ET.parse(report).iter("testcase")  # noqa: S314  pytest has just written it
    found: dict[str, list[str]] = {}
    for case in cases:
        said = [(part.get("message") or "") + (part.text or "") for part in case if part.tag in {"error", "failure"}]
        found.setdefault(case.attrib["name"].removeprefix("test_"), []).extend(said)
    return found


@pytest.mark.parametrize("kind", GUILTY)
def test_what_is_left_is_named(outcomes: dict[str, list[str]], kind: str) -> None:
    """A test that leaves something is an error at its teardown, which says what was left and where it was made."""
    assert len(outcomes[kind]) == 1, outcomes[kind]
    text = outcomes[kind][0]
    assert "failed on teardown" in text
    assert re.search(GUILTY[kind], text, re.MULTILINE | re.DOTALL), text


@pytest.mark.parametrize("name", INNOCENT)
def test_nobody_else_is_blamed(outcomes: dict[str, list[str]], name: str) -> None:
    """Fixtures of a wider scope hold what they like, what is closing may close, garbage is no leak."""
    assert outcomes[f"innocent_{name}"] == []


def test_a_failure_is_told_alone(outcomes: dict[str, list[str]]) -> None:
    """A test that fails is not blamed for what it left as well, which its own traceback may hold."""
    (said,) = outcomes["failing"]
    assert "of its own" in said
    assert "left behind" not in said


def test_every_culprit_was_run(outcomes: dict[str, list[str]]) -> None:
    """The run went through to its end."""
    assert set(outcomes) == {*GUILTY, *(f"innocent_{name}" for name in INNOCENT), "failing"}


def test_descriptors_are_seen_where_no_folder_lists_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system lists no descriptors, as on Windows, each number is tried; Windows tells the name otherwise."""
    monkeypatch.setattr(holdings, "DESCRIPTORS", None)
    before = Holdings.now(outside=False)
    descriptor = os.open(__file__, os.O_RDONLY)
    left = Holdings.now(outside=False).left_since(before)
    os.close(descriptor)
    (told,) = left
    name = r", .*test_leaks\.py" if sys.platform == "win32" else ""
    assert re.fullmatch(rf"the descriptor {descriptor}{name}", told)
    assert Holdings.now(outside=False).left_since(before) == []


def test_a_server_that_serves_on_leaves_no_more_than_its_connections() -> None:
    """A connection is named at both its ends, the first one too; what waits for the next client is the server's."""
    with WebServer(lambda _: Reply()) as server:
        before = Holdings.now(outside=False)
        for client in range(1, 3):
            with socket.create_connection(("127.0.0.1", server.port)):
                assert server.wait_until(lambda: server.connected)
                left = Holdings.now(outside=False).left_since(before)
                assert [each.split("(")[0] for each in left] == ["the socket "] * 2, (client, left)
            assert left_behind(before, outside=False) == []
