"""The lock of the one bot, between real processes: drawn takings, releases, kills and files that others left.

Never do two processes hold it, and whoever asks for it while nobody does has it, whatever the file says and however its
last holder ended. While it is held, the file names its holder.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.process import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
EVERYBODY = [0, 1, 2]
"""Processes that want the lock."""

CANDIDATE = """
import importlib.util, os, pathlib, sys
spec = importlib.util.spec_from_file_location("instance_lock", sys.argv[1])
sys.modules["instance_lock"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
lock = module.InstanceLock(pathlib.Path(sys.argv[2]))
opened, is_slow = os.open, False

def open_slowly(*args):
    file = opened(*args)
    if is_slow:
        print("done", flush=True)
        sys.stdin.readline()
    return file

os.open = open_slowly
while what := sys.stdin.readline().strip():
    is_slow = what == "begin"
    print(lock.release() if what == "release" else lock.acquire(pid=os.getpid()))
    print("done", flush=True)
"""
"""A process that wants the lock: it loads the one module, and does what it reads, line by line. Told to begin, it opens
the file, says so, and goes on when it is told."""


class Candidate:
    """A process that wants the lock; started when it is first told something, and anew after it was killed."""

    def __init__(self, module: Path, file: Path) -> None:
        self._command = [sys.executable, "-S", "-E", "-c", CANDIDATE, str(module), str(file)]
        self._cwd = file.parent
        self._child: Child | None = None

    def tell(self, what: str) -> None:
        """Tell it to take or to release the lock."""
        self._child = self._child or Child(self._command, self._cwd)
        self._child.tell(what)

    def hear(self) -> str:
        """Return what it answers, once it has done what it was told.

        Raises:
            AssertionError: it broke down, or is stuck.
        """
        assert self._child is not None, "nothing was told to it"
        is_done = self._child.says("done")
        assert is_done, f"a process that wanted the lock broke down: {' '.join(self._child.printed[-2:])}"
        return "".join(self._child.printed[-2:-1])

    @property
    def pid(self) -> int | None:
        """The number of the process, None while there is none."""
        return self._child.pid if self._child else None

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does, and wait until it is gone."""
        if self._child is not None:
            self._child.kill()
        self._child = None


class World:
    """Processes that want one lock, and what is certain of it.

    Attributes:
        holder: number of the process that holds the lock, None while nobody does.
        begun: those that are about to take it.
    """

    def __init__(self, module: Any, file: Path) -> None:
        self._lock = module.InstanceLock(file)
        self._file = file
        self._crowd = [Candidate(module.__file__, file) for _ in EVERYBODY]
        self.holder: int | None = None
        self.begun: set[int] = set()

    def do(self, step: tuple[str, list[int]]) -> None:
        """Let something happen, and judge it."""
        what, who = step
        getattr(self, what)(who)
        said = self._lock.holder().get("pid")
        if self.holder is not None:
            pid = self._crowd[self.holder].pid
            assert said == pid, f"process {pid} holds the lock; its file names {said}"

    def begin(self, who: list[int]) -> None:
        """Let processes that do not hold the lock begin to take it."""
        for number in set(who) - self.begun - {self.holder}:
            self._crowd[number].tell("begin")
            self._crowd[number].hear()
            self.begun.add(number)

    def take(self, who: list[int]) -> None:
        """Let processes take the lock, or go on with that, all at once."""
        for number in who:
            self._crowd[number].tell("take")
        answers = {number: self._crowd[number].hear() for number in who}
        self.begun -= set(who)
        holders = {number for number, answer in answers.items() if answer == "True"} | {self.holder} - {None}
        assert len(holders) < 2, f"{len(holders)} processes hold the lock"
        assert holders, "a process asked for the lock, nobody held it, and it was refused"
        (self.holder,) = holders

    def release(self, who: list[int]) -> None:
        """Let processes give the lock back, whether they hold it or not, but for those that are about to take it."""
        for number in set(who) - self.begun:
            self._crowd[number].tell("release")
            self._crowd[number].hear()
        if self.holder in who:
            self.holder = None
            assert not self._lock.holder(), f"nobody holds the lock; its file names {self._lock.holder()}"

    def kill(self, who: list[int]) -> None:
        """End processes at once."""
        for number in who:
            self._crowd[number].kill()
        self.begun -= set(who)
        if self.holder in who:
            self.holder = None

    def leave(self, who: list[int]) -> None:
        """Let the file be what another program left: nothing, no JSON, or the number of a process that still runs."""
        if self.holder is None:
            left = ("", "no JSON", json.dumps({"pid": os.getpid(), "create_time": 0.0}))[who[0]]
            self._file.write_text(left, encoding="utf-8")


steps = st.tuples(
    st.sampled_from(["take", "take", "take", "begin", "release", "kill", "leave"]),
    st.lists(st.sampled_from(EVERYBODY), min_size=1, unique=True),
)


@pytest.fixture
def world(subject: Subject, tmp_path: Path) -> Iterator[World]:
    """The processes, over all examples."""
    made = World(subject.reliability.instance_lock, tmp_path / "bot.pid")
    yield made
    made.kill(EVERYBODY)


@pytest.mark.wine_fault("msvcrt.locking of a byte that is locked fails with errno 0, not EACCES")
@FUZZ.tries
@given(drawn=st.lists(steps, min_size=8, max_size=16))
def test_one_holder_at_a_time(*, world: World, drawn: list[tuple[str, list[int]]]) -> None:
    """Whatever processes do and whatever the file says, one of those who ask holds the lock, and no two do."""
    try:
        for step in drawn:
            world.do(step)
        world.kill([*world.begun])
        world.release(EVERYBODY)
    except BaseException:
        world.kill(EVERYBODY)
        raise
