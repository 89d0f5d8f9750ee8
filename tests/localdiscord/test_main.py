"""`python -m localdiscord`: what it says, how it ends, and what it answers to wrong options."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from localdiscord.__main__ import CANNOT_LISTEN, main

if TYPE_CHECKING:
    from collections.abc import Sequence

if sys.platform == "win32":
    FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP
    ENDING = signal.CTRL_BREAK_EVENT
else:
    FLAGS = 0
    ENDING = signal.SIGTERM


async def start(*options: str) -> asyncio.subprocess.Process:
    """Start the program."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "localdiscord", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        creationflags=FLAGS,
    )


async def end(process: asyncio.subprocess.Process, how: int = ENDING) -> tuple[int | None, str]:
    """End the program as people do, and return its exit code and what else it said."""
    process.send_signal(how)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, (out + err).decode()


@pytest.mark.wine_fault("os.kill(pid, signal.CTRL_BREAK_EVENT) fails with WinError 12, or the process hears of nothing")
async def test_one_line_says_where_everything_is() -> None:
    """With --json one line names the REST base, the gateway, a token that is good, and the page; SIGTERM ends it."""
    process = await start("--json", "--guilds", "3", "--members", "5", "--shards", "2", "--bot-name", "Robot")
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    facts = json.loads(line)
    headers = {"Authorization": f"Bot {facts['token']}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{facts['rest']}/users/@me") as response:
            me = await response.json()
        async with http.get(f"{facts['rest']}/gateway/bot") as response:
            gateway = await response.json()
        async with http.get(facts["web"]) as response:
            assert response.status == 200
    assert me["username"] == "Robot"
    assert me["id"] == facts["application_id"]
    assert gateway["url"] == facts["gateway"]
    assert gateway["shards"] == 2
    assert await end(process) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to all processes of a console at once")
async def test_people_read_it_and_press_ctrl_c() -> None:
    """Without --json the same stands there in lines, and Ctrl+C ends it as well."""
    process = await start("--token", "my.own.token", "--rate-limits", "10")
    assert process.stdout is not None
    lines = [await asyncio.wait_for(process.stdout.readline(), 60)]
    while lines[-1] != b"Ctrl+C ends it.\n":
        lines.append(await asyncio.wait_for(process.stdout.readline(), 60))
    assert lines[2].split() == [b"token:", b"my.own.token"]
    assert await end(process, signal.SIGINT) == (0, "")


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it cannot listen it says so in a sentence, with what to do, and exits with its own code."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == CANNOT_LISTEN
    said = capsys.readouterr().err
    assert said.startswith(f"Cannot listen on port {port}: ")
    assert said.endswith("Choose another --port.\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "70000"], "70000 is not between 0 and 65535"),
        (["--guilds", "0"], "0 is not between 1 and 10000"),
        (["--shards", "many"], "invalid number value: 'many'"),
        (["--rate-limits", "0"], "a scale is greater than 0"),
        (["--rate-limits", "strict"], "invalid scale value: 'strict'"),
    ],
)
def test_wrong_options_are_explained(options: Sequence[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option ends the program with code 2 and a sentence."""
    with pytest.raises(SystemExit) as ending:
        main(options)
    assert ending.value.code == 2
    assert sentence in capsys.readouterr().err
