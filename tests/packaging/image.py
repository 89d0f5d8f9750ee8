"""Carries out the Docker file where there is no engine: `python tests/packaging/image.py FOLDER`, on Linux.

A program and no test, run by `nox -s image`. The build gets what the ignore file lets through and no more, its stages
become folders, and its commands run with the paths of the image replaced by paths below FOLDER. What was built is then
used with the image's variables, as `installed.py` uses it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parent.parent.parent
INSTALLED = Path(__file__).with_name("installed.py")


def instructions(text: str) -> list[tuple[str, str]]:
    """Return each instruction of a Docker file with its arguments, its lines joined."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def let_through(ignore: str) -> list[str]:
    """Return what an ignore file that begins by ignoring everything lets through, at the top of the project.

    Raises:
        ValueError: it does not ignore everything first.
    """
    first, *rest = ignore.split()
    if first != "*":
        raise ValueError(".dockerignore has to begin with *, and to name what the image needs")
    return [line[1:] for line in rest if line.startswith("!")]


def tracked() -> list[str]:
    """Return the files of the commit and of the index: what a clean clone holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HOME, capture_output=True, check=True)  # noqa: S607
    return listed.stdout.decode().rstrip("\0").split("\0")


def context(folder: Path) -> Path:
    """Lay out what the engine would be sent."""
    allowed = let_through((HOME / ".dockerignore").read_text(encoding="utf-8"))
    for name in tracked():
        if name.split("/")[0] in allowed and (HOME / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(HOME / name, folder / name)
    return folder


def build(steps: list[tuple[str, str]], sent: Path, work: Path, image: Path) -> None:
    """Carry out the copies and commands of the first stage.

    Raises:
        subprocess.CalledProcessError: a command failed.
    """
    for word, rest in steps:
        if word == "COPY":
            *sources, target = rest.split()
            for name in sources:
                place = work / target / name if target.endswith("/") else work / target
                copy = shutil.copytree if (sent / name).is_dir() else shutil.copyfile
                copy(sent / name, place)
        elif word == "RUN":
            print(word, rest, flush=True)  # noqa: T201  a program
            command = ["/bin/sh", "-ec", rest.replace("/opt/", f"{image}/opt/")]
            subprocess.run(command, cwd=work, env=os.environ | {"PIP_QUIET": "1"}, check=True)


def variables(steps: list[tuple[str, str]], image: Path) -> dict[str, str]:
    """Return the variables that the last stage sets, with the paths of the image below a folder."""
    pairs = [pair.partition("=") for word, rest in steps if word == "ENV" for pair in rest.split()]
    found = {name: value for name, _, value in pairs}
    data, path = found["BOT_DATA"], found["PATH"]
    path = path.replace("/opt/", f"{image}/opt/").replace("$PATH", os.environ["PATH"])
    return found | {"BOT_DATA": f"{image}{data}", "PATH": path}


def main(folder: Path) -> int:
    """Build the image into a folder and use it; return 0, or another number where something is wrong."""
    image, work, data = folder / "image", folder / "build", folder / "image" / "data"
    shutil.rmtree(folder, ignore_errors=True)
    for place in (image, work, data):
        place.mkdir(parents=True)
    steps = instructions((HOME / "Dockerfile").read_text(encoding="utf-8"))
    last = max(number for number, (word, _) in enumerate(steps) if word == "FROM")
    build(steps[:last], context(folder / "context"), work, image)
    shutil.rmtree(work)
    shutil.rmtree(folder / "context")
    environment = {"HOME": "/nonexistent", **variables(steps[last:], image)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("SSL_")}
    before = sorted((image / "opt").rglob("*"))
    code = subprocess.run(["python", "-P", INSTALLED], cwd=data, env=environment, check=False).returncode  # noqa: S607
    if sorted((image / "opt").rglob("*")) != before:
        print("something was written below /opt, which is read-only", file=sys.stderr)  # noqa: T201  a program
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
