"""The self-healer and its parts, with real processes and real kills."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.parts.process import SLEEPER, Child, Crowd
from reference.utils.reliability import instance_lock, self_healer
from reference.utils.reliability.instance_lock import InstanceLock
from reference.utils.reliability.process_table import (
    BotIdentity,
    Program,
    end_process,
    is_python,
    program_of,
    without_launchers,
)
from reference.utils.reliability.self_healer import PID_FILE, SelfHealer

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
WITHOUT_ERRNO = pytest.mark.wine_fault("msvcrt.locking of a byte that is locked fails with errno 0, not EACCES")
POSIX = pytest.mark.posix("needs POSIX signals, links or shebangs")
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER
INSTANCE = (
    "import sys; from reference.utils.reliability.self_healer import SelfHealer, InstanceLock, BotIdentity, Path\n"
    "healer = SelfHealer('child'); healer._lock = InstanceLock(Path(sys.argv[1]))\n"
    "healer.identity = BotIdentity(Path(sys.argv[1]).parent)\n"  # not that of bots that other tests run
    "print(healer.ensure_single_instance(kill_existing=False)[0], flush=True); sys.stdin.read()"
)

WORKER = (
    "import os, sys; from reference.utils.reliability.self_healer import SelfHealer, InstanceLock, BotIdentity, Path\n"
    "healer = SelfHealer('child'); healer.identity = BotIdentity(Path(sys.argv[0]).resolve().parent)\n"
    "healer._lock = InstanceLock(Path(sys.argv[1]))\n"
    "print(healer.ensure_single_instance(kill_existing=False)[0], flush=True)\n"
    "if os.fork() == 0:\n"
    "    [os.dup2(os.open(os.devnull, os.O_WRONLY), end) for end in (1, 2)]; sys.stdin.read(); os._exit(0)\n"
    "print(healer.kill_duplicate_bots(), healer.ensure_single_instance()[0], flush=True); sys.stdin.read()"
)
"""A bot with a forked worker, which has the bot's command line; it ends when its standard input does."""


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    """Children that the self-healer sees, apart from every other process of the machine."""
    with Crowd() as children:
        children.hide_others(monkeypatch)
        yield children


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a bot that is a package too."""
    folder = tmp_path / "project" / "mybot"
    folder.mkdir(parents=True)
    for name in ("bot.py", "__main__.py"):
        (folder / name).write_text(SLEEPER, encoding="utf-8")
    (folder / "__init__.py").touch()
    return folder


@pytest.fixture
def healer(root: Path, tmp_path: Path) -> Iterator[SelfHealer]:
    """A self-healer of that bot, with a lock file of its own and little patience."""
    healer = SelfHealer("test")
    healer.identity = BotIdentity(root)
    healer.patience = 5.0
    healer._lock = InstanceLock(tmp_path / "run" / "bot.pid")
    yield healer
    healer.release()


def up(child: Child) -> Child:
    """Wait until a child is up."""
    assert child.says("up"), child.printed
    return child


def pids(healer: SelfHealer) -> list[int]:
    """Return the PIDs that the self-healer finds."""
    return [info["pid"] for info in healer.find_all_bot_processes()]


@pytest.mark.parametrize(
    ("arguments", "program"),
    [
        ("python bot.py", Program("bot.py", is_module=False)),
        ("python -u -X dev -W ignore bot.py --token x", Program("bot.py", is_module=False)),
        ("python -Xdev -Wignore -uB bot.py", Program("bot.py", is_module=False)),
        ("python -uX dev bot.py", Program("bot.py", is_module=False)),
        ("python --check-hash-based-pycs always bot.py", Program("bot.py", is_module=False)),
        ("python -- bot.py", Program("bot.py", is_module=False)),
        ("python -m mybot bot.py", Program("mybot", is_module=True)),
        ("python -Immybot", Program("mybot", is_module=True)),
        ("python -c print() bot.py", None),
        ("python -uc print() bot.py", None),
        ("python - bot.py", None),
        ("python --version", None),
        ("python -m", None),
        ("python --", None),
        ("python", None),
    ],
)
def test_command_lines_are_read_as_python_does(arguments: str, program: Program | None) -> None:
    """What is run is told from options, their values and what is passed on."""
    assert program_of(arguments.split()) == program


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("/usr/bin/python3.13", True),
        (r"C:\Python313\pythonw.exe", True),
        ("python3.14t", True),
        ("pypy3", True),
        (sys.executable, True),
        ("vim", False),
        ("/opt/python-tools/vim", False),
        ("python-launcher", False),
        ("", False),
    ],
)
def test_interpreters_are_told_by_their_whole_name(name: str, verdict: bool) -> None:
    """A program is Python by its file's name, not by a folder or a part of the name."""
    assert is_python(name) is verdict


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (("bot.py",), "."),
        (("-X", "dev", "bot.py"), "."),
        (("-u", "mybot/bot.py"), ".."),
        (("-m", "mybot"), ".."),
        (("-m", "mybot.bot"), ".."),
        (("-m", "bot"), "."),
        (("mybot",), ".."),
        (("mybot/__main__.py", "--token", "x"), ".."),
    ],
)
def test_every_way_to_start_the_bot_is_known(
    arguments: tuple[str, ...], folder: str, healer: SelfHealer, root: Path, crowd: Crowd
) -> None:
    """The bot is found whether started as a script, a folder or a module, from wherever."""
    child = up(crowd.python(*arguments, cwd=root / folder))
    assert pids(healer) == [child.pid]


