"""The bot told from other processes, in any process table: who runs its file, however it was started, and nobody else.

Drawn are interpreters, options, programs, paths, arguments, working directories, what may not be read, and who ends of
its own accord. A stranger is never taken for the bot and never ended, whatever its command line says; a bot that can be
told is found. Everything lies below psutil, so the tree may ask for it as it likes.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.process import ENSURE, Crowd, pid_file
from harness.parts.process_table import Made, shown
from harness.subject import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
STRANGE_NAMES = (
    "robot.py",
    "my-bot.py",
    "some_other_bot.py",
    "bot.py.bak",
    "bot.pyc",
    "report.py",
    "Bot py",
    "xbot.py",
)
OPTIONS: tuple[list[str], ...] = ([], ["-u"], ["-B", "-u"], ["-Xdev"], ["-OO"], ["-I"])
OTHER_PROGRAMS = ("/usr/bin/tail", "/usr/bin/vim", "/usr/bin/node", "/bin/grep", "/opt/python-tools/edit", "")


@dataclass(frozen=True)
class Machine:
    """Where the bot and others lie.

    Attributes:
        root: the bot's folder.
        elsewhere: a folder of other programs, another ``bot.py`` among them.
    """

    root: Path
    elsewhere: Path


@pytest.fixture
def machine(subject: Subject, tmp_path: Path) -> Iterator[Machine]:
    """The files that processes run, and the bot's own."""
    script = subject.root / "bot.py"
    was_there = script.exists()
    if not was_there:
        script.write_text("", encoding="utf-8")
    for name in ("bot.py", *STRANGE_NAMES):
        (tmp_path / name).write_text("", encoding="utf-8")
    yield Machine(subject.root, tmp_path)
    if not was_there:
        script.unlink()


Drawn = dict[str, Any]
processes = st.lists(
    st.fixed_dictionaries(
        {
            "is_python": st.sampled_from([True, True, True, False]),
            "program": st.sampled_from(["bot", "bot", "bot", "other bot", *STRANGE_NAMES, "-c", "-m", ""]),
            "path": st.sampled_from(["absolute", "name", "dotted", "from the parent"]),
            "options": st.sampled_from(OPTIONS),
            "arguments": st.lists(
                st.sampled_from(["bot.py", "the bot's path", "python", "--quiet", "x/bot.py", "robot.py"]), max_size=2
            ),
            "hidden": st.sampled_from([(), (), (), (), ("cwd",), ("cmdline",), ("exe",), ("exe", "cwd", "cmdline")]),
            "in_bots_folder": st.booleans(),
            "is_zombie": st.sampled_from([False] * 5 + [True]),
            "is_stubborn": st.booleans(),
        }
    ),
    min_size=1,
    max_size=5,
)


def made(machine: Machine, drawn: Drawn, age: float) -> tuple[Made, bool | None]:
    """Return a process, and whether it is the bot; None where nobody can tell or need to."""
    home = machine.root if drawn["program"] == "bot" else machine.elsewhere
    name = "bot.py" if drawn["program"] in {"bot", "other bot"} else drawn["program"]
    cwd, script = _placed(machine, home, name, drawn)
    arguments = [str(machine.root / "bot.py") if each == "the bot's path" else each for each in drawn["arguments"]]
    arguments = arguments if drawn["program"] else []
    program = {"-c": ["-c", "import time"], "-m": ["-m", "http.server"], "": []}.get(drawn["program"], [script])
    exe = sys.executable if drawn["is_python"] else OTHER_PROGRAMS[int(age) % len(OTHER_PROGRAMS)]
    options = drawn["options"] if drawn["is_python"] else []
    is_bot = drawn["is_python"] and drawn["program"] == "bot"
    process = Made(
        arguments=[exe, *options, *program, *arguments],
        cwd=str(cwd),
        exe=exe,
        age=age,
        hidden=frozenset(drawn["hidden"]),
        status=psutil.STATUS_ZOMBIE if drawn["is_zombie"] else psutil.STATUS_SLEEPING,
        stubborn=drawn["is_stubborn"],
    )
    return process, None if is_bot and (drawn["hidden"] or drawn["is_zombie"]) else is_bot


