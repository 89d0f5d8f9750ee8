"""The alert manager's session is never closed.

The alert manager makes an HTTP session at its first alert and keeps it. It has a method that closes the session, but
nothing calls it: not the shutdown manager, not the end of the event loop. A bot that has sent one alert and is then
shut down in perfect order leaves "Unclosed client session" and "Unclosed connector" as its last words, and with them a
connection that the operating system has to clear away.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import harness
from harness.parts.process import PATIENCE, Crowd
from harness.parts.webserver import Reply, WebServer

if TYPE_CHECKING:
    from harness.subject import Subject

LEFT_OPEN = ("Unclosed client session", "Unclosed connector", "Unclosed connection")

BEGINNING = """
import asyncio, atexit, gc, inspect, os
from pathlib import Path
from harness.parts.reroute import send_everything_to
from harness.subject import Subject

send_everything_to(int(os.environ["WEBHOOK_PORT"]))
subject = Subject(Path(os.environ["SUBJECT_ROOT"]))
subject.open()
manager = subject.monitoring.alerting.alert_manager
os._exit = lambda code: None  # a shutdown manager may force the end, which would hide what is left open

async def alert(kind="regression"):
    await manager.send_alert(title="title", description="text", alert_type=kind, severity="critical")

async def get_session():
    session = manager._get_session()
    return await session if inspect.isawaitable(session) else session

async def use_session():
    if not hasattr(manager, "_get_session"):
        return
    sessions = [await get_session(), await get_session()]
    try:
        async with sessions[0].post("https://discord.com/api/webhooks/1/token", json={}) as response:
            await response.read()
    finally:
        if sessions[0] is not sessions[1]:  # a session of the caller's own, to be closed by the caller
            for session in sessions:
                await session.close()

async def close():
    closing = manager.close()
    if inspect.isawaitable(closing):
        await closing

async def shut_down():
    try:
        await subject.reliability.shutdown_manager.shutdown_manager.shutdown("the test")
    except SystemExit:
        pass

class Crash(Exception):
    pass
"""

END = """
atexit._run_exitfuncs()
subject.close()
subject = manager = None
gc.collect()
print("the end", flush=True)
"""

CLOSED = {
    "by close": """
async def main():
    await alert()
    await use_session()
    await close()
asyncio.run(main())
""",
    "by close in a second loop": """
async def main():
    await alert()
    await use_session()
asyncio.run(main())
asyncio.run(close())
""",
    "by close in each of three loops": """
async def life():
    await alert()
    await use_session()
    await close()
for _ in range(3):
    asyncio.run(life())
""",
    "by close twice": """
async def main():
    await alert()
    await close()
    await close()
asyncio.run(main())
""",
}

SHUT_DOWN = {
    "after an alert": """
async def main():
    await alert()
    await shut_down()
asyncio.run(main())
""",
    "after several alerts at once": """
async def main():
    await asyncio.gather(*(alert(f"kind {number}") for number in range(5)))
    await shut_down()
asyncio.run(main())
""",
    "after a close and one more alert": """
async def main():
    await alert()
    await close()
    await alert("another kind")
    await shut_down()
asyncio.run(main())
""",
    "after the session was used": """
async def main():
    await use_session()
    await shut_down()
asyncio.run(main())
""",
    "on the way out of an exception": """
async def main():
    try:
        await alert()
        raise Crash
    finally:
        await shut_down()
try:
    asyncio.run(main())
except Crash:
    pass
""",
    "in a second loop, as after Ctrl+C": """
async def main():
    await alert()
    await use_session()
    raise KeyboardInterrupt
try:
    asyncio.run(main())
except KeyboardInterrupt:
    asyncio.run(shut_down())
""",
    "without any alert": """
asyncio.run(shut_down())
""",
}


def last_words(subject: Subject, program: str) -> list[str]:
    """Run a program that uses the tree's alert manager in a process of its own; return all that it printed."""
    script = Path("child.py").resolve()
    script.write_text(BEGINNING + program + END, encoding="utf-8")
    with WebServer(lambda _request: Reply(status=204)) as discord, Crowd() as crowd:
        environment = {
            "PYTHONPATH": os.pathsep.join(
                [str(Path(harness.__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
            ),
            "SUBJECT_ROOT": str(subject.root),
            "WEBHOOK_PORT": str(discord.port),
            "ALERT_WEBHOOK_URL": "https://discord.com/api/webhooks/123456789012345678/token",
            "ALERT_COOLDOWN_SECONDS": "0",
        }
        child = crowd.python(script, cwd=script.parent, environment=environment)
        ended = child.ends(PATIENCE)
        assert ended, "a process that used the alert manager and closed it did not end"
        assert "the end" in child.printed, (
            f"the alert manager's user failed: {(child.printed or ['nothing was printed'])[-1]}"
        )
        return child.printed


def left_open(words: list[str]) -> list[str]:
    """Return what the process complained of."""
    return [line for line in words if line.strip().startswith(LEFT_OPEN)]


@pytest.mark.parametrize("way", CLOSED)
def test_close_leaves_nothing_open(subject: Subject, way: str) -> None:
    """After ``close()``, in whatever loop and however often, a process ends without a session left open."""
    _ = subject.monitoring.alerting.alert_manager.close
    complaints = left_open(last_words(subject, CLOSED[way]))
    assert not complaints, f"{complaints[0]!r} was printed by a process that closed its alert manager {way}"


@pytest.mark.parametrize("way", SHUT_DOWN)
def test_shutdown_leaves_nothing_open(subject: Subject, way: str) -> None:
    """After an orderly shutdown, a process that has sent an alert ends without a session left open."""
    _ = subject.monitoring.alerting.alert_manager, subject.reliability.shutdown_manager.shutdown_manager
    complaints = left_open(last_words(subject, SHUT_DOWN[way]))
    assert not complaints, f"{complaints[0]!r} was printed by a process that was shut down in order {way}"
