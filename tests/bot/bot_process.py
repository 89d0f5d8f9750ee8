"""The bot as people run it, in a process of its own: `python -m reference` on a local Discord of the test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.machine import is_wine
from harness.parts.process import CTRL_BREAK_HEARD
from harness.project import HOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from localdiscord import LocalDiscord

__all__ = ["BotProcess", "launch"]

END_GENTLY = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
"""What asks a process to end in order; Windows delivers it to processes of a group of their own."""

AS_MODULE = "import runpy\nrunpy.run_module({program!r}, run_name='__main__', alter_sys=True)\n"
"""What `-m` does, for a program that has to begin with something else."""

PATIENCE = 60.0
"""Seconds for a process to be ready or to end."""


class BotProcess:
    """A bot in a process of its own.

    Args:
        discord: where it logs in.
        data: where it keeps everything.
        program: the module to run, which takes the arguments of `python -m reference`.
        **variables: its settings, by the names of their variables without `BOT_`.
    """

    def __init__(self, discord: LocalDiscord, data: Path, program: str = "reference", **variables: str) -> None:
        self.left: list[psutil.Process] = []
        place = f"127.0.0.1:{discord.port}"
        chosen = {f"BOT_{name}": value for name, value in {"HEALTH__PORT": "0", **variables}.items()}
        run = ("-c", CTRL_BREAK_HEARD + AS_MODULE.format(program=program)) if is_wine() else ("-m", program)
        self.process = subprocess.Popen(
            [sys.executable, *run, "--local", place, "--no-browser", "--data", str(data)],
            cwd=HOME,
            env=os.environ | {"DISCORD_TOKEN": discord.town.application.token, **chosen},
            stdin=subprocess.PIPE if is_wine() else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    async def ready(self) -> None:
        """Wait until it says so itself, having told Discord its commands."""
        output = self.process.stdout
        assert output is not None
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while line := (await asyncio.to_thread(output.readline)).decode():
                lines.append(line)
                if "is ready" in line:
                    return
        raise AssertionError("the bot ended before it was ready:\n" + "".join(lines))

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """End it as a power cut does."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.left = self.children()
        self.process.kill()
        self.process.wait(PATIENCE)

    async def terminate(self) -> int:
        """Ask it to end in order; return its exit code."""
        if not is_wine():
            self.process.send_signal(END_GENTLY)
        await asyncio.to_thread(self.process.communicate, b"\n" if is_wine() else None, PATIENCE)
        return self.process.returncode

    def close(self) -> None:
        """Leave nothing of it; an ffmpeg may wait for a reader under Wine that has been killed."""
        if self.process.poll() is None:
            self.kill()
        for child in self.left:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        for stream in filter(None, (self.process.stdin, self.process.stdout)):
            stream.close()


@pytest.fixture
def launch(discord: LocalDiscord) -> Iterator[Callable[..., BotProcess]]:
    """Start bots in processes of their own, with the arguments of `BotProcess`; none outlives the test."""
    launched: list[BotProcess] = []

    def launch(data: Path, program: str = "reference", **variables: str) -> BotProcess:
        launched.append(BotProcess(discord, data, program, **variables))
        return launched[-1]

    yield launch
    for process in launched:
        process.close()