def _placed(machine: Machine, home: Path, name: str, drawn: Drawn) -> tuple[Path, str]:
    """Return a working directory, and the path by which a program of a folder is named from there."""
    if drawn["path"] == "absolute":
        return (machine.root if drawn["in_bots_folder"] else machine.elsewhere), str(home / name)
    if drawn["path"] == "from the parent":
        return home.parent, str(Path(home.name, name))
    return home, name if drawn["path"] == "name" else str(Path("..", home.name, name))


@FUZZ.tries
@given(table=processes, keep_newest=st.booleans(), force=st.booleans())
def test_any_process_table(
    *, subject: Subject, machine: Machine, table: list[Drawn], keep_newest: bool, force: bool
) -> None:
    """No stranger is found or ended; a bot is found however it was started, and all duplicates but one are ended."""
    known = [made(machine, drawn, 100.0 * (number + 1)) for number, drawn in enumerate(table)]
    healer = subject.reliability.self_healer.SelfHealer("fuzzer")
    if hasattr(healer, "patience"):
        healer.patience = 0.0
    with shown([process for process, _ in known]):
        found = {int(info["pid"]) for info in healer.find_all_bot_processes()}
        for process, is_bot in known:
            told = f"{' '.join(process.arguments)} (in {process.cwd})"
            assert is_bot is not False or process.pid not in found, f"taken for the bot: {told}"
            assert not is_bot or process.pid in found, f"the bot was not found: {told}"
        with suppress(Exception):
            healer.diagnose()
        for process, is_bot in known:
            if is_bot is False:
                with suppress(Exception):
                    assert not healer.kill_process(process.pid, force=force)
        with suppress(Exception):  # what else it wants is another matter
            healer.kill_duplicate_bots(keep_newest=keep_newest)
    ended = [" ".join(process.arguments) for process, is_bot in known if process.is_over and is_bot is False]
    assert not ended, f"ended though it is not the bot: {ended[0]}"
    sure = [process for process, is_bot in known if is_bot]
    if sure and not any(is_bot is None for _, is_bot in known):
        left = [process for process in sure if not process.is_over]
        kept = sure[-1] if keep_newest else sure[0]
        assert kept in left, "the bot that was to be kept was ended"


@pytest.fixture
def left(subject: Subject, tmp_path: Path) -> tuple[Path, str, str]:
    """The file that an instance wrote that died without a word, what it wrote, and its PID."""
    with Crowd() as crowd:
        instance = crowd.python("-c", ENSURE, subject.root, cwd=tmp_path)
        if not instance.says("ensured"):
            raise NotApplicable("no instance of the tree could be started")
    file = pid_file(subject.reliability.self_healer, tmp_path)
    if file is None:
        raise NotApplicable("the tree's instances leave no file with their PID")
    return file, file.read_text(encoding="utf-8"), str(instance.pid)


@FUZZ.tries
@given(table=processes, owner=st.integers(0, 4))
def test_any_pid_in_the_file_of_a_dead_bot(
    *, subject: Subject, machine: Machine, left: tuple[Path, str, str], table: list[Drawn], owner: int
) -> None:
    """Whoever was given the PID of a dead bot meanwhile outlives the start of the next one, unless it is the bot."""
    file, text, pid = left
    known = [made(machine, drawn, 100.0 * (number + 1)) for number, drawn in enumerate(table)]
    with shown([process for process, _ in known]):
        file.write_text(text.replace(pid, str(known[owner % len(known)][0].pid)), encoding="utf-8")
        healer = subject.reliability.self_healer.SelfHealer("fuzzer")
        if hasattr(healer, "patience"):
            healer.patience = 0.0
        with suppress(Exception):  # what else it wants is another matter
            healer.ensure_single_instance(kill_existing=True)
        getattr(healer, "release", bool)()
    ended = [" ".join(process.arguments) for process, is_bot in known if process.is_over and is_bot is False]
    assert not ended, f"ended though it is not the bot: {ended[0]}"
