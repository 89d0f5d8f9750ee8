"""Which running processes are this bot: told by the file that a Python process runs, not by words in its arguments."""

from __future__ import annotations

import os
import re
import site
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ENTRY_NAMES = ("bot.py", "__main__.py")
"""The files of a bot's folder that start it: as a script, and as a folder or package (``python -m``)."""

PYTHON_NAME = re.compile(r"(python|pypy)[\d.]*w?t?(_d)?(\.exe)?", re.IGNORECASE)
OPTIONS_WITH_VALUE = frozenset("XW")
LONG_OPTIONS_WITH_VALUE = frozenset({"--check-hash-based-pycs"})

GONE_OR_HIDDEN = (psutil.Error, OSError)
"""What reading a process raises that has ended, is a zombie, or belongs to somebody else."""


class Program(NamedTuple):
    """What a Python command line tells the interpreter to run: a path, or a module by its dotted name."""

    name: str
    is_module: bool


def program_of(arguments: Sequence[str]) -> Program | None:
    """Read a Python command line as the interpreter does.

    Args:
        arguments: the whole command line, the interpreter first.

    Returns:
        The script or module that is run; None for ``-c``, standard input and an interactive interpreter.
    """
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == "--":
            return _script(next(rest, None))
        if argument in LONG_OPTIONS_WITH_VALUE:
            next(rest, None)
        elif argument.startswith("-") and not argument.startswith("--"):
            if argument == "-":
                return None
            option, value = _last_option(argument[1:])
            if option == "c":
                return None
            if option == "m":
                return _module(value or next(rest, None))
            if option in OPTIONS_WITH_VALUE and not value:
                next(rest, None)
        elif not argument.startswith("--"):
            return _script(argument)
    return None


def _last_option(cluster: str) -> tuple[str, str]:
    """Split ``uXdev`` into the option that takes the rest of the cluster, ``X``, and that rest, ``dev``."""
    for place, letter in enumerate(cluster):
        if letter in OPTIONS_WITH_VALUE or letter in "cm":
            return letter, cluster[place + 1 :]
    return "", ""


def _script(name: str | None) -> Program | None:
    return Program(name, is_module=False) if name else None


def _module(name: str | None) -> Program | None:
    return Program(name, is_module=True) if name else None


def is_python(executable: str) -> bool:
    """Tell whether an executable, by its path or name, is a Python interpreter."""
    name = executable.replace("\\", "/").rpartition("/")[2]
    return PYTHON_NAME.fullmatch(name) is not None or (bool(executable) and same_file(executable, sys.executable))


def same_file(one: str | Path, other: str | Path) -> bool:
    """Tell whether two paths lead to one place, through links, and whatever the case where case does not count."""
    return os.path.normcase(Path(one).resolve()) == os.path.normcase(Path(other).resolve())


@dataclass(frozen=True)
class BotIdentity:
    """The bot of one folder, and the answer to "is that process this bot?".

    Attributes:
        root: the folder that contains ``utils`` and ``bot.py``.
    """

    root: Path

    @property
    def entries(self) -> tuple[Path, ...]:
        """The files that start this bot."""
        return tuple(self.root / name for name in ENTRY_NAMES)

    def is_run_by(self, process: psutil.Process) -> bool:
        """Decide by the interpreter and the resolved file it runs whether a process is this bot (audit finding F12).

        A relative path is resolved in the working directory *of that process*; where that cannot be read the
        answer is no, since a process that may be a stranger must never be taken for the bot.

        Raises:
            psutil.Error: the process has ended, is a zombie, or may not be read.
        """
        arguments = process.cmdline()
        if not arguments or not is_python(_executable(process) or arguments[0]):
            return False
        program = program_of(arguments)
        if program is None:
            return False
        started = self._file_started(program, process)
        return started is not None and any(same_file(started, entry) for entry in self.entries)

    def _file_started(self, program: Program, process: psutil.Process) -> Path | None:
        if program.is_module:
            return _module_file(program.name, _module_folders(process))
        path = Path(program.name)
        return _entry_of(path if path.is_absolute() else Path(process.cwd()) / path)

    def processes(self) -> list[psutil.Process]:
        """List the running processes of this bot, the oldest first."""
        found = [process for process in psutil.process_iter() if self._is_surely_run_by(process)]
        return sorted(without_launchers(found), key=lambda process: (process.create_time(), process.pid))

    def _is_surely_run_by(self, process: psutil.Process) -> bool:
        with suppress(*GONE_OR_HIDDEN):
            process.create_time()  # kept by psutil from now on, and part of the identity
            return self.is_run_by(process)
        return False


