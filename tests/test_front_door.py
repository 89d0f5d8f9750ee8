"""What says the same in several places is held together: Pythons, sessions, packages, platforms, pinned actions."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import Any

import pytest
import yaml

from harness import evidence
from harness.project import HOME, Project

PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOW = HOME / ".github" / "workflows" / "ci.yml"
LOADED: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
JOBS: dict[str, Any] = LOADED["jobs"]
TRIGGERS: dict[str, Any] = LOADED[True]
"""What starts the workflow; YAML takes the word "on" for a truth."""

NOT_ON_GITHUB = {"windows-wine"}
"""Platforms that GitHub has no machine for; the merging job is told so."""

SYSTEMS = {"ubuntu": ("linux", "Operating System :: POSIX :: Linux")}
SYSTEMS["windows"] = ("windows", "Operating System :: Microsoft :: Windows")


def classified() -> list[str]:
    """Return the Pythons that the classifiers name."""
    found = [re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line) for line in classifiers()]
    return [match[1] for match in found if match]


def classifiers() -> list[str]:
    """Return the classifiers of the package."""
    return list(PROJECT["project"]["classifiers"])


def sessions() -> set[str]:
    """Return the names of the nox sessions."""
    tree = ast.parse((HOME / "noxfile.py").read_bytes())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if any("nox.session" in ast.unparse(made) for made in node.decorator_list)}


def test_what_runs_long_has_time_to_end_in_order() -> None:
    """Each session that hands its arguments to the harness or the bot lets it write what it has after Ctrl+C.

    nox would kill it after half a second otherwise, and what was found would be lost.
    """
    calls = [node for node in ast.walk(ast.parse((HOME / "noxfile.py").read_bytes())) if isinstance(node, ast.Call)]
    ours = [
        call
        for call in calls
        if ast.unparse(call).startswith(("session.run('python', '-m', 'harness'", "session.run('python', '-m', 'refer"))
        and any(isinstance(argument, ast.Starred) for argument in call.args)
    ]
    hasty = [ast.unparse(call) for call in ours if "interrupt_timeout" not in {word.arg for word in call.keywords}]
    assert len(ours) >= 6
    assert hasty == []


def matrix(job: str, axis: str) -> list[str]:
    """Return the values that a job is run with."""
    return list(JOBS[job]["strategy"]["matrix"][axis])


def commands() -> str:
    """Return all that the workflow runs."""
    return "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])


def test_the_tests_run_on_every_python_and_platform_promised() -> None:
    """The matrix is the classifiers' Pythons by the classifiers' systems, the oldest being the least required."""
    assert matrix("tests", "python") == classified()
    assert PROJECT["project"]["requires-python"] == f">={classified()[0]}"
    promised = [classifier for classifier in classifiers() if classifier.startswith("Operating System")]
    tested = [SYSTEMS[name.partition("-")[0]][1] for name in matrix("tests", "os")]
    assert sorted(tested) == sorted(promised)


def test_the_workflow_runs_only_sessions_that_exist() -> None:
    """Each `nox -s NAME` of the workflow and of the local CI is a session of the noxfile."""
    text = commands() + (HOME / ".ci" / "run").read_text(encoding="utf-8")
    named = {name.partition("-")[0] for name in re.findall(r"nox .*?-s \"?([\w-]+)", text)}
    assert named >= {"tests", "lint", "types", "prove", "ledger", "wheel"}
    assert named - sessions() == set()


def test_every_claim_can_be_checked_where_it_was_made() -> None:
    """Each environment with committed evidence is one of the matrix that proves, or is named as not checked there."""
    proving = {
        f"{SYSTEMS[system.partition('-')[0]][0]}-{python}"
        for system in matrix("prove", "os")
        for python in matrix("prove", "python")
    }
    committed = evidence.load_all(Project().evidence)
    strays = [item.tag for item in committed if item.tag not in proving and item.platform not in NOT_ON_GITHUB]
    assert strays == []
    assert f"--unchecked {' '.join(sorted(NOT_ON_GITHUB))}" in commands()


def test_every_action_is_pinned_by_its_commit() -> None:
    """An action is named by a whole hash, with its version behind it; the same action by the same hash everywhere."""
    uses = re.findall(r"uses: (\S+)(.*)", WORKFLOW.read_text(encoding="utf-8"))
    assert uses
    assert [name for name, rest in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name) or " # v" not in rest] == []
    assert len({name.partition("@")[0] for name, _ in uses}) == len({name for name, _ in uses})


@pytest.mark.parametrize("job", sorted(JOBS))
def test_every_job_may_do_little_and_ends(job: str) -> None:
    """A job may read the code and nothing else, and has a time-out; only the weekly search may take hours."""
    assert JOBS[job]["permissions"] == {"contents": "read"}
    assert JOBS[job]["timeout-minutes"] <= (350 if job == "mutants" else 90)


def test_there_is_a_job_for_each_promise() -> None:
    """Tests, lint, types, documents, wheel, proof, searches and the merging of evidence are jobs; so is the image."""
    promised = {"tests", "lint", "types", "docs", "wheel", "minimums", "prove", "fuzz", "mutants", "ledger"}
    assert set(JOBS) == promised | {"image"}
    assert "docker build" in commands()
    run = set(re.findall(r"nox .*?-s \"?([a-z]+)", commands()))
    assert promised - run == set()


def test_searches_run_by_the_clock_and_the_rest_on_every_change() -> None:
    """Each time of the clock starts one search, every other job leaves them alone, and nothing else starts by it."""
    times = [each["cron"] for each in TRIGGERS["schedule"]]
    for job in ("fuzz", "mutants"):
        assert [time for time in times if f"github.event.schedule == '{time}'" in JOBS[job]["if"]] != []
    others = [job for job in JOBS if job not in {"fuzz", "mutants"}]
    assert [job for job in others if "github.event_name != 'schedule'" not in JOBS[job]["if"]] == []
    assert {"push", "pull_request"} <= set(TRIGGERS)


def test_a_python_that_is_missing_is_red() -> None:
    """A machine of the matrix without its Python fails, where nox alone would pass it over and be green."""
    runs = [step.get("run", "") for step in JOBS["tests"]["steps"]]
    assert [run for run in runs if "nox" in run and "-s" in run] == [
        'nox --error-on-missing-interpreters -s "tests-${{ matrix.python }}"'
    ]


def test_the_image_holds_every_package_of_the_wheel() -> None:
    """The Docker file copies what the wheel is made of, lets it through its ignore file, and is not run by root."""
    lines = (HOME / "Dockerfile").read_text(encoding="utf-8").splitlines()
    allowed = (HOME / ".dockerignore").read_text(encoding="utf-8").splitlines()
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [name for name in packages if f"COPY {name} {name}" not in lines or f"!{name}" not in allowed] == []
    users = [line for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] != "USER root"
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
