"""Runs mutmut so that a mutant costs little more than the tests that reach it: run by `mutants.py` as a file.

mutmut starts pytest anew for each mutant: options, plugins and collection, which together take longer than most tests,
and then the tests in no order. Here pytest collects once, and each mutant is tried in a fork of that session, which
runs the tests that reach it, the quickest first. Forks of a session that ran nothing lack no thread.

This file imports nothing of the harness: in the tests, that has to be the copy beside the mutants.
"""

from __future__ import annotations

import gc
import hashlib
import os
import sys
from typing import TYPE_CHECKING

import pytest
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.runners.harness import PytestRunner, TestRunner
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd
from mutmut.workers.isolation import ForkServerRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OPTIONS = ("--rootdir=.", "--tb=native", "-x", "-q", "--capture=sys")
"""What is captured stays in the memory of each fork: a file of the session's would be shared by all of them."""

NO_MUTANT = ""
CLEAN_SECONDS = 7200
"""CPU seconds for all tests; half of it is the limit of the time that passes."""

UNKNOWN_TEST = 2
"""The exit code of a mutant that was not tried; mutmut tries it again."""


class Collected(TestRunner):
    """Runs tests of a session that has collected them; to be called in a fork, once."""

    def __init__(self, session: pytest.Session) -> None:
        """Take the session as it is."""
        self._session = session
        self._streams = [sys.stdout]

    def warm_up(self) -> None:
        """Keep the stream that mutmut opens for this moment and never closes: each test would be told of it."""
        self._streams.append(sys.stdout)

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:  # noqa: ARG002  mutmut's name for it
        """Run the tests named, or all, and return pytest's exit code."""
        self._streams.append(sys.stdout)  # as in `warm_up`, of each fork
        known = {item.nodeid: item for item in self._session.items}
        durations = state().duration_by_test
        names = sorted(tests or known, key=lambda name: (durations.get(name, 0), name))
        if any(name not in known for name in names):
            return UNKNOWN_TEST
        self._session.items = [known[name] for name in names]
        try:
            self._session.config.hook.pytest_runtestloop(session=self._session)
        except BaseException:  # noqa: BLE001  the first failure ends the loop, and so does what no test should raise
            return int(pytest.ExitCode.TESTS_FAILED)
        return int(pytest.ExitCode.TESTS_FAILED if self._session.testsfailed else pytest.ExitCode.OK)


class _Serving:
    """The plugin that does something else with a collected session than run all of it."""

    def __init__(self, serve: Callable[[pytest.Session], object]) -> None:
        self._serve = serve

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        session.config.pluginmanager.unregister(self)
        gc.collect()
        gc.freeze()
        self._serve(session)
        return True


def _collect(serve: Callable[[pytest.Session], object]) -> int:
    """Collect the tests of the area, hand over the session, and return pytest's exit code."""
    chosen = [*config().pytest_add_cli_args, *config().pytest_add_cli_args_test_selection]
    with change_cwd("mutants"):
        return int(pytest.main([*OPTIONS, *chosen], plugins=[_Serving(serve)]))


class Server(ForkServerRunner):
    """mutmut's fork server, inside of pytest's loop."""

    def _forkserver_main(self, work_fd: int, result_fd: int) -> None:
        _be_quiet()
        code = _collect(lambda session: self._serve(session, work_fd, result_fd))
        if code != pytest.ExitCode.OK:
            raise RuntimeError(f"the tests were not collected: pytest ended with {code}")

    def _serve(self, session: pytest.Session, work_fd: int, result_fd: int) -> None:
        self.test_runner_class, self.test_runner_args = Collected, {"session": session}
        super()._forkserver_main(work_fd, result_fd)

    def run_clean_tests(self, tests: Iterable[str]) -> int:
        """Run the tests exactly as for a mutant, without one: what fails here would count as noticed there."""
        trial = _runner()
        trial.startup()
        trial.submit(NO_MUTANT, sorted(tests or state().duration_by_test), CLEAN_SECONDS, 0)
        code = trial.wait_for_result().exit_code
        trial.shutdown()
        return code


def _be_quiet() -> None:
    """Let nothing but ``sys.__stdout__`` lead to the log: not what tests print, nor processes that they start."""
    files = (os.dup(1), os.open(os.devnull, os.O_WRONLY))
    log, nowhere = (os.fdopen(file, "w", encoding="utf-8") for file in files)
    os.dup2(nowhere.fileno(), 1)
    vars(sys).update(stdout=nowhere, __stdout__=log)


def _runner(max_workers: int = 1) -> Server:
    return Server(max_workers, PytestRunner, {})


def drawn(mutant_name: str) -> float:
    """Return a mutant's place in an order drawn once for all: a run that is ended early has tried a fair sample."""
    return float(int.from_bytes(hashlib.sha256(mutant_name.encode()).digest()[:4], "big"))


def main() -> None:
    """Run mutmut's own command line with this engine."""
    vars(mutmut).update(get_mutant_runner=_runner, estimated_worst_case_time=drawn)
    mutmut.cli()


if __name__ == "__main__":
    main()
