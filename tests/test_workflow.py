"""What no schema of workflows sees: names that lead nowhere, inputs that no action takes, scripts that are none.

`nox -s lint` runs these tests beside zizmor and the schema. Names are taken from tables: who uses a new action, context
or machine adds it there.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.test_front_door import WORKFLOW

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = WORKFLOW.read_text(encoding="utf-8")
MACHINES = {"ubuntu-24.04", "windows-2025"}
CONTEXTS = {"github.event.schedule", "github.event_name", "github.ref", "github.workflow", "runner.os"}
FUNCTIONS = {"cancelled", "failure"}
INPUTS = {
    "actions/checkout": {"persist-credentials"},
    "actions/download-artifact": {"path", "pattern"},
    "actions/setup-python": {"cache", "cache-dependency-path", "python-version"},
    "actions/upload-artifact": {"if-no-files-found", "include-hidden-files", "name", "path"},
}
CLOCK = (range(60), range(24), range(1, 32), range(1, 13), range(8))
"""What the five fields of a time of the clock may be: minute, hour, day, month, day of the week."""


def expressions(part: Any) -> Iterator[str]:
    """Yield each expression of a part of the workflow; what stands behind `if` is one without its braces."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from [str(value)] if name == "if" and "${{" not in str(value) else expressions(value)
    elif isinstance(part, list):
        for value in part:
            yield from expressions(value)
    else:
        yield from re.findall(r"\$\{\{(.*?)\}\}", str(part), re.DOTALL)


def unknown(part: Any, axes: set[str]) -> Iterator[str]:
    """Yield each name of an expression that is no context, no function and no axis of the job's matrix."""
    known = CONTEXTS | FUNCTIONS | {f"matrix.{axis}" for axis in axes}
    for expression in expressions(part):
        plain = re.sub(r"'[^']*'", "", expression)
        yield from (f"{name}: is not known" for name in re.findall(r"[A-Za-z_][\w.-]*", plain) if name not in known)


def of_steps(job: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the actions of a job and their inputs."""
    for step in job["steps"]:
        action = step.get("uses", "").partition("@")[0]
        if action and action not in INPUTS:
            yield f"{action}: is not known"
        else:
            strange = set(step.get("with", {})) - INPUTS.get(action, set())
            yield from (f"{action}: takes no {name}" for name in sorted(strange))


def of_job(job: dict[str, Any], jobs: set[str]) -> Iterator[str]:
    """Yield what is wrong with a job: its names, its machines, what it waits for, its steps."""
    matrix = job.get("strategy", {}).get("matrix", {})
    yield from unknown(job, set(matrix))
    machines = matrix.get("os", []) if job["runs-on"] == "${{ matrix.os }}" else [job["runs-on"]]
    yield from (f"{machine}: is no machine that GitHub has" for machine in machines if machine not in MACHINES)
    needs = job.get("needs", [])
    waited = {needs} if isinstance(needs, str) else set(needs)
    yield from (f"{name}: is waited for, and is no job" for name in waited - jobs)
    yield from of_steps(job)


def is_time(cron: str) -> bool:
    """Tell whether a time of the clock exists: numbers and stars alone are used here."""
    fields = cron.split()
    fits = [
        field == "*" or (field.isdigit() and int(field) in span) for field, span in zip(fields, CLOCK, strict=False)
    ]
    return len(fields) == len(CLOCK) and all(fits)


def faults(text: str) -> list[str]:
    """Return what is wrong with a workflow."""
    loaded = yaml.safe_load(text)
    jobs = loaded["jobs"]
    wrong = [fault for job in jobs.values() for fault in of_job(job, set(jobs))]
    wrong += [f"{each['cron']}: is no time" for each in loaded[True]["schedule"] if not is_time(each["cron"])]
    return wrong + list(unknown({name: part for name, part in loaded.items() if name != "jobs"}, set()))


def scripts(text: str) -> list[str]:
    """Return what the steps of a workflow have a shell do, expressions filled with a word."""
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    return [re.sub(r"\$\{\{.*?\}\}", "word", step["run"]) for step in steps if "run" in step]


def is_shell(script: str) -> bool:
    """Tell whether bash can read a script, without running it."""
    command = ("bash", "-n", "-c", script)
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


def test_the_workflow_has_no_fault() -> None:
    """Every name of the workflow leads to a context, an axis, a job, a machine or an input that there is."""
    assert faults(TEXT) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("needs: prove", "needs: prov", "prov: is waited for"),
        ("tests-${{ matrix.python }}", "tests-${{ matrix.pyton }}", "matrix.pyton: is not known"),
        ("${{ github.workflow }}", "${{ gihub.workflow }}", "gihub.workflow: is not known"),
        ("if: failure()", "if: failed()", "failed: is not known"),
        ('cron: "23 2 * * *"', 'cron: "23 25 * * *"', "23 25 * * *: is no time"),
        ("os: [ubuntu-24.04, windows", "os: [ubuntu-2404, windows", "ubuntu-2404: is no machine"),
        ("cache: pip", "cach: pip", "actions/setup-python: takes no cach"),
        ("actions/checkout@", "actions/chekout@", "actions/chekout: is not known"),
    ],
)
def test_a_fault_is_noticed(right: str, wrong: str, fault: str) -> None:
    """Each kind of fault is told by its name, where it is put into the workflow itself."""
    assert right in TEXT
    assert any(told.startswith(fault) for told in faults(TEXT.replace(right, wrong, 1)))


@pytest.mark.posix("the bash on the PATH of Windows may be that of another system")
def test_every_script_is_shell() -> None:
    """Bash can read what each step runs, and could not read one whose bracket never closes."""
    assert [script for script in scripts(TEXT) if not is_shell(script)] == []
    assert not is_shell("sudo apt-get update && (")
