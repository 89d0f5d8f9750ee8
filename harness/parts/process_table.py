"""A process table that is made up: psutil sees these processes and no others, and ends none but these."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRST_PID = 2**23
"""Above the PIDs that a system gives out, so that a signal meant for one of these can hit nobody."""

BOOT = 1_700_000_000.0
"""When the made-up system was started, in seconds since 1970."""


@dataclass(eq=False)
class Made:
    """A process.

    Attributes:
        arguments: its command line, the interpreter first.
        cwd: its working directory.
        exe: its program file.
        age: seconds after the system's start at which it was started.
        hidden: what may not be read of it, such as ``cwd``.
        stubborn: whether it ignores a request to end.
        is_over: whether it has ended.
    """

    arguments: Sequence[str]
    cwd: str
    exe: str
    age: float
    hidden: frozenset[str] = frozenset()
    status: str = psutil.STATUS_SLEEPING
    stubborn: bool = False
    is_over: bool = False
    pid: int = field(default=0)


class _Platform:
    """What psutil asks of a system about one process."""

    __slots__ = ("_cache", "_made", "_name", "_ppid", "_real", "pid")

    table: dict[int, Made]
    real: Any

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._made = self.table.get(pid)
        self._real = self.real(pid) if self._made is None else None
        self._name = self._ppid = None
        if self._made is not None and self._made.is_over:
            raise psutil.NoSuchProcess(pid)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = self._made
        if made is None:
            return getattr(self._real, name)
        return lambda *arguments, **_: _answer(made, name, arguments)


def _answer(made: Made, name: str, arguments: tuple[Any, ...]) -> Any:
    if name.startswith("oneshot"):
        return None
    if name == "wait":
        if made.is_over:
            return None
        raise psutil.TimeoutExpired(float(arguments[0] or 0.0) if arguments else 0.0, pid=made.pid)
    if made.is_over:
        raise psutil.NoSuchProcess(made.pid)
    if name in made.hidden:
        raise psutil.AccessDenied(made.pid)
    if made.status == psutil.STATUS_ZOMBIE and name not in {"create_time", "status", "ppid", "name"}:
        raise psutil.ZombieProcess(made.pid)
    known = {
        "cmdline": list(made.arguments),
        "cwd": made.cwd,
        "exe": made.exe,
        "name": os.path.basename(made.exe),  # noqa: PTH119  of the made-up system
        "create_time": BOOT + made.age,
        "ppid": 1,
        "status": made.status,
        "environ": {},
        "username": "somebody",
        "terminal": None,
    }
    if name not in known:
        raise psutil.AccessDenied(made.pid)
    return known[name]


@contextmanager
def shown(processes: Sequence[Made]) -> Iterator[None]:
    """Let psutil see these processes, and this one, until the block ends."""
    for number, made in enumerate(processes):
        made.pid = FIRST_PID + number
    table = {made.pid: made for made in processes}
    system: Any = psutil._psplatform  # type: ignore[attr-defined]  # noqa: SLF001  below everything that psutil does
    platform = type("Platform", (_Platform,), {"table": table, "real": system.Process, "__slots__": ()})
    kill = os.kill

    def end(pid: int, *, force: bool) -> None:
        made = table.get(pid)
        if made is None:
            raise PermissionError(f"process {pid} is not one of the table")
        if made.is_over:
            raise ProcessLookupError(pid)
        made.is_over = force or not made.stubborn

    def signalled(pid: int, signum: int) -> None:
        if signum:
            end(pid, force=signum == getattr(signal, "SIGKILL", None))
        elif pid not in table and sys.platform != "win32":  # where 0 asks for nothing, and is no signal either
            kill(pid, signum)

    def running() -> list[int]:
        return [os.getpid(), *(pid for pid, made in table.items() if not made.is_over)]

    with (
        mock.patch.object(system, "Process", platform),
        mock.patch.object(system, "pids", running),
        mock.patch.object(system, "pid_exists", lambda pid: pid in running()),
        mock.patch.object(system.cext, "check_pid_range"),
        mock.patch.object(psutil.Process, "terminate", lambda process: end(process.pid, force=False)),
        mock.patch.object(psutil.Process, "kill", lambda process: end(process.pid, force=True)),
        mock.patch.object(psutil.Process, "send_signal", lambda process, signum: signalled(process.pid, signum)),
        mock.patch.object(os, "kill", signalled),
    ):
        psutil.process_iter.cache_clear()  # type: ignore[attr-defined,unused-ignore]
        try:
            yield
        finally:
            psutil.process_iter.cache_clear()  # type: ignore[attr-defined,unused-ignore]
