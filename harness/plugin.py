"""The pytest side of the judge: ``--subject``, the ``subject`` fixture, the ``finding`` marker, the event recorder."""

from __future__ import annotations

import json
import re
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from harness import subject as subjects
from harness.scratch import scratch_folder
from harness.status import Status

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

REGRESSION_FILE = re.compile(r"test_(f\d\d)_\w+\.py")
BROKEN = (ImportError, NameError, SyntaxError)
"""Exceptions that say the tree is broken, which is not the defect that a regression looks for."""

DEFAULT_SUBJECT = Path(__file__).resolve().parent.parent / "reference"
SUBJECT = pytest.StashKey[subjects.Subject]()


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
    source = subjects.locate(request.config.getoption("--subject"))
    with scratch_folder("subject") as scratch:
        subject = subjects.Subject(subjects.copy(source, scratch / source.name))
        subject.open()
        request.config.stash[SUBJECT] = subject
        yield subject
        subject.close()


@pytest.fixture
def subject(_opened_subject: subjects.Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> subjects.Subject:
    """The tree under judgement, imported as ``utils`` from a private copy; the working directory is a fresh one."""
    monkeypatch.chdir(tmp_path)
    return _opened_subject


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Record that a test begins, so that a hang or a crash can be named."""
    if events := item.config.getoption("--events"):
        record(events, event="start", test=item.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn "the subject lacks it" into a skip, and record what the test said."""
    error = call.excinfo.value if call.excinfo else None
    report = yield
    if error is not None and (lack := missing(error)):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"not applicable: {lack}")
    if (events := item.config.getoption("--events")) and (error is not None or call.when == "call"):
        skipped = isinstance(error, pytest.skip.Exception)
        status, reason = classify(error, item.config.stash.get(SUBJECT, None))
        record(
            events,
            event="skip" if skipped else "result",
            test=item.name,
            status=status,
            reason=reason,
            seconds=round(call.duration, 3),
        )
    return report


def record(events: str, **entry: object) -> None:
    """Append one event, in one write, so that a killed process leaves whole lines."""
    with Path(events).open("ab") as file:
        file.write(json.dumps(entry).encode("ascii") + b"\n")


def missing(error: BaseException) -> str | None:
    """Say what the subject lacks, where that is why the test could not be run; None otherwise."""
    if isinstance(error, subjects.NotApplicable):
        return str(error)
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        name = error.obj.__name__
        if name.split(".")[0] == subjects.PACKAGE:
            return f"{name} has no {error.name}"
    return None


def classify(error: BaseException | None, subject: subjects.Subject | None) -> tuple[Status, str]:
    """Turn the exception that ended a test into a status and a reason of one line.

    A failed assertion, or an exception that comes out of the subject's own code, is a fail; a broken
    import, or an exception of the regression itself, is an error.
    """
    if error is None:
        return Status.PASS, ""
    if lack := missing(error):
        return Status.NOT_APPLICABLE, lack
    if isinstance(error, pytest.skip.Exception):
        return Status.NOT_APPLICABLE, str(error)
    text = _first_line(f"{type(error).__name__}: {error}")
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return Status.FAIL, _first_line(str(error)) or text
    place = _place_in(subject, error)
    is_broken = isinstance(error, BROKEN) and not isinstance(error, UnboundLocalError)
    if is_broken or place is None:
        return Status.ERROR, text
    return Status.FAIL, f"{text} ({place})"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _place_in(subject: subjects.Subject | None, error: BaseException) -> str | None:
    """Return the innermost place in the subject's own code that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__) if subject else ()
    for frame in reversed(frames):
        if subject and subject.owns(frame.filename):
            return f"{Path(frame.filename).resolve().relative_to(subject.root).as_posix()}, {frame.name}"
    return None
