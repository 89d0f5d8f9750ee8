"""The pytest side of the judge: ``--subject``, the ``subject`` fixture, the ``finding`` marker, the event recorder."""

from __future__ import annotations

import json
import re
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import subject as subjects
from harness.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

REGRESSION_FILE = re.compile(r"test_(f\d\d)_\w+\.py")
BROKEN = (ImportError, NameError, SyntaxError)
"""Exceptions that say the tree is broken, which is not the defect that a regression looks for."""

DEFAULT_SUBJECT = Path(__file__).resolve().parent.parent / "reference"
_current: subjects.Subject | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the judge."""
    group = parser.getgroup("judge", "judging a subject")
    group.addoption("--subject", metavar="PATH", default=str(DEFAULT_SUBJECT), help="the tree to judge (has utils/)")
    group.addoption("--events", metavar="FILE", help="append what each test did to FILE, a JSON object a line")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that strict markers hold in every configuration."""
    config.addinivalue_line("markers", "finding(id): the regression of this finding of the register")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of a regression file with the finding that the file is named after."""
    for item in items:
        if match := REGRESSION_FILE.fullmatch(item.path.name):
            item.add_marker(pytest.mark.finding(match[1].upper()))


@pytest.fixture(scope="session")
def _opened_subject(request: pytest.FixtureRequest) -> Iterator[subjects.Subject]:
    global _current  # noqa: PLW0603  the recorder needs it where no fixture is at hand
    source = subjects.locate(request.config.getoption("--subject"))
    with tempfile.TemporaryDirectory(prefix="subject-", ignore_cleanup_errors=True) as scratch:
        subject = subjects.Subject(subjects.copy(source, Path(scratch).resolve() / source.name))
        subject.open()
        _current = subject
        yield subject
        _current = None
        subject.close()


@pytest.fixture
def subject(_opened_subject: subjects.Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> subjects.Subject:
    """The tree under judgement, imported as ``utils`` from a private copy; the working directory is a fresh one."""
    monkeypatch.chdir(tmp_path)
    return _opened_subject


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn "the subject lacks it" into a skip, and record what the test said."""
    error = call.excinfo.value if call.excinfo else None
    report = yield
    if error is not None and (reason := missing(error)):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"not applicable: {reason}")
    if (events := item.config.getoption("--events")) and (error is not None or call.when == "call"):
        status, reason = classify(error)
        record(events, event="result", test=item.name, status=status, reason=reason, seconds=call.duration)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Record that a test begins, so that a hang or a crash can be named."""
    if events := item.config.getoption("--events"):
        record(events, event="start", test=item.name)


def record(events: str, **entry: object) -> None:
    """Append one event, in one write, so that a killed process leaves whole lines."""
    with Path(events).open("ab") as file:
        file.write(json.dumps(entry).encode("ascii") + b"\n")


def missing(error: BaseException) -> str | None:
    """Say what the subject lacks, where that is why the test could not be run; None otherwise."""
    if isinstance(error, subjects.NotApplicable):
        return str(error)
    if isinstance(error, AttributeError):
        owner = getattr(error.obj, "__name__", "")
        if type(error.obj).__name__ == "module" and owner.split(".")[0] == subjects.PACKAGE:
            return f"{owner} has no {error.name}"
    return None


def classify(error: BaseException | None) -> tuple[Status, str]:
    """Turn the exception that ended a test into a status and a reason.

    A failed assertion, or an exception that comes out of the subject's own code, is a fail; a broken
    import, or an exception of the regression itself, is an error.
    """
    if error is None:
        return Status.PASS, ""
    if reason := missing(error):
        return Status.NOT_APPLICABLE, reason
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    if isinstance(error, pytest.skip.Exception):
        return Status.NOT_APPLICABLE, str(error)
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return Status.FAIL, (str(error).strip() or text).splitlines()[0]
    place = _frame_of_subject(error)
    if isinstance(error, BROKEN) or place is None:
        return Status.ERROR, text
    return Status.FAIL, f"{text} ({place})"


def _frame_of_subject(error: BaseException) -> str | None:
    if _current is None:
        return None
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _current.owns(frame.filename):
            relative = Path(frame.filename).resolve().relative_to(_current.root).as_posix()
            return f"{relative}, {frame.name}"
    return None

