"""Lets the project run on an interpreter that a wrapper starts, as Wine does: started as a script by the front door.

It uses nothing but the standard library, since the interpreter may have nothing else yet.
``lacking NAME==VERSION ...`` prints, as JSON, which of these the interpreter does not have.
``run FOLDER|...|CACHE ARGUMENTS ...`` runs the interpreter again on the arguments, with modules from the folders and
its bytecode in the last one; a wrapper may keep ``PYTHONPATH`` to itself. What it prints comes out at once, though
into a pipe.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

if __package__:
    from harness.machine import is_wine
else:
    from machine import is_wine  # type: ignore[import-not-found, no-redef]  # a script's neighbours are on its path

REST = 5.0
"""Seconds that the last of what was printed may take."""


def lacking(wanted: list[str]) -> list[str]:
    """Return which requirements of the form ``name==version`` this interpreter does not meet."""
    have = {_normal(item.name): item.version for item in importlib.metadata.distributions()}
    pairs = [line.partition("==") for line in wanted]
    return [f"{name}=={version}" for name, _, version in pairs if have.get(_normal(name)) != version]


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def run(places: str, arguments: list[str]) -> int:
    """Run this interpreter again; return its exit code."""
    *folders, cache = [str(Path(place).resolve()) for place in places.split("|")]
    kept = {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
    settings = {"PYTHONPATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1", **kept}
    command, environment = [sys.executable, *arguments], {**os.environ, **settings}
    if is_wine():
        return _relayed(command, environment)
    return subprocess.call(command, env=environment)  # noqa: S603  what it is for


def _relayed(command: list[str], environment: dict[str, str]) -> int:
    """Run a command, and pass on what it prints until it ends, whoever else has its pipe.

    Under Wine a program that was ended while it wrote stays as a process of the host, and a wrapper that waits for the
    end of the pipe waits for ever. The smallest case: end ``ffmpeg``, writing to a pipe, by ``TerminateProcess``.
    """
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)  # noqa: S603

    def relay(source: BinaryIO) -> None:
        while chunk := source.read(65_536):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()

    relaying = threading.Thread(target=relay, args=(process.stdout,), daemon=True)
    relaying.start()
    code = process.wait()
    relaying.join(REST)
    return code


def main(arguments: list[str]) -> int:
    """Do what the first argument names."""
    if arguments[0] == "lacking":
        print(json.dumps(lacking(arguments[1:])))  # noqa: T201  the answer
        return 0
    return run(arguments[1], arguments[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
