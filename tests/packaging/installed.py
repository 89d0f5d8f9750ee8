"""Uses the installed package as somebody does who has nothing else, in an empty directory.

A program and no test: `nox -s wheel` runs it by the Python that the wheel was installed for. It starts the bot, asks
its health page by the very command of the Docker file, ends it in order, runs a local Discord, and proves a finding.
What all of these write has to be below the directory where they were started. It exits with 0, or says what is wrong.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import harness
from harness.machine import is_wine
from harness.parts.process import CTRL_BREAK_HEARD, Child, Crowd

DOCKERFILE = Path(__file__).parent.parent.parent / "Dockerfile"
PATIENCE = 120.0
"""Seconds that a program has to be up, to be healthy, or to end."""

FINDING = "F01"
"""The finding with the fewest variants, so that its proof is quick."""


class WrongError(Exception):
    """The installed package does not do what it should."""


def check(right: object, what: str) -> None:
    """Go on where something is right.

    Raises:
        WrongError: it is not; what is wrong is said.
    """
    if not right:
        raise WrongError(what)


def health_check(dockerfile: Path) -> list[str]:
    """Return the command by which the Docker file asks whether the bot is well."""
    text = dockerfile.read_text(encoding="utf-8").replace("\\\n", " ")
    command: list[str] = json.loads(re.findall(r"^HEALTHCHECK .*?CMD (\[.*\])$", text, re.MULTILINE)[0])
    return command


def line_of(child: Child, pattern: str) -> re.Match[str]:
    """Wait for a line that matches.

    Raises:
        WrongError: the child ended, or did not print one in time.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not child.says("\0", 0.2) and not child.is_alive:
            break
        for line in child.printed:
            if found := re.search(pattern, line):
                return found
    raise WrongError(f"nothing like {pattern!r} was printed, but: {' / '.join(child.printed)}")


def module(crowd: Crowd, name: str, *arguments: str) -> Child:
    """Start a module as ``python -m`` does, able to hear of its end under Wine too."""
    run = (
        f"import runpy, sys\nsys.argv[0] = {name!r}\nrunpy.run_module({name!r}, run_name='__main__', alter_sys=True)\n"
    )
    begin = CTRL_BREAK_HEARD if is_wine() else ""
    return crowd.python("-c", begin + run, *arguments, cwd=Path.cwd())


def ask(command: list[str], address: str) -> int:
    """Carry out the Docker file's question, put to another address than the one inside a container."""
    words = [re.sub(r"http://127\.0\.0\.1:\d+/", f"{address}/", word) for word in command]
    return subprocess.run(
        [sys.executable, *words[1:]], check=False, timeout=PATIENCE, stderr=subprocess.DEVNULL
    ).returncode


def page(address: str) -> str:
    """Read a page of our own; one that comes with 503, as from a bot that is just starting, is a page as well."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310  our own
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


def run_bot() -> None:
    """Start the bot, ask whether it is well until it is, and end it in order."""
    os.environ["BOT_HEALTH__PORT"] = "0"
    command = health_check(DOCKERFILE)
    check(command[0] == "python", f"the health check runs {command[0]}")
    with Crowd() as crowd:
        bot = module(crowd, "reference", "run", "--no-browser")
        address = line_of(bot, r"health page\s+(http://\S+?)/health")[1]
        line_of(bot, r"The bot is ready")
        check(ask(command, address) == 0, "the health check says that a bot that is ready is ill")
        check("<h2>" in page(f"{address}/health"), "the health page is empty")
        bot.send(signal.SIGTERM)
        check(bot.ends(PATIENCE), "the bot does not end when it is told to")
        check(bot.exit_code == 0, f"the bot ended with {bot.exit_code}: {' / '.join(bot.printed)}")
        check(ask(command, address) != 0, "the health check says that a bot that is gone is well")
    check(Path(os.environ.get("BOT_DATA", "data"), "bot.db").is_file(), "the database is not among the data")


def run_local_discord() -> None:
    """Start a local Discord, and read over HTTP what it says it serves."""
    with Crowd() as crowd:
        town = module(crowd, "localdiscord", "--json")
        told = json.loads(line_of(town, r'^\{"rest".*')[0])
        check("<html" in page(told["web"]).lower(), "the page for people is no page")


def prove() -> None:
    """Prove a finding; evidence and ledger are written here, and nothing beside the installed code."""
    site = Path(harness.__file__).parent.parent
    before = {entry.name for entry in site.iterdir()}
    command = [sys.executable, "-m", "harness", "prove", "--finding", FINDING, "--no-fuzz", "--timeout", "300"]
    check(subprocess.run(command, check=False).returncode == 0, f"{FINDING} is not proved")
    check(Path("AUDIT.md").is_file() and any(Path("evidence").glob("*.json")), "the evidence was not written here")
    check({entry.name for entry in site.iterdir()} == before, "something was written beside the installed code")


def main() -> int:
    """Do all of it.

    Returns:
        0, or 1 where something is wrong.
    """
    checkout = DOCKERFILE.parent.resolve()
    where = Path(harness.__file__).resolve().parent.parent
    try:
        check(where != checkout, f"the harness is that of the checkout, {where}")
        check(not list(Path.cwd().iterdir()), f"{Path.cwd()} is not empty")
        for job in (run_bot, run_local_discord, prove):
            job()
            print(f"{job.__name__.replace('_', ' ')}: right", flush=True)  # noqa: T201  a program for people
    except WrongError as wrong:
        print(wrong, file=sys.stderr)  # noqa: T201  a program for people
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
