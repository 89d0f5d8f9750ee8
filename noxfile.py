"""The front door: `nox -l` lists what can be done, `nox -s tests` and `nox -s prove` are the two main jobs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
LOCK = Path("requirements.lock")
COVERAGE_FLOOR = 95
PARALLEL = ("-n", "auto")

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "prove"]


def _offer_pyenv_versions() -> None:
    """Let every Python that pyenv has answer to its name, `python3.12` for one, whatever version is chosen now."""
    pyenv = shutil.which("pyenv")
    if pyenv is None or os.name == "nt":
        return
    listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, check=False, text=True)  # noqa: S603
    found = [line.strip() for line in listed.stdout.splitlines() if line.strip().startswith(tuple(PYTHONS))]
    os.environ["PYENV_VERSION"] = ":".join([*sorted(found), "system"])


_offer_pyenv_versions()


def install(session: nox.Session, *groups: str) -> None:
    """Install the locked dependencies and the project, unless the environment already has exactly these."""
    wanted = hashlib.sha256(LOCK.read_bytes() + Path("pyproject.toml").read_bytes() + repr(groups).encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    requirements = [name for group in groups for name in nox.project.dependency_groups(PROJECT, group)]
    session.install("--quiet", "--constraint", str(LOCK), "--editable", ".", *requirements, silent=True)
    stamp.write_text(wanted, encoding="utf-8")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests on every Python found, with branch coverage on the oldest; arguments go to pytest: -- -k F12."""
    install(session, "test")
    if session.posargs or session.python != PYTHONS[0]:
        session.run("pytest", *PARALLEL, *session.posargs)
        return
    data = str(Path(session.create_tmp(), "coverage"))
    session.env["COVERAGE_FILE"] = data
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *PARALLEL)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", f"--fail-under={COVERAGE_FLOOR}")


@nox.session
def prove(session: nox.Session) -> None:
    """Judge the reference and every variant, print the scoreboard, render AUDIT.md: -- --all to start afresh."""
    install(session)
    session.run("python", "-m", "harness", "prove", *session.posargs)


@nox.session
def judge(session: nox.Session) -> None:
    """Judge a tree that has a utils/ package: -- --subject PATH [--python EXE] [--finding F02 ...]."""
    install(session)
    session.run("python", "-m", "harness", "judge", *(session.posargs or ["--subject", "reference"]))


@nox.session
def ledger(session: nox.Session) -> None:
    """Check that AUDIT.md is, to the byte, what register, code and evidence say."""
    install(session)
    session.run("python", "-m", "harness", "ledger", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and types."""
    install(session, "lint", "bench")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure each component beside its peers and a floor, as ratios of one run: -- --only limiter."""
    install(session, "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def bot(session: nox.Session) -> None:
    """Run the bot, on a local Discord in the browser unless DISCORD_TOKEN is set: -- --no-browser, -- check."""
    install(session)
    session.run("python", "-m", "reference", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Take the README's screenshots anew: the bot on a local Discord, in headless Chromium."""
    install(session, "test")
    session.run("python", "docs/screenshots.py", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Choose anew the versions in requirements.lock, for every platform and Python at once."""
    session.install("uv")
    session.run(
        *("uv", "pip", "compile", "--universal", "--python-version", PYTHONS[0]),
        *(part for group in PROJECT["dependency-groups"] for part in ("--group", group)),
        *("--no-header", "--no-annotate", "--upgrade", "--quiet", "pyproject.toml", "--output-file", str(LOCK)),
    )
