"""Notes what a process reads of the tree under judgement; Python imports this at start-up in a worker and its children.

The notes are lines of a file that all of them append to: a path for each file read, a path with a closing slash for
each folder listed, and ``*`` where a program is started that takes no notes itself. See PEP 578 for the audit events.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

NOTES = "JUDGE_TOUCHES"
BELOW = "JUDGE_TOUCHES_BELOW"
READS_NOTHING = "JUDGE_READS_NOTHING"
HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  pathlib would be imported into every child
UNSEEN = "*"
WRITING = "wax"
CACHED = "__pycache__"
UNSEEN_STARTS = ("os.exec", "os.spawn", "os.startfile", "os.system")
DEAF_FLAGS = frozenset("IES")
VERSION_ASKED = ["/c", '"ver"']
"""What `platform.uname` has the command interpreter of Windows do."""


class Recorder:
    """An audit hook that appends each place below a folder to the notes, once."""

    def __init__(self, notes: str, below: str) -> None:
        """Append to the file ``notes`` what is read in the folder ``below``."""
        self._file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._below = os.path.join(below, "")  # noqa: PTH118
        self._seen: set[str] = set()

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        """Take note of one audit event."""
        if event == "open":
            mode = args[1]
            if not (isinstance(mode, str) and mode[:1] in WRITING):
                self._read(args[0], "")
        elif event in {"os.listdir", "os.scandir"}:
            self._read(args[0], "/")
        elif event == "sqlite3.connect":
            self._read(args[0], "")
        elif event == "subprocess.Popen":
            self._start(args[1], args[3])
        elif event == "os.posix_spawn":
            self._start(args[1], args[2])
        elif event in UNSEEN_STARTS:
            self._note(UNSEEN)

    def _read(self, place: object, ending: str) -> None:
        if isinstance(place, str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(place))  # noqa: PTH100
            if path.startswith(self._below) and CACHED not in path:
                self._note(path + ending)

    def _start(self, command: object, environment: object) -> None:
        if not _takes_notes(command, environment):
            self._note(UNSEEN)

    def _note(self, line: str) -> None:
        if line not in self._seen:
            self._seen.add(line)
            os.write(self._file, os.fsencode(line) + b"\n")


def _takes_notes(command: object, environment: object) -> bool:
    """Tell whether a process to be started is a Python that imports this module, or is known to read nothing."""
    get = getattr(os.environ if environment is None else environment, "get", None)
    if get is None or get(READS_NOTHING):
        return get is not None
    names = _words(command)
    if names[1:] == VERSION_ASKED:
        return True
    if not names or not os.path.basename(names[0]).lower().startswith("python"):  # noqa: PTH119
        return False
    flags = [name for name in names[1:3] if name.startswith("-") and not name.startswith("--")]
    if any(DEAF_FLAGS.intersection(flag) for flag in flags):
        return False
    return bool(get(NOTES) and HERE in str(get("PYTHONPATH", "")).split(os.pathsep))


def _words(command: object) -> list[str]:
    """Split a command into its words; on Windows it is one line by now."""
    if isinstance(command, str):
        program, _, rest = command[1:].partition('"') if command.startswith('"') else command.partition(" ")
        return [program, *rest.split()]
    listed = command if isinstance(command, list | tuple) else []
    return [os.fsdecode(word) for word in listed if isinstance(word, str | bytes | os.PathLike)]


def _import_the_next() -> None:
    """Import the ``sitecustomize`` that this one stands before, if the installation has one."""
    path = [entry for entry in sys.path if os.path.abspath(entry) != HERE]  # noqa: PTH100
    spec = PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


if os.environ.get(NOTES):
    sys.addaudithook(Recorder(os.environ[NOTES], os.environ[BELOW]))
_import_the_next()
