"""What Windows does otherwise, where the project rests on it: loops, signals, open files, paths, faults of Wine's."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from harness import elsewhere
from harness.patch import parse
from harness.project import HOME
from reference.utils.database.database import Database
from reference.utils.reliability.loop_signals import WakeUp

WINDOWS = pytest.mark.windows("the system's own behaviour is asked for")


@WINDOWS
def test_the_loop_of_windows_takes_neither_signals_nor_readers() -> None:
    """The loop that one gets there by default refuses both, so that no signal may be left to it."""
    loop: Any = asyncio.new_event_loop()
    try:
        assert type(loop).__name__ == "ProactorEventLoop"
        with pytest.raises(NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, print)
        with pytest.raises(NotImplementedError):
            loop.add_reader(0, print)
        assert not WakeUp().attach(loop), "the proactor loop has a wake-up of its own"
    finally:
        loop.close()


@WINDOWS
@pytest.mark.filterwarnings(
    # Wine refuses one of two threads that send on one socket at once (WinError 10035); the other's byte wakes the loop
    "ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("factory", ["ProactorEventLoop", "SelectorEventLoop"])
def test_a_signal_wakes_either_loop(factory: str) -> None:
    """A signal raised in another thread, as the console raises it, is heard by a loop that sleeps."""
    heard = []
    number = getattr(signal, "SIGBREAK", signal.SIGINT)

    async def sleep() -> None:
        done, loop, wake_up = asyncio.Event(), asyncio.get_running_loop(), WakeUp()
        before = signal.signal(number, lambda *_: loop.call_soon_threadsafe(done.set))
        assert wake_up.attach(loop) == (factory == "SelectorEventLoop")
        console = threading.Thread(target=signal.raise_signal, args=(number,))
        console.start()
        try:
            async with asyncio.timeout(10):
                heard.append(await done.wait())
        finally:
            console.join()
            wake_up.detach()
            signal.signal(number, before)

    with asyncio.Runner(loop_factory=getattr(asyncio, factory)) as runner:
        runner.run(sleep())
    assert heard == [True]


@WINDOWS
async def test_an_open_database_cannot_be_removed_and_a_closed_one_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is held while the database is open; after its end no handle is left, to file, log or memory."""
    monkeypatch.setattr(Database, "_instance", None)
    database = Database()
    folder = tmp_path / "data"
    database.db_path = str(folder / "bot.db")
    await database.init_schema()
    with pytest.raises(PermissionError):
        Path(database.db_path).unlink()  # noqa: ASYNC240  the loop has nothing else to do
    assert await database.close_pool()
    shutil.rmtree(folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["a folder with spaces & (signs) %PATH%", "Größe ไทย 漢字", "deep" * 30])
def test_an_interpreter_runs_at_an_awkward_place(tmp_path: Path, name: str) -> None:
    """Spaces, signs of the shell, letters of other scripts and long names in a path change nothing."""
    place = tmp_path / name
    place.mkdir()
    (place / "here.py").write_text("import sys\nsys.exit(0 if sys.argv[1] == 'ไ & %PATH%' else 1)\n", encoding="utf-8")
    places = f"{place}|{tmp_path / 'cache'}"
    command = [sys.executable, elsewhere.__file__, "run", places, "-m", "here", "ไ & %PATH%"]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


def test_a_patch_and_its_target_may_differ_in_line_endings(tmp_path: Path) -> None:
    """A checkout of Windows has CRLF where the patch has LF; it applies, and the file keeps its own."""
    (tmp_path / "a.py").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    parse("--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n").apply(tmp_path)
    assert (tmp_path / "a.py").read_bytes() == b"one\r\n2\r\nthree\r\n"


def test_what_was_compiled_once_is_kept(tmp_path: Path) -> None:
    """The modules' bytecode goes into the folder for it, whatever the caller's own interpreter is told to leave out."""
    (tmp_path / "here.py").touch()
    command = [sys.executable, elsewhere.__file__, "run", f"{tmp_path}|{tmp_path / 'cache'}", "-c", "import here"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, timeout=60)
    assert list((tmp_path / "cache").rglob("here.*.pyc"))


def test_what_is_printed_into_a_pipe_is_utf_8() -> None:
    """JSON and reports come out as UTF-8, though UTF-8 mode is off and the system's code page is another."""
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "harness", "judge", "--subject", "nowhere ไทย"]
    done = subprocess.run(command, check=False, capture_output=True, env=environment, cwd=HOME, timeout=60)
    assert "nowhere ไทย: there is no such folder" in done.stderr.decode("utf-8")