@POSIX
def test_links_and_shebangs_lead_to_the_bot(healer: SelfHealer, root: Path, crowd: Crowd, tmp_path: Path) -> None:
    """A bot started through a link, or by its own first line, is found."""
    script = root / "bot.py"
    script.write_text(f"#!{sys.executable}\n{SLEEPER}", encoding="utf-8")
    script.chmod(0o755)
    link = tmp_path / "started-by-link.py"
    link.symlink_to(script)
    children = [up(crowd.start("./bot.py", cwd=root)), up(crowd.python(link, cwd=tmp_path))]
    assert set(pids(healer)) == {child.pid for child in children}


def test_a_module_is_looked_for_on_the_path_of_its_process(
    healer: SelfHealer, root: Path, crowd: Crowd, tmp_path: Path
) -> None:
    """A package found through PYTHONPATH is the bot; a module of the same name elsewhere, or none, is not."""
    environment = {"PYTHONPATH": str(root.parent)}
    other = tmp_path / "other" / "mybot"
    other.mkdir(parents=True)
    (other / "__main__.py").write_text(SLEEPER, encoding="utf-8")
    bot = up(crowd.python("-m", "mybot", cwd=tmp_path, environment=environment))
    up(crowd.python("-m", "mybot", cwd=other.parent, environment=environment))
    assert pids(healer) == [bot.pid]


