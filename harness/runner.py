"""Starts a worker for one finding, bounds it in time, and reads from its events what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import site
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from harness.project import HOME
from harness.scratch import scratch_folder
from harness.status import Status, gravest

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable

GRACE = 3.0
"""Seconds that a worker may take to exit after its last event, before it is ended without prejudice."""

POLL = 0.02
TOUCHES = "touches.txt"
WHOLE_TREE = "*"
SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|WEBHOOK|API_?KEY|CREDENTIAL|SENTRY_DSN", re.IGNORECASE)
NOT_INHERITED = frozenset(
    {"PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST", "PYTHONSTARTUP", "PYTHONWARNINGS"}
)
LENT = (
    "pytest",
    "_pytest",
    "py",
    "pytest_asyncio",
    "pluggy",
    "iniconfig",
    "packaging",
    "pygments",
    "typing_extensions",
)
"""Pure-Python modules that an interpreter which lacks them gets from the harness's own."""


class InterpreterError(ValueError):
    """The interpreter named for the subject cannot be used; the text is one sentence."""


@dataclass(frozen=True)
class Verdict:
    """What the regression of one finding said of one subject.

    Attributes:
        status: the gravest status among the regression's tests.
        reason: one line that says why, empty for a pass.
        test: name of the test that decided, empty where none did.
        seconds: wall time of the process.
        touched: what the process read of the subject's tree, ``*`` for all of it.
        notes: what was odd, one sentence each.
    """

    status: Status
    reason: str = ""
    test: str = ""
    seconds: float = 0.0
    touched: tuple[str, ...] = field(default=(WHOLE_TREE,), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs workers."""

    path: str
    version: tuple[int, int]
    platform: str

    @property
    def tag(self) -> str:
        """Name the platform and Python version, ``linux-3.11`` for one."""
        return f"{self.platform}-{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True)
class Mode:
    """How a file is run.

    Attributes:
        options: of pytest, besides those that every run has.
        variables: of the environment, likewise.
    """

    options: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)


REGRESSION = Mode()
PROBE = HOME / "harness" / "machine.py"
"""A script that tells what a Python is."""


def interpreter(executable: str | None = None) -> Interpreter:
    """Ask a Python what it is.

    Args:
        executable: a path or a command name; None for the Python that runs the harness.

    Raises:
        InterpreterError: there is no such program, it is no Python, or it is older than 3.11.
    """
    name = executable or sys.executable
    try:
        answer = subprocess.run([name, str(PROBE)], capture_output=True, timeout=60, check=True)  # noqa: S603  the user names it
        path, version, platform = json.loads(answer.stdout)
    except FileNotFoundError:
        raise InterpreterError(f"{name}: there is no such Python; give its path, or leave --python out") from None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise InterpreterError(f"{name}: does not answer as a Python does ({type(error).__name__})") from None
    if tuple(version) < (3, 11):
        raise InterpreterError(f"{name}: is Python {version[0]}.{version[1]}; the regressions need 3.11 or newer")
    return Interpreter(path, (version[0], version[1]), platform)


def run(
    regression: Path,
    subject: Path,
    python: Interpreter,
    timeout: float,
    stop: threading.Event,
    mode: Mode = REGRESSION,
) -> Verdict:
    """Run one regression file, or file of fuzzers, on one subject in a process of its own.

    Args:
        regression: the file.
        subject: root of the tree to judge; it is copied by the worker, never written to.
        python: the interpreter to use.
        timeout: seconds until the process is ended and the verdict is ``hang``.
        stop: when set, the process is ended at once; its verdict then means nothing.
        mode: how to run the file.
    """
    started = time.monotonic()
    with scratch_folder("judge") as scratch:
        events, log = scratch / "events.jsonl", scratch / "log.txt"
        for name in ("work", "tmp", "home"):
            (scratch / name).mkdir()
        with log.open("wb") as output:
            process = _start((regression, mode), subject, python, scratch, output)
            try:
                timed_out = not _wait(process, events, started + timeout, stop)
            finally:
                end_tree(process, scratch / TOUCHES)
        entries = read_events(events)
        verdict = verdict_of(entries, timeout if timed_out else None, process.returncode, _tail(log))
        touched = _touched(scratch / TOUCHES, entries)
    return replace(verdict, seconds=round(time.monotonic() - started, 3), touched=touched, notes=_notes(entries))


def _start(
    what: tuple[Path, Mode], subject: Path, python: Interpreter, scratch: Path, output: Any
) -> subprocess.Popen[bytes]:
    regression, mode = what
    order = {
        "home": {"fuzz": str(HOME), "harness": str(HOME), "regressions": str(HOME)},
        "lent": {name: str(Path(folder).parent) for name, folder in _lendable()},
        "regression": str(regression),
        "configuration": str(HOME / "harness" / "judge.ini"),
        "rootdir": str(regression.parent),
        "basetemp": str(scratch / "pytest"),
        "subject": str(subject),
        "events": str(scratch / "events.jsonl"),
        "options": [*mode.options],
    }
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(  # noqa: S603  running the subject is what a judge is for
        [python.path, str(HOME / "harness" / "worker.py"), json.dumps(order)],
        cwd=scratch / "work",
        env=_environment(scratch) | mode.variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        **options,
    )


def _lendable() -> Iterable[tuple[str, str]]:
    from importlib.util import find_spec  # noqa: PLC0415  only needed here

    for name in LENT:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            place = Path(spec.origin)
            yield name, str(place.parent if place.name == "__init__.py" else place)


def _environment(scratch: Path) -> dict[str, str]:
    """Return the worker's environment: no secrets, folders of its own, UTF-8 output."""
    kept = {
        name: value for name, value in os.environ.items() if name not in NOT_INHERITED and not SECRET_NAME.search(name)
    }
    path = [str(HOME / "harness" / "touches"), *filter(None, [os.environ.get("PYTHONPATH")])]
    home, tmp = str(scratch / "home"), str(scratch / "tmp")
    return kept | {
        "HOME": home,
        "JUDGE_TOUCHES": str(scratch / TOUCHES),
        "JUDGE_TOUCHES_BELOW": tmp,
        "PYTHONPATH": os.pathsep.join(path),
        "USERPROFILE": home,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        "PYTHONUSERBASE": site.getuserbase(),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TEMP": tmp,
        "TMP": tmp,
        "TMPDIR": tmp,
    }


def _wait(process: subprocess.Popen[bytes], events: Path, deadline: float, stop: threading.Event) -> bool:
    """Wait until the process exits or has sent its last event; return False where the deadline comes first."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL)
            return True
        if _has_ended(events):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            return True
        if stop.is_set() or time.monotonic() >= deadline:
            return False


def _has_ended(events: Path) -> bool:
    try:
        with events.open("rb") as file:
            file.seek(max(0, events.stat().st_size - 1))
            return file.read(1) == b"\n" and any(entry["event"] == "end" for entry in read_events(events)[-1:])
    except OSError:
        return False


def end_tree(process: subprocess.Popen[bytes], mark: Path) -> None:
    """End a process and all that it started, each by its own id.

    Args:
        process: the process.
        mark: the value of ``JUDGE_TOUCHES`` by which orphans and children in sessions of their own are told.
    """
    started: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        started = psutil.Process(process.pid).children(recursive=True)
    _kill(started)
    process.kill()
    process.wait()
    left = [other for other in psutil.process_iter() if _is_marked(other, str(mark))]
    _kill(left)
    psutil.wait_procs([*started, *left], timeout=GRACE)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("JUDGE_TOUCHES") == mark
    except (psutil.Error, OSError):
        return False


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


RESULT = {"test": str, "status": str, "reason": str}
EVENTS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "start": {"test": str},
    "result": {**RESULT},
    "skip": {**RESULT},
    "end": {"root": (str, type(None)), "notes": list, "fault": (str, type(None))},
}
"""What an event says, by its kind."""


def read_events(events: Path) -> list[dict[str, Any]]:
    """Return the events that were written whole."""
    try:
        lines = events.read_bytes().split(b"\n")[:-1]
    except OSError:
        return []
    return [event for line in lines if (event := _event(line)) is not None]


def _event(line: bytes) -> dict[str, Any] | None:
    """Read an event; None where the line is none, as where the tree that was judged wrote into the file."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and _is_whole(event) else None


def _is_whole(event: dict[str, Any]) -> bool:
    """Tell whether an event says what one of its kind says."""
    fields = EVENTS.get(str(event.get("event")))
    if fields is None or not all(isinstance(event.get(name, ...), kinds) for name, kinds in fields.items()):
        return False
    return "status" not in fields or event["status"] in set(Status)


def verdict_of(
    entries: list[dict[str, Any]], timed_out_after: float | None, returncode: int | None, log: str
) -> Verdict:
    """Decide on a verdict from a worker's events and its end.

    Args:
        entries: the events, in order.
        timed_out_after: seconds after which the process was ended, None where it was not.
        returncode: the process's exit code.
        log: the end of what the process printed.
    """
    begun = next((entry["test"] for entry in reversed(entries) if entry["event"] == "start"), "")
    end = next((entry for entry in entries if entry["event"] == "end"), None)
    if end is None:
        if timed_out_after is not None:
            where = begun or "the regression's start"
            return Verdict(Status.HANG, f"no answer within {timed_out_after:g} s in {where}", begun)
        if not begun:
            return Verdict(Status.ERROR, f"no test was begun: {_last_error(log)}")
        return Verdict(Status.CRASH, f"the process ended with {_describe(returncode)} in {begun}", begun)
    results = [entry for entry in entries if entry["event"] == "result"]
    results = results or [entry for entry in entries if entry["event"] == "skip"]
    if not results:
        return Verdict(Status.ERROR, f"no test ran: {end['fault'] or _last_error(log)}")
    status = gravest(Status(entry["status"]) for entry in results)
    decider = next(entry for entry in results if entry["status"] == status)
    return Verdict(status, decider["reason"], decider["test"])


def _touched(notes: Path, entries: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return what was read of the subject, relative to its root; the whole tree where that is not known."""
    root = next((entry["root"] for entry in entries if entry["event"] == "end"), None)
    lines = notes.read_bytes().decode("utf-8", "replace").splitlines() if notes.exists() else [WHOLE_TREE]
    if root is None or WHOLE_TREE in lines:
        return (WHOLE_TREE,)
    below = [line for line in lines if Path(line).is_relative_to(root)]
    inside = {Path(line).relative_to(root).as_posix() + ("/" if line.endswith("/") else "") for line in below}
    return tuple(sorted(inside)) or (WHOLE_TREE,)


def _notes(entries: list[dict[str, Any]]) -> tuple[str, ...]:
    return next((tuple(entry["notes"]) for entry in entries if entry["event"] == "end"), ())


def _describe(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"


def _last_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "the process printed nothing"


def _tail(log: Path, size: int = 20_000) -> str:
    return log.read_bytes()[-size:].decode("utf-8", "replace")
