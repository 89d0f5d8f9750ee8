"""Tests that failed and were run again are listed with the reason."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

LUCKY = """
tries = []

def test_lucky():
    tries.append(1)
    assert len(tries) == 2, "bad moment"

def test_good():
    pass

def test_group():
    tries.append(1)
    if len(tries) < 4:
        raise ExceptionGroup("several", [ValueError("one"), ResourceWarning("two")])
"""


@pytest.mark.parametrize("where", [(), ("-n", "1")], ids=["here", "in a worker"])
def test_why_a_test_was_run_again_is_said(pytester: pytest.Pytester, where: tuple[str, ...]) -> None:
    """The run passes, and tells of the failures where they were and what they said, of a group what is in it."""
    pytester.makeini("[pytest]")
    pytester.makeconftest('pytest_plugins = ["harness.run_again"]')
    name = pytester.makepyfile(LUCKY).name
    result = pytester.runpytest_subprocess("--reruns", "1", *where)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*run again, since they failed: 2*",
            f"{name}::test_lucky (call): *bad moment*",
            f"{name}::test_group (call): *several*ValueError: one*ResourceWarning: two*",
        ]
    )
    assert "test_good" not in result.stdout.str()