def test_what_cannot_be_read_is_not_the_bot(
    healer: SelfHealer, root: Path, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose working directory is hidden does not count, though the name of its file fits."""

    def denied(process: psutil.Process) -> str:
        raise psutil.AccessDenied(process.pid)

    child = up(crowd.python("bot.py", cwd=root))
    monkeypatch.setattr(psutil.Process, "cwd", denied)
    assert pids(healer) == []
    monkeypatch.undo()
    monkeypatch.setattr(psutil.Process, "exe", denied)
    assert healer.identity.is_run_by(psutil.Process(child.pid))


def test_processes_that_vanish_midway_are_left_out(
    healer: SelfHealer, root: Path, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends between two looks is neither reported nor an error."""
    child = up(crowd.python("bot.py", cwd=root))
    processes = healer.identity.processes()
    monkeypatch.setattr(BotIdentity, "processes", lambda _: processes)
    child.kill()
    assert healer.find_all_bot_processes() == []


def test_a_module_found_nowhere_is_not_the_bot(
    healer: SelfHealer, root: Path, crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module whose search path is hidden, and that is not installed, is not taken for the bot."""

    def denied(process: psutil.Process) -> dict[str, str]:
        raise psutil.AccessDenied(process.pid)

    up(crowd.python("-m", "mybot", cwd=tmp_path, environment={"PYTHONPATH": str(root.parent)}))
    monkeypatch.setattr(psutil.Process, "environ", denied)
    assert pids(healer) == []


@POSIX
def test_a_zombie_is_not_the_bot(healer: SelfHealer, root: Path, crowd: Crowd) -> None:
    """A bot that has ended, but that nobody waited for, does not count."""
    child = up(crowd.python("bot.py", cwd=root))
    os.kill(child.pid, signal.SIGKILL)
    assert not child.says("\0")
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert pids(healer) == []


class Launched:
    """A process as the launcher test needs it: a launcher's child, or a bot's."""

    def __init__(self, pid: int, parent: int, exe: str) -> None:
        self.pid, self._parent, self._exe = pid, parent, exe

    def ppid(self) -> int:
        """Return the parent's PID, which may be hidden."""
        if self._parent < 0:
            raise psutil.AccessDenied(self.pid)
        return self._parent

    def exe(self) -> str:
        """Return the program file, which may be hidden."""
        if not self._exe:
            raise psutil.AccessDenied(self.pid)
        return self._exe

    def cmdline(self) -> list[str]:
        """Return a command line that all share."""
        return [self._exe, "bot.py"]


def test_a_launcher_and_its_interpreter_are_one_bot() -> None:
    """On Windows the process of a virtual environment that waits for the real interpreter is left out."""
    launcher, real, second = Launched(1, 0, "venv"), Launched(2, 1, "base"), Launched(3, 2, "base")
    hidden, orphan = Launched(4, 3, ""), Launched(5, -1, "base")
    found: list[Any] = [launcher, real, second, hidden, orphan]
    assert without_launchers(found, "win32") == [real, second, hidden, orphan]
    assert without_launchers(found, "linux") == found


def test_a_process_is_ended_gently_or_not_at_all(
    healer: SelfHealer, root: Path, crowd: Crowd, caplog: pytest.LogCaptureFixture
) -> None:
    """Ending works for the bot, is refused for strangers and for oneself, and says what came of it."""
    bot, stranger = up(crowd.python("bot.py", cwd=root)), up(crowd.python("-c", SLEEPER, "bot.py", cwd=root))
    assert not healer.kill_process(stranger.pid)
    assert not healer.kill_process(os.getpid())
    assert stranger.answers()
    assert healer.kill_process(bot.pid)
    assert not bot.is_alive
    assert caplog.messages == [
        f"test: process {stranger.pid} is not this bot, and is left alone",
        f"test: process {os.getpid()} is not this bot, and is left alone",
        f"test: process {bot.pid} of this bot was ended",
    ]


@POSIX
def test_force_is_used_only_where_it_is_allowed(
    healer: SelfHealer, root: Path, crowd: Crowd, caplog: pytest.LogCaptureFixture
) -> None:
    """A bot that ignores the gentle way stays without permission for force, and ends with it or as a duplicate."""
    (root / "bot.py").write_text(STUBBORN, encoding="utf-8")
    bot = up(crowd.python("bot.py", cwd=root))
    healer.patience = 0.05
    assert not healer.kill_process(bot.pid)
    assert caplog.messages == [f"test: process {bot.pid} of this bot could not be ended"]
    assert bot.answers()
    second = up(crowd.python("bot.py", cwd=root))
    healer.kill_process(bot.pid, force=True)
    assert bot.ends()
    healer.ensure_single_instance(kill_existing=True)
    assert second.ends()


def test_an_ended_or_forbidden_process_is_told_apart(crowd: Crowd, tmp_path: Path) -> None:
    """A process that is gone counts as ended; one that may not be ended does not."""
    child = up(crowd.python("-c", SLEEPER, cwd=tmp_path))
    process = psutil.Process(child.pid)
    child.kill()
    assert end_process(process, force=True, patience=1.0)
    assert not end_process(psutil.Process(os.getpid()), force=True, patience=1.0)


@pytest.mark.parametrize("keep_newest", [False, True])
def test_all_duplicates_but_one_end(healer: SelfHealer, root: Path, crowd: Crowd, keep_newest: bool) -> None:
    """Of several bots the oldest stays, or the newest if so asked."""
    children = [up(crowd.python("bot.py", cwd=root)) for _ in range(3)]
    order = pids(healer)
    kept = order[-1 if keep_newest else 0]
    ended = healer.kill_duplicate_bots(keep_newest=True) if keep_newest else healer.kill_duplicate_bots()
    assert set(ended) == set(order) - {kept}
    assert [child.pid for child in children if child.is_alive] == [kept]


def test_the_caller_never_ends_itself(healer: SelfHealer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot that finds itself among the duplicates leaves itself running, and does not see itself as another one."""
    monkeypatch.setattr(BotIdentity, "processes", lambda _: [psutil.Process(), psutil.Process()])
    assert healer.kill_duplicate_bots() == []
    assert healer.ensure_single_instance(kill_existing=True)[0]


def test_the_diagnosis_names_duplicates_and_a_stale_file(healer: SelfHealer, root: Path, crowd: Crowd) -> None:
    """Duplicates and a file that names a process which is gone are problems; one bot with its lock is none."""
    assert healer.diagnose()["healthy"]
    up(crowd.python("bot.py", cwd=root))
    up(crowd.python("bot.py", cwd=root))
    healer._lock.path.parent.mkdir()
    healer._lock.path.write_text('{"pid": 1, "create_time": 5}', encoding="utf-8")
    state = healer.diagnose()
    first, second = state["processes"]
    assert set(first) == {"pid", "cmdline", "create_time", "process"}
    assert first["cmdline"] == psutil.Process(first["pid"]).cmdline()
    assert {name: state[name] for name in state if name != "processes"} == {
        "caller": "test",
        "pid": os.getpid(),
        "duplicates": [second["pid"]],
        "lock_file": str(healer._lock.path),
        "lock_holder": {"pid": 1, "create_time": 5},
        "stale": True,
        "problems": [
            f"process {second['pid']} runs beside process {first['pid']}",
            "bot.pid names process 1, which is not this bot any more",
        ],
        "healthy": False,
    }


def test_another_instance_is_refused_or_replaced(healer: SelfHealer, root: Path, crowd: Crowd) -> None:
    """A bot without a lock stops the start, and ends only if that is permitted."""
    bots = [up(crowd.python("bot.py", cwd=root)) for _ in range(2)]
    refused, why = healer.ensure_single_instance(kill_existing=False)
    assert not refused
    assert why == f"another instance is running: process {', '.join(map(str, pids(healer)))}"
    assert all(bot.answers() for bot in bots)
    assert not healer._lock.is_held
    assert healer.ensure_single_instance(kill_existing=True) == (True, f"process {os.getpid()} is the only instance")
    assert not any(bot.is_alive for bot in bots)


@WITHOUT_ERRNO
def test_the_lock_of_a_killed_process_is_free(healer: SelfHealer, crowd: Crowd) -> None:
    """A lock is refused while its holder lives, stranger or not, and free the moment it was killed."""
    holder = crowd.python("-c", INSTANCE, healer._lock.path, cwd=PROJECT)
    assert holder.says("True"), holder.printed
    assert healer._lock.holder()["pid"] == holder.pid
    assert healer.ensure_single_instance(kill_existing=False) == (
        False,
        f"another instance is running: process {holder.pid}",
    )
    taken, why = healer.ensure_single_instance(kill_existing=True)
    assert (taken, holder.is_alive) == (False, True), why
    holder.kill()
    assert healer.ensure_single_instance(kill_existing=False)[0]
    assert SelfHealer.ensure_single_instance(healer)[0]


@POSIX
def test_a_forked_worker_is_part_of_its_bot(root: Path, crowd: Crowd, tmp_path: Path) -> None:
    """A bot neither ends its own worker nor takes it for another instance; the lock is free when the bot dies alone."""
    (root / "bot.py").write_text(WORKER, encoding="utf-8")
    file = tmp_path / "bot.pid"
    bot = crowd.start(sys.executable, "bot.py", file, cwd=root, environment={"PYTHONPATH": str(PROJECT)})
    assert bot.says("True"), bot.printed
    assert bot.says("[] True"), bot.printed
    other = InstanceLock(file)
    assert not other.acquire()
    os.kill(bot.pid, signal.SIGKILL)
    assert bot.ends()
    assert other.acquire()
    other.release()


@WITHOUT_ERRNO
def test_a_bot_that_holds_the_lock_is_replaced(healer: SelfHealer, root: Path, crowd: Crowd) -> None:
    """With permission the holder is ended and its lock taken."""
    (root / "bot.py").write_text(INSTANCE, encoding="utf-8")
    environment = {"PYTHONPATH": str(PROJECT)}
    holder = crowd.python("bot.py", healer._lock.path, cwd=root, environment=environment)
    assert holder.says("True"), holder.printed
    assert healer.ensure_single_instance()[0]
    assert not holder.is_alive


@WITHOUT_ERRNO
def test_one_process_may_ask_twice(healer: SelfHealer) -> None:
    """A second self-healer in the process that holds the lock is told so, and is no other instance."""
    assert healer.ensure_single_instance()[0]
    second = SelfHealer("second")
    second._lock = InstanceLock(healer._lock.path)
    own = psutil.Process()
    assert second._lock.holder() == {"pid": own.pid, "create_time": own.create_time(), "caller": "test"}
    assert second.ensure_single_instance() == (True, f"this process, {os.getpid()}, holds the lock already")


@WITHOUT_ERRNO
def test_a_lock_that_stays_taken_is_waited_for_in_vain(healer: SelfHealer) -> None:
    """Where the lock's holder cannot be named and keeps it, the start is refused after the patience."""
    held = InstanceLock(healer._lock.path)
    assert held.acquire()
    healer.patience = 0.05
    taken, why = healer.ensure_single_instance()
    held.release()
    sentence = "another instance, process of unknown number, holds the lock and could not be ended"
    assert (taken, why) == (False, sentence)


@WITHOUT_ERRNO
def test_a_lock_that_comes_free_is_taken(healer: SelfHealer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a process that has just ended is waited for."""
    held = InstanceLock(healer._lock.path)
    assert held.acquire()
    waits = list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        held.release()

    monkeypatch.setattr(self_healer, "time", SimpleNamespace(monotonic=time.monotonic, sleep=wait))
    assert healer.ensure_single_instance()[0]
    assert waits == [self_healer.LOCK_POLL]


def test_a_lock_file_that_cannot_be_made_is_a_clear_answer(healer: SelfHealer, tmp_path: Path) -> None:
    """A file in the place of the folder gives a refusal that names the path, not an exception."""
    (tmp_path / "file").touch()
    healer._lock = InstanceLock(tmp_path / "file" / "bot.pid")
    taken, why = healer.ensure_single_instance()
    assert (taken, "cannot be locked" in why) == (False, True)


def test_a_file_system_without_locks_is_a_clear_answer(healer: SelfHealer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that does not mean "taken" refuses the start and says why."""

    def no_locks(file: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(instance_lock, "_lock", no_locks)
    answers = [healer.ensure_single_instance()]
    monkeypatch.setattr(instance_lock, "_lock", lambda _: (_ for _ in ()).throw(OSError("odd")))
    answers.append(healer.ensure_single_instance())
    sentences = [f"{healer._lock.path} cannot be locked: {why}" for why in ("No locks available", "odd")]
    assert answers == [(False, sentence) for sentence in sentences]


@pytest.mark.parametrize(
    ("text", "holder"), [("", {}), ("12", {"pid": 12}), ("[1]", {}), ("nonsense", {}), ('{"pid": 3}', {"pid": 3})]
)
def test_old_and_broken_files_are_understood(tmp_path: Path, text: str, holder: dict[str, int]) -> None:
    """A bare PID is read as such; anything that says nothing is nothing."""
    lock = InstanceLock(tmp_path / "bot.pid")
    lock.path.write_text(text, encoding="utf-8")
    assert lock.holder() == holder


@WITHOUT_ERRNO
def test_a_lock_is_given_back_and_taken_again(tmp_path: Path) -> None:
    """Release empties the file, may be repeated, and lets another object take the lock."""
    one, other = (InstanceLock(tmp_path / "not" / "there" / "yet" / "bot.pid") for _ in range(2))
    assert one.acquire(pid=1)
    assert one.acquire(pid=2)
    assert not other.acquire()
    one.release()
    one.release()
    assert one.path.read_bytes() == b""
    assert os.name == "nt" or not one.path.stat().st_mode & 0o111, "the file can be executed"
    assert (one.is_held, other.acquire(), other.holder()) == (False, True, {})
    other.release()


@WITHOUT_ERRNO
def test_a_forked_child_lets_go_of_the_lock(tmp_path: Path) -> None:
    """What is done in a child right after a fork closes the lock's file there, as often as there are forks."""
    lock = InstanceLock(tmp_path / "bot.pid")
    assert lock.acquire()
    for _ in range(2):
        instance_lock._leave_to_parent()
        assert not lock.is_held
    assert lock.acquire()
    lock.release()


def test_the_lock_file_lies_in_the_bots_own_tree() -> None:
    """The lock belongs to the tree that the module is part of, wherever it is started."""
    assert PID_FILE.is_relative_to(Path(self_healer.__file__).resolve().parents[2])
