"""Lets the project run on an interpreter that a wrapper starts, as Wine does: started as a script by the front door.

It uses nothing but the standard library, since the interpreter may have nothing else yet.

``lacking NAME==VERSION ...`` prints, as JSON, which of these the interpreter does not have.
``run FOLDER|...|CACHE ARGUMENTS ...`` runs the interpreter again on the arguments, with modules from the folders and
its bytecode in the last one; a wrapper may keep ``PYTHONPATH`` to itself. What it prints comes out at once, though
into a pipe.
``tell FOLDER|...|CACHE ARGUMENTS ...`` does the same, and tells the exit code in a last line. Under Wine a program that
was ended, or its console's host, can keep the wrapper's pipe, which then waits for ever: who waits goes by that line.
The smallest case: start ``ffmpeg`` with ``CREATE_NO_WINDOW``, and end it by ``TerminateProcess`` while it writes to a
pipe.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path


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
    return subprocess.call([sys.executable, *arguments], env={**os.environ, **settings})  # noqa: S603  what it is for


def main(arguments: list[str]) -> int:
    """Do what the first argument names."""
    if arguments[0] == "lacking":
        print(json.dumps(lacking(arguments[1:])))  # noqa: T201  the answer
        return 0
    code = run(arguments[1], arguments[2:])
    if arguments[0] == "tell":
        print(f"\nended with exit code {code}", flush=True)  # noqa: T201  the answer
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