def _executable(process: psutil.Process) -> str:
    """Return the path of the program file of a process, or nothing where it may not be read."""
    with suppress(*GONE_OR_HIDDEN):
        return process.exe()
    return ""


def _entry_of(path: Path) -> Path:
    """Return what Python runs for a path: a folder stands for the ``__main__.py`` in it."""
    return path / "__main__.py" if path.is_dir() else path


def _module_folders(process: psutil.Process) -> Iterator[Path]:
    """Name the folders in which ``python -m`` looks for a package of a bot, in order."""
    folder = Path(process.cwd())
    yield folder
    with suppress(*GONE_OR_HIDDEN):
        for entry in filter(None, process.environ().get("PYTHONPATH", "").split(os.pathsep)):
            yield folder / entry
    executable = _executable(process)
    if executable and same_file(executable, sys.executable):
        yield from map(Path, site.getsitepackages())


def _module_file(dotted: str, folders: Iterable[Path]) -> Path | None:
    for folder in folders:
        base = folder.joinpath(*dotted.split("."))
        for candidate in (base / "__main__.py", base.with_name(f"{base.name}.py")):
            if candidate.is_file():
                return candidate
    return None


def without_launchers(processes: list[psutil.Process], platform: str = sys.platform) -> list[psutil.Process]:
    """Leave out the parents that only wait for the interpreter: on Windows a virtual environment starts two processes.

    Args:
        processes: the processes of one bot.
        platform: the platform they run on, as in ``sys.platform``.
    """
    if platform != "win32":
        return processes
    by_pid = {process.pid: process for process in processes}
    launchers = {parent.pid for child in processes if (parent := by_pid.get(_parent(child))) and _starts(parent, child)}
    return [process for process in processes if process.pid not in launchers]


def _parent(process: psutil.Process) -> int:
    with suppress(*GONE_OR_HIDDEN):
        return process.ppid()
    return -1


def _starts(parent: psutil.Process, child: psutil.Process) -> bool:
    """Tell a launcher, which hands its arguments to another executable, from a bot that started a second bot."""
    with suppress(*GONE_OR_HIDDEN):
        return parent.cmdline()[1:] == child.cmdline()[1:] and parent.exe() != child.exe()
    return False


def is_worker_of(process: psutil.Process, owner: psutil.Process) -> bool:
    """Tell whether a process is a fork of another one: a descendant with the very command line of its ancestor.

    What ``multiprocessing`` forks looks like a second bot, but is a part of the first.
    """
    with suppress(*GONE_OR_HIDDEN):
        return owner in process.parents() and process.cmdline() == owner.cmdline()
    return False


def end_process(process: psutil.Process, *, force: bool, patience: float) -> bool:
    """End one process gently, and only if told to, by force.

    psutil compares the start time of the process with the recorded one before each signal, so that a stranger
    who was given the same PID meanwhile is never hit (audit finding F12). Windows knows no gentle end of another
    process; there ``terminate`` is final.

    Args:
        process: the process, identified by PID and start time.
        force: kill the process if it is still there after ``patience``.
        patience: seconds that the process is given to end, once or twice.

    Returns:
        Whether the process is gone.
    """
    steps = (process.terminate, process.kill) if force else (process.terminate,)
    for step in steps:
        try:
            step()
            process.wait(patience)
        except psutil.TimeoutExpired:
            continue
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False
        return True
    return False
