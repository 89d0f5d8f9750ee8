"""A process table that is made up: psutil shows it, hides what is hidden, and ends nothing but what is in it."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from harness.parts.process_table import BOOT, Made, shown


def made(**options: object) -> Made:
    """Return a process that runs a script."""
    known: dict[str, object] = {"arguments": ["python", "bot.py"], "cwd": "/srv", "exe": "/usr/bin/python", "age": 5.0}
    return Made(**{**known, **options})  # type: ignore[arg-type]  # whatever the test says of it


def test_psutil_sees_these_and_this_process() -> None:
    """The table is this process and those that were made up, with all that psutil reads at once."""
    process = made()
    with shown([process]):
        found = {each.pid: each for each in psutil.process_iter(["cmdline", "cwd", "exe", "name", "create_time"])}
        assert set(found) == {os.getpid(), process.pid}
        assert found[process.pid].info == {
            "cmdline": ["python", "bot.py"],
            "cwd": "/srv",
            "exe": "/usr/bin/python",
            "name": "python",
            "create_time": BOOT + 5.0,
        }
        assert psutil.pid_exists(process.pid)
        assert found[os.getpid()].info["cmdline"]
    assert not psutil.pid_exists(process.pid)


@pytest.mark.parametrize(
    ("process", "error"),
    [
        (made(hidden=frozenset({"cwd"})), psutil.AccessDenied),
        (made(status=psutil.STATUS_ZOMBIE), psutil.ZombieProcess),
    ],
)
def test_what_may_not_be_read(process: Made, error: type[Exception]) -> None:
    """What is hidden is denied, and a zombie has no working directory."""
    with shown([process]):
        there = psutil.Process(process.pid)
        assert there.create_time() == BOOT + 5.0
        with pytest.raises(error):
            there.cwd()


def test_a_process_ends_and_is_gone() -> None:
    """One that is asked to end does so, a stubborn one when it is forced, and nothing can be asked of it then."""
    gentle, stubborn = made(), made(stubborn=True)
    with shown([gentle, stubborn]):
        one, other = psutil.Process(gentle.pid), psutil.Process(stubborn.pid)
        one.terminate()
        other.terminate()
        assert (gentle.is_over, stubborn.is_over) == (True, False)
        assert one.wait(1.0) is None
        with pytest.raises(psutil.TimeoutExpired):
            other.wait(0.0)
        other.kill()
        assert stubborn.is_over
        with pytest.raises(psutil.NoSuchProcess):
            psutil.Process(stubborn.pid)
        with pytest.raises(ProcessLookupError):
            os.kill(gentle.pid, signal.SIGTERM)


def test_nobody_else_can_be_ended() -> None:
    """A signal for a process that is not of the table is refused."""
    with shown([made()]):
        with pytest.raises(PermissionError, match="not one of the table"):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(PermissionError, match="not one of the table"):
            psutil.Process().terminate()
