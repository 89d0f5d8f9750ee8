"""The front door: `nox -l` lists what can be done, `nox -s tests` and `nox -s prove` are the two main jobs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import nox

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
LOCK = Path("requirements.lock")
COVERAGE_FLOOR = 95
CORES = os.cpu_count() or 1
PARALLEL = ("-n", str(min(2 * CORES, CORES + 4)), "--dist", "worksteal", "--reruns", "2")
"""More workers than cores, since many a test waits for a process, a browser or the network; what fails is run again,
and listed with its reason, since these have bad moments."""

NO_BROWSER = ("-m", "not browser")
"""For all Pythons but the oldest: the page's script is the same whatever Python serves it."""

SAMPLE = ("--finding", "F01", "F05", "F15", "--timeout", "300")
"""Findings that a wheel is tried on: they need the templates, the migrations and the parts that regressions share."""

PATIENCE = 60.0
"""Seconds that what runs has to end in order after Ctrl+C: the bot leaves Discord, a search writes what it found."""

INSTALLED = Path("tests", "packaging", "installed.py").resolve()
"""A program that uses the installed package; it gets an empty directory."""

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv" if shutil.which("uv") or find_spec("uv") else "virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "prove"]

os.environ.setdefault("UV_COMPILE_BYTECODE", "1")  # else each of the many processes compiles what it imports anew


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
    session.log("installing what requirements.lock names; this once it takes up to a few minutes, and is silent")
    session.install("--quiet", "--constraint", str(LOCK), "--editable", ".", *requirements, silent=True)
    stamp.write_text(wanted, encoding="utf-8")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests on every Python found, with branch coverage on the oldest; arguments go to pytest: -- -k F12."""
    install(session, "test")
    rest = session.posargs or (() if session.python == PYTHONS[0] else NO_BROWSER)
    if rest or os.name == "nt":
        session.run("pytest", *PARALLEL, *rest, interrupt_timeout=PATIENCE)
        return
    data = str(Path(session.create_tmp(), "coverage"))
    session.env["COVERAGE_FILE"] = data
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *PARALLEL, interrupt_timeout=PATIENCE)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", f"--fail-under={COVERAGE_FLOOR}")


@nox.session
def prove(session: nox.Session) -> None:
    """Judge reference and variants, let the fuzzers find the defects, render AUDIT.md: -- --all, -- --no-fuzz."""
    install(session, "test")
    session.run("python", "-m", "harness", "prove", *session.posargs, interrupt_timeout=PATIENCE)


@nox.session
def judge(session: nox.Session) -> None:
    """Judge a tree that has a utils/ package: -- --subject PATH [--python EXE] [--finding F02 ...]."""
    install(session)
    chosen = session.posargs or ["--subject", "reference"]
    session.run("python", "-m", "harness", "judge", *chosen, interrupt_timeout=PATIENCE)


@nox.session
def ledger(session: nox.Session) -> None:
    """Check that AUDIT.md is, to the byte, what register, code and evidence say."""
    install(session)
    session.run("python", "-m", "harness", "ledger", *session.posargs, interrupt_timeout=PATIENCE)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, and the files that CI is made of."""
    install(session, "lint", "bench")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("zizmor", "--offline", "--quiet", ".github")
    if sys.platform == "linux":
        session.run("hadolint", "Dockerfile")
    for schema, file in (("github-workflows", "workflows/ci.yml"), ("dependabot", "dependabot.yml")):
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", f".github/{file}")
    session.run("pytest", "-q", "tests/test_workflow.py")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of everything, tests included."""
    install(session, "lint", "bench")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Check that what the documents name exists, and that AUDIT.md is what its sources say."""
    install(session, "test")
    session.run("pytest", "-q", "tests/test_documents.py", "tests/test_front_door.py")
    session.run("python", "-m", "harness", "ledger")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, and use it, installed, in an empty directory."""
    built = _build_wheel(session)
    session.install("--quiet", "--constraint", str(LOCK), "--force-reinstall", str(built), silent=True)
    code = "import pathlib, reference; print(pathlib.Path(reference.__file__).parent)"
    with session.chdir(_empty_folder(session, "empty")):
        installed = str(session.run("python", "-c", code, silent=True)).strip()
    _use_installed(session, session.run, installed, ("python",), ("executable-audit",), *session.posargs)


def _build_wheel(session: nox.Session) -> Path:
    """Build the wheel and return its place; stop where it lacks a file of ours."""
    session.install("--quiet", "--constraint", str(LOCK), "uv", silent=True)
    folder = _empty_folder(session, "dist")
    session.run("uv", "build", "--quiet", "--wheel", "--build-constraint", str(LOCK), "--out-dir", str(folder))
    built = next(folder.glob("*.whl")).resolve()
    with zipfile.ZipFile(built) as archive:
        packed = set(archive.namelist())
    parts = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    places = [place for part in parts for place in Path(part).rglob("*") if place.is_file()]
    ours = {place.as_posix() for place in places if not re.search(r"(^|/)(\.|__pycache__/)", place.as_posix())}
    if missing := sorted(ours - packed):
        session.error(f"the wheel lacks {', '.join(missing)}")
    return built


def _empty_folder(session: nox.Session, name: str) -> Path:
    folder = Path(session.create_tmp(), name).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _use_installed(
    session: nox.Session,
    run: Callable[..., object],
    installed: str,
    python: tuple[str, ...],
    audit: tuple[str, ...],
    *sample: str,
) -> None:
    """Judge the reference that came with the wheel, check the bot, and use both, each in an empty directory."""
    with session.chdir(_empty_folder(session, "empty")):
        run(*audit, "judge", "--subject", installed, *(sample or SAMPLE))
        run(*python, "-m", "reference", "check")
    with session.chdir(_empty_folder(session, "empty")):
        run(*python, str(INSTALLED))


@nox.session
def image(session: nox.Session) -> None:
    """Carry out the Docker file without an engine, and use what it builds: Linux only."""
    if sys.platform != "linux":
        session.skip("the image is one of Linux")
    session.run("python", "tests/packaging/image.py", str(Path(session.create_tmp(), "image")))


@nox.session(python=PYTHONS[0])
def minimums(session: nox.Session) -> None:
    """Run all tests with the lowest versions that pyproject.toml declares; arguments go to pytest."""
    session.install("--quiet", "--constraint", str(LOCK), "uv", silent=True)
    session.log("installing the lowest versions; this once it takes up to a few minutes, and is silent")
    lowest = ("--resolution", "lowest-direct", "--editable", ".", *nox.project.dependency_groups(PROJECT, "test"))
    session.run("uv", "pip", "install", "--quiet", "--python", session.virtualenv.location, *lowest, silent=True)
    session.run("pytest", *PARALLEL, *session.posargs, interrupt_timeout=PATIENCE)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Search for defects: -- --time 10m [--only pool_schedules], -- --guided json; or prove the fuzzers: -- --teeth."""
    install(session, "test")
    session.run("python", "-m", "harness", "fuzz", *session.posargs, interrupt_timeout=PATIENCE)


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the sources a little and list the changes that no test notices: -- web --workers 2; -- --all."""
    install(session, "test")
    session.run("python", "-m", "harness", "mutants", *session.posargs, interrupt_timeout=PATIENCE)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure each component beside its peers and a floor, as ratios of one run: -- --only limiter."""
    install(session, "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


HANG_ENDS = ("-o", "faulthandler_exit_on_timeout=true")
WINDOWS_TESTS = ("-m", "pytest", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=300", *HANG_ENDS, *PARALLEL)
WINDOWS_QUICK = (
    "tests/windows",
    *(f"tests/harness/test_{name}.py" for name in ("patch", "subject")),
    *("--deselect", "tests/windows/test_windows_findings.py::test_a_variant_gets_its_verdict"),
)
WINDOWS_JOBS = {
    "tests": WINDOWS_TESTS,
    "quick": (*WINDOWS_TESTS, *WINDOWS_QUICK),
    "judge": ("-m", "harness", "judge", "--subject", "reference"),
    "prove": ("-m", "harness", "prove"),
}
WINDOWS_WHOLE = ("tests", "judge", "prove", "wheel")
WINDOWS_TARGET = ("--python-platform", "x86_64-pc-windows-msvc", "--only-binary", ":all:")
ELSEWHERE = Path("harness", "elsewhere.py").resolve()


@nox.session
def windows(session: nox.Session) -> None:
    """Run tests, judge, prove, wheel on a Windows Python, WINDOWS_PYTHON="wine python.exe" for one: -- tests -k F12."""
    chosen, rest = session.posargs[:1], session.posargs[1:]
    if chosen and chosen[0] not in (*WINDOWS_JOBS, "wheel"):
        session.error(f"{chosen[0]}: is none of the jobs {', '.join(WINDOWS_JOBS)}, wheel")
    given = os.environ.get("WINDOWS_PYTHON", sys.executable if os.name == "nt" else "")
    if not given:
        session.error("set WINDOWS_PYTHON to a Windows Python, or to a command that runs one under Wine")
    command = [given] if os.name == "nt" else shlex.split(given)
    answer = session.run(*command, "harness/machine.py", external=True, silent=True, log=False)
    _, version, platform = json.loads(str(answer).strip().splitlines()[-1])
    if not platform.startswith("windows"):
        session.error(f"{given}: is a Python for {platform}, not for Windows")
    session.log(f"Python {version[0]}.{version[1]} on {platform}")
    session.install("--quiet", "--constraint", str(LOCK), "uv", silent=True)
    site = _install_for_windows(session, command, f"{version[0]}.{version[1]}")
    for job in chosen or WINDOWS_WHOLE:
        if job == "wheel":
            _use_wheel_elsewhere(session, command, site, *rest)
        else:
            _run_to_its_end(session, *_elsewhere(command, Path.cwd(), site), *WINDOWS_JOBS[job], *rest)


def _run_to_its_end(session: nox.Session, *command: str) -> None:
    """Run a command; a wrapper of Wine until the Python that it runs says that it has ended, as elsewhere.py tells."""
    if os.name == "nt":
        session.run(*command, external=True)
        return
    session.log(shlex.join(command))
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:  # noqa: S603
        try:
            for line in process.stdout or ():
                if ended := re.match(rb"ended with exit code (\d+)", line):
                    code = int(ended[1])
                    break
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
            else:
                code = process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if code:
        session.error(f"it ended with exit code {code}")


def _use_wheel_elsewhere(session: nox.Session, command: list[str], site: Path, *sample: str) -> None:
    own = site.with_name("wheel")
    shutil.rmtree(own, ignore_errors=True)
    built = str(_build_wheel(session))
    session.run("uv", "pip", "install", "--quiet", "--no-deps", "--target", str(own), built)
    python, run = _elsewhere(command, own, site), partial(_run_to_its_end, session)
    _use_installed(session, run, str(own / "reference"), python, (*python, "-m", "harness"), *sample)


def _elsewhere(command: list[str], code: Path, site: Path) -> tuple[str, ...]:
    """Return the command that runs Python with our code and the dependencies, from whatever folder."""
    places = "|".join(map(str, (code, site, site.with_name("pycache"))))
    return (*command, str(ELSEWHERE), "run" if os.name == "nt" else "tell", places)


def _install_for_windows(session: nox.Session, command: list[str], version: str) -> Path:
    """Put the project and what the interpreter lacks of its locked dependencies into a folder; return the folder."""
    site = Path(session.virtualenv.location).resolve() / f"windows-{version}" / "site-packages"
    lines = str(
        session.run(
            *("uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--group", "test"),
            *("--constraint", str(LOCK), "--python-version", version, *WINDOWS_TARGET, "pyproject.toml"),
            silent=True,
            log=False,
        )
    ).split()
    found = str(session.run(*command, str(ELSEWHERE), "lacking", *lines, external=True, silent=True, log=False))
    lacking = json.loads(found.strip().splitlines()[-1])
    stamp, wanted = site.with_name("installed"), "\n".join(lacking) + Path("pyproject.toml").read_text(encoding="utf-8")
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        session.log(f"{len(lines) - len(lacking)} of {len(lines)} locked dependencies are there already")
        shutil.rmtree(site, ignore_errors=True)
        install = ("uv", "pip", "install", "--quiet", "--no-deps", "--target", str(site), "--python-version", version)
        session.run(*install, *WINDOWS_TARGET[:2], ".", *lacking)
        stamp.write_text(wanted, encoding="utf-8", newline="\n")
    return site


@nox.session
def bot(session: nox.Session) -> None:
    """Run the bot, on a local Discord in the browser unless DISCORD_TOKEN is set: -- --no-browser, -- check."""
    install(session)
    session.run("python", "-m", "reference", *session.posargs, interrupt_timeout=PATIENCE)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Take the README's screenshots anew: the bot on a local Discord, in headless Chromium."""
    install(session, "test")
    session.run("python", "docs/screenshots.py", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Choose anew the versions in requirements.lock, for every platform and Python at once."""
    session.install("uv", silent=True)
    session.run(
        *("uv", "pip", "compile", "--universal", "--python-version", PYTHONS[0]),
        *(part for group in PROJECT["dependency-groups"] for part in ("--group", group)),
        *("--no-header", "--no-annotate", "--upgrade", "--quiet", "pyproject.toml", "--output-file", str(LOCK)),
    )
