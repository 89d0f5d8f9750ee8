"""Any process with bot.py in its command line is taken for the bot.

The self-healer looks for other instances of the bot and may end them. If it tells them by the words in a command
line, it also picks robot.py, my-bot.py, another project's bot.py, a viewer that has the file open, and a program that
is merely given the file's name. A bot that starts then ends programs that have nothing to do with it. The bot is the
Python process that runs this very tree's bot.py, wherever it was started from.

The processes are real; the subject sees no others of the machine, so that a defective tree can end none of them.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.process import ENSURE, READS_NOTHING, SLEEPER, Child, Crowd, pid_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

VIEWER = "a viewer with the bot's file open"


@pytest.fixture
def bot(subject: Subject) -> Iterator[Path]:
    """Put a program that only sleeps in the place of the subject's bot."""
    script = subject.root / "bot.py"
    original = script.read_bytes() if script.exists() else None
    script.write_text(SLEEPER, encoding="utf-8")
    yield script
    script.unlink() if original is None else script.write_bytes(original)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    """Start children that the subject can see, and nothing else of the machine."""
    with Crowd() as children:
        children.hide_others(monkeypatch)
        yield children


def program(path: Path) -> Path:
    """Write the sleeping program to a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SLEEPER, encoding="utf-8")
    return path


def strangers(crowd: Crowd, bot: Path, folder: Path) -> dict[str, Child]:
    """Start programs that are not the bot, though their command lines read like it, and wait until they are up."""
    other = program(folder / "other-project" / "bot.py").parent
    report = program(folder / "report.py")
    started = {
        f"a program named {name}": crowd.python(program(folder / name), cwd=folder)
        for name in ("robot.py", "my-bot.py", "some_other_bot.py", "bot.py.bak")
    }
    started |= {
        "another project's bot.py": crowd.python("-u", other / "bot.py", cwd=folder),
        "another project's bot.py, named by a relative path": crowd.python("bot.py", cwd=other),
        "a program given bot.py as an argument": crowd.python(report, "bot.py", cwd=bot.parent),
        "a program given the bot's path as an argument": crowd.python(report, bot, cwd=folder),
        "a command given the bot's path as an argument": crowd.python("-c", SLEEPER, bot, cwd=folder),
    }
    for name, child in started.items():
        child.comes_up(name)
    if sys.platform != "win32" and (viewer := shutil.which("tail")):
        notes = program(folder / "python-notes.txt")
        started[VIEWER] = crowd.start(viewer, "-qf", notes, bot, cwd=folder, environment=READS_NOTHING)
    return started


def instances(crowd: Crowd, bot: Path, folder: Path) -> dict[str, Child]:
    """Start the bot in several ways, and wait until each is up."""
    started = {
        "a relative path in the bot's folder": crowd.python("bot.py", cwd=bot.parent),
        "an option and an absolute path": crowd.python("-u", bot, cwd=folder),
        "a relative path from elsewhere": crowd.python(Path(bot.parent.name, "bot.py"), cwd=bot.parent.parent),
    }
    for name, child in started.items():
        child.comes_up(f"the bot by {name}")
    return started


def found_by(healer: Any) -> set[int]:
    """Return the PIDs that the self-healer takes for the bot."""
    return {int(info["pid"]) for info in healer.find_all_bot_processes()}


def test_strangers_are_not_the_bot(subject: Subject, bot: Path, crowd: Crowd, tmp_path: Path) -> None:
    """No program but the tree's own bot.py is taken for the bot, however much its command line reads like it."""
    healer = subject.reliability.self_healer.SelfHealer("regression")
    started = strangers(crowd, bot, tmp_path)
    found = found_by(healer)
    taken = [name for name, child in started.items() if child.pid in found]
    assert not taken, f"taken for the bot: {'; '.join(taken)}"


def test_the_bot_is_found(subject: Subject, bot: Path, crowd: Crowd, tmp_path: Path) -> None:
    """The tree's own bot.py is found however its path was given, so that caution is not bought with blindness."""
    healer = subject.reliability.self_healer.SelfHealer("regression")
    started = instances(crowd, bot, tmp_path)
    found = found_by(healer)
    missed = [name for name, child in started.items() if child.pid not in found]
    assert not missed, f"the bot was not found when started by {'; '.join(missed)}"


def test_strangers_outlive_a_start_of_the_bot(subject: Subject, bot: Path, crowd: Crowd, tmp_path: Path) -> None:
    """A bot that makes itself the only instance ends no stranger, not even one that was given an old bot's PID."""
    module = subject.reliability.self_healer
    started = strangers(crowd, bot, tmp_path)
    reused = "a stranger with the PID that a dead bot left in its PID file"
    started[reused] = crowd.python(program(tmp_path / "unrelated.py"), cwd=tmp_path)
    started[reused].comes_up("a stranger")
    leave_pid_file(crowd, subject, module, started[reused], tmp_path)

    healer = module.SelfHealer("regression")
    with contextlib.suppress(Exception):  # where it can write its files, or what else it wants, is another matter
        healer.ensure_single_instance(kill_existing=True)
    with contextlib.suppress(Exception):
        healer.kill_duplicate_bots()
    ended = [name for name, child in started.items() if not (child.is_alive and (name == VIEWER or child.answers()))]
    assert not ended, f"ended though it is not the bot: {'; '.join(ended)}"


def leave_pid_file(crowd: Crowd, subject: Subject, module: Any, stranger: Child, folder: Path) -> None:
    """Let an instance write its PID file and die without a word; then name the stranger in it, in the same format."""
    instance = crowd.python("-c", ENSURE, subject.root, cwd=folder)
    if not instance.says("ensured"):
        return
    instance.kill()
    file = pid_file(module, folder)
    if file is not None:
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(str(instance.pid), str(stranger.pid)), encoding="utf-8")
