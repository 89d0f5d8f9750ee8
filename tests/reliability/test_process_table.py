"""Which processes are this bot, told from what the system says of them: every kind of process, and what is hidden."""

from __future__ import annotations

import os
import site
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.parts.process import SLEEPER, Crowd
from reference.utils.reliability.process_table import (
    BotIdentity,
    Program,
    is_python,
    is_worker_of,
    program_of,
    without_launchers,
)
from reference.utils.reliability.self_healer import _is_own

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = "/usr/bin/python3"


@dataclass(eq=False)
class Seen:
    """A process as psutil shows it; what is None is hidden."""

    arguments: list[str]
    program: str | None = PYTHON
    folder: str = "/"
    variables: dict[str, str] | None = field(default_factory=dict)
    pid: int = 1
    parent: int | None = 0
    begun: float = 0

    def _shown(self, value: Any) -> Any:
        if value is None:
            raise psutil.AccessDenied(self.pid)
        return value

    def cmdline(self) -> list[str]:
        """Return the command line."""
        return self.arguments

    def exe(self) -> str:
        """Return the program file."""
        return str(self._shown(self.program))

    def cwd(self) -> str:
        """Return the working directory."""
        return self.folder

    def environ(self) -> dict[str, str]:
        """Return the environment."""
        return dict(self._shown(self.variables))

    def ppid(self) -> int:
        """Return the parent's PID."""
        return int(self._shown(self.parent))

    def create_time(self) -> float:
        """Return when it began."""
        return self.begun


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a bot that is a package too."""
    folder = tmp_path / "project" / "mybot"
    folder.mkdir(parents=True)
    for name in ("bot.py", "__main__.py", "__init__.py"):
        (folder / name).touch()
    return folder


def is_bot(root: Path, **seen: Any) -> bool:
    """Tell whether a process is the bot of a folder."""
    return BotIdentity(root).is_run_by(Seen(**seen))  # type: ignore[arg-type]  # all that is asked of a process


@pytest.mark.parametrize(
    ("arguments", "program"),
    [
        ("python -X", None),
        ("python -W", None),
        ("python --check-hash-based-pycs", None),
        ("python --some-option bot.py", Program("bot.py", is_module=False)),
        ("python -Xdev -m mybot", Program("mybot", is_module=True)),
        ("python -u", None),
    ],
)
def test_options_without_their_value_run_nothing(arguments: str, program: Program | None) -> None:
    """A command line that ends in the midst of an option names no program, and an unknown long option has no value."""
    assert program_of(arguments.split()) == program


@pytest.mark.parametrize(
    ("argument", "program", "verdict"),
    [
        ("anything", PYTHON, True),
        ("python", "/usr/bin/vim", False),
        ("python", None, True),
        ("vim", None, False),
        ("python", "", True),
    ],
)
def test_the_program_file_counts_before_the_name_it_was_started_by(
    root: Path, argument: str, program: str | None, verdict: bool
) -> None:
    """The first argument may be anything; it tells the interpreter only where the program file is hidden."""
    assert is_bot(root, arguments=[argument, str(root / "bot.py")], program=program) is verdict


@pytest.mark.parametrize("program", [PYTHON, None])
def test_a_process_without_arguments_is_not_the_bot(root: Path, program: str | None) -> None:
    """A thread of the kernel, or a process that hides its command line, is nobody."""
    assert not is_bot(root, arguments=[], program=program, folder=str(root))


@pytest.mark.posix("makes a link")
def test_a_link_to_this_interpreter_is_an_interpreter(tmp_path: Path) -> None:
    """An interpreter may have any name, if its file is the one that runs this bot."""
    link = tmp_path / "runner"
    link.symlink_to(sys.executable)
    assert is_python(str(link))
    assert not is_python(str(tmp_path / "other"))


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": ""}, None])
def test_an_installed_bot_is_known_to_its_own_interpreter(
    root: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str] | None
) -> None:
    """A package among those installed is the bot where this very interpreter runs it; of others nothing is known."""
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(root.parent)])
    arguments = ["python", "-m", "mybot"]
    elsewhere = str(root.parent.parent)
    assert is_bot(root, arguments=arguments, program=sys.executable, folder=elsewhere, variables=variables)
    for program in (f"{PYTHON}.0", None):
        assert not is_bot(root, arguments=arguments, program=program, folder=elsewhere, variables=variables)


def test_each_folder_of_a_search_path_is_looked_into(root: Path) -> None:
    """PYTHONPATH names several folders; some do not exist, and relative ones go by the process's own folder."""
    path = os.pathsep.join(["nowhere", "", "project"])
    folder = str(root.parent.parent)
    assert is_bot(root, arguments=["python", "-m", "mybot"], folder=folder, variables={"PYTHONPATH": path})
    assert not is_bot(root, arguments=["python", "-m", "mybot"], folder=folder, variables={"PYTHONPATH": "nowhere"})


def test_the_oldest_comes_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are listed by their start, whatever their numbers; of one moment the smaller number comes first."""
    arguments = ["python", str(root / "bot.py")]
    ages = {5: 2.0, 9: 1.0, 3: 1.0}
    crowd = [Seen(arguments, pid=pid, begun=begun) for pid, begun in ages.items()]
    monkeypatch.setattr(psutil, "process_iter", lambda: crowd)
    assert [process.pid for process in BotIdentity(root).processes()] == [3, 9, 5]


def test_only_a_launcher_is_left_out() -> None:
    """A parent whose arguments are others, or whose child hides its parent, is a bot of its own."""
    same = ["python", "bot.py"]
    for child in (
        Seen(["python", "bot.py", "--shard", "2"], "base", pid=2, parent=1),
        Seen(same, "base", pid=2, parent=None),
        Seen(same, "venv", pid=2, parent=1),
        Seen(same, None, pid=2, parent=1),
    ):
        found: list[Any] = [Seen(same, "venv", pid=1), child]
        assert without_launchers(found, "win32") == found
    found = [Seen(["venv/python", "bot.py"], "venv", pid=1), Seen(["python", "bot.py"], "base", pid=2, parent=1)]
    assert without_launchers(found, "win32") == found[1:]


def test_a_fork_is_a_part_of_this_process() -> None:
    """A descendant with this very command line is neither another instance nor ended."""
    own = psutil.Process()

    class Fork(Seen):
        """A process that this one started."""

        def parents(self) -> list[psutil.Process]:
            """Return its ancestors."""
            return [own]

    fork, other = (Fork(arguments, pid=0) for arguments in (own.cmdline(), ["python", "other.py"]))
    assert _is_own(fork)  # type: ignore[arg-type]  # all that is asked of a process
    assert not _is_own(other)  # type: ignore[arg-type]  # the same


def test_what_has_ended_is_nobodys_worker(tmp_path: Path) -> None:
    """Of a process that is gone nobody can say that it is a part of this one."""
    with Crowd() as children:
        child = children.python("-c", SLEEPER, cwd=tmp_path)
        assert child.says("up"), child.printed
        process = psutil.Process(child.pid)
        child.kill()
        assert child.ends()
        assert not is_worker_of(process, psutil.Process())
