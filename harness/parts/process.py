"""Real child processes: awaited until they are up, seen apart from the machine's others, ended by their own handle."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import psutil

from harness.machine import is_wine
from harness.project import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pytest

SLEEPER = "import sys\nprint('up', flush=True)\nfor line in sys.stdin:\n    print(line, end='', flush=True)\n"
"""A program that says it is up, then repeats what it is told, until it is ended or its parent is gone."""

READS_NOTHING = {"JUDGE_READS_NOTHING": "1"}
"""Environment of a program that reads nothing of the tree under judgement but what the test wrote there."""

SUBJECT = f"""
import sys
sys.path.insert(0, {str(HOME)!r})
from pathlib import Path
from harness.subject import Subject
Subject(Path(sys.argv[1])).open()
del sys.path[0]
"""
"""The beginning of a program that imports, as ``utils``, the tree that its first argument names."""

ENSURE = (
    SUBJECT
    + """
from utils.reliability.self_healer import SelfHealer
SelfHealer("regression").ensure_single_instance(kill_existing=False)
print("ensured", flush=True)
sys.stdin.read()
"""
)
"""A program that makes itself the only instance of the bot of the tree that its first argument names, and waits."""

CTRL_BREAK_HEARD = f"""
import os, signal, sys, threading
sys.path.insert(0, {str(HOME)!r})
from harness.machine import is_wine
del sys.path[0]

def heed():
    while byte := os.read(0, 1):
        if byte == b"\\n":
            signal.raise_signal(signal.SIGBREAK)

if is_wine():
    threading.Thread(target=heed, daemon=True).start()
"""
"""The beginning of a program that is sent signals.

Wine 8 delivers no ``CTRL_BREAK_EVENT`` to another process: ``os.kill`` reports success and nothing happens. There the
program is told over its standard input, a line for each signal, and raises the signal in a thread of its own, which
is what the C runtime of Windows does when the console tells of one.
"""


def pid_file(self_healer: Any, folder: Path) -> Path | None:
    """Return the file in which an instance that ran in a folder named itself, if there is one.

    Args:
        self_healer: the tree's module.
        folder: the working directory of the instance.
    """
    named = getattr(self_healer.SelfHealer, "PID_FILE", None) or getattr(self_healer, "PID_FILE", None)
    file = folder / str(named)
    return file if named and file.is_file() else None


PATIENCE = 150.0 if is_wine() else 20.0
"""Seconds after which a child that says or does nothing is taken for stuck; Wine starts one many times as slowly."""


class Child:
    """A running child process; all it prints, errors included, can be read line by line.

    Attributes:
        pid: its process id.
        printed: the lines that were read so far.
    """

    def __init__(self, command: Sequence[str], cwd: Path, environment: dict[str, str] | None = None) -> None:
        """Start a child in a process group of its own where a signal needs one (Windows)."""
        self._process = subprocess.Popen(  # noqa: S603  the test chooses the command
            command,
            cwd=cwd,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self.pid = self._process.pid
        self.printed: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def says(self, wanted: str, timeout: float = PATIENCE) -> bool:
        """Wait until the child prints a line; tell whether it did before it ended and within ``timeout`` seconds."""
        until = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return False
            if line is None:
                self._lines.put(None)
                return False
            self.printed.append(line)
            if line == wanted:
                return True

    def comes_up(self, name: str) -> Child:
        """Wait until a child that runs ``SLEEPER`` is up, and return it.

        Raises:
            RuntimeError: it is not, which is no fault of whatever is tested with it.
        """
        if not self.says("up"):
            raise RuntimeError(f"the test could not start {name}: {' '.join(self.printed)}")
        return self

    def answers(self, timeout: float = PATIENCE) -> bool:
        """Tell whether a child that runs ``SLEEPER`` is alive enough to answer: not so if it was just told to end."""
        try:
            self.tell("still there?")
        except OSError:
            return False
        return self.says("still there?", timeout)

    def tell(self, line: str) -> None:
        """Write a line to the child's standard input.

        Raises:
            OSError: the child has closed it, or is gone.
        """
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def send(self, signum: int) -> None:
        """Send a signal; on Windows any of them arrives as SIGBREAK, the only one that reaches a single process.

        Under Wine the child must have begun with `CTRL_BREAK_HEARD`.
        """
        if sys.platform == "win32":
            signum = signal.CTRL_BREAK_EVENT
        if is_wine():
            self.tell("")
        else:
            os.kill(self.pid, signum)

    def ends(self, timeout: float = PATIENCE) -> bool:
        """Wait for the child's end; tell whether it came. What it printed until then is read."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self.says("\0", timeout)
        return True

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while the child runs."""
        return self._process.poll()

    @property
    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the child at once, as ``kill -9`` does, and wait for it."""
        if self.is_alive:
            self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


class Crowd:
    """Child processes that are all ended on leaving the ``with`` block."""

    def __init__(self) -> None:
        """Make an empty crowd."""
        self._children: list[Child] = []

    def start(self, *command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> Child:
        """Start a child; it may not be up yet when this returns."""
        child = Child([str(part) for part in command], cwd, environment)
        self._children.append(child)
        return child

    def python(self, *arguments: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> Child:
        """Start a child under this interpreter."""
        return self.start(sys.executable, *arguments, cwd=cwd, environment=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.kill()

    def hide_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let psutil list this process and the crowd alone, and end the crowd alone.

        Code under test that picks the wrong processes then harms none but the children started for it.
        """
        listed = psutil.process_iter

        def process_iter(*args: Any, **kwargs: Any) -> Iterator[psutil.Process]:
            known = self._pids() | {os.getpid()}
            return (process for process in listed(*args, **kwargs) if process.pid in known)

        monkeypatch.setattr(psutil, "process_iter", process_iter)
        monkeypatch.setattr(psutil, "pids", lambda: sorted(self._pids() | {os.getpid()}))
        for name in ("terminate", "kill", "send_signal"):
            monkeypatch.setattr(psutil.Process, name, self._guarded(getattr(psutil.Process, name)))
        monkeypatch.setattr(os, "kill", self._guarded_os_kill(os.kill))

    def _pids(self) -> set[int]:
        return {child.pid for child in self._children}

    def _guarded(self, method: Any) -> Any:
        def guarded(process: psutil.Process, *args: Any) -> Any:
            if process.pid not in self._pids():
                raise psutil.AccessDenied(process.pid)
            return method(process, *args)

        return guarded

    def _guarded_os_kill(self, kill: Any) -> Any:
        def guarded(pid: int, signum: int) -> None:
            if signum and pid not in self._pids():
                raise PermissionError(f"process {pid} is none of the test's children")
            kill(pid, signum)

        return guarded
