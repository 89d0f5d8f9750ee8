"""Colours: the facts about streams that show them, and about Windows consoles beyond the regression."""

from __future__ import annotations

import ctypes
import io
import sys
from typing import Any

import pytest

from harness.parts.console import CONSOLE_MODE, Kernel32, windows
from reference.utils.media import colors
from reference.utils.media.colors import Colors, enable_windows_ansi, supports_color


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "stream", "shown"),
    [
        ({}, Terminal(), True),
        ({}, io.StringIO(), False),
        ({}, None, False),
        ({"TERM": "dumb"}, Terminal(), False),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"FORCE_COLOR": "1"}, io.StringIO(), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, Terminal(), False),
    ],
)
def test_streams_that_show_colours(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], stream: Any, shown: bool
) -> None:
    """A terminal shows colours unless its user wants none; a user may force them on any stream."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert supports_color(stream) is shown
    assert Colors.paint("x", Colors.RED, stream=stream or io.StringIO()) == ("\033[31mx\033[0m" if shown else "x")


def test_a_closed_stream_shows_nothing() -> None:
    """A stream that was closed is no terminal, and asking it raises nothing."""
    stream = io.StringIO()
    stream.close()
    assert not supports_color(stream)


def test_painting_without_codes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a code there is nothing to reset; without a stream, standard output decides."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert Colors.paint("x") == "x"
    assert Colors.paint("x", Colors.BOLD, Colors.CYAN) == "\033[1m\033[36mx\033[0m"


@pytest.mark.posix("a kernel32 that is not there stands in for the real one, which is asked on Windows")
def test_a_console_whose_sequences_are_on_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another program has switched sequences on, no mode is set."""
    kernel32 = Kernel32("console")
    kernel32.mode = CONSOLE_MODE | colors.ENABLE_VIRTUAL_TERMINAL_PROCESSING
    with windows(monkeypatch, kernel32):
        assert enable_windows_ansi()
    assert kernel32.modes_set == []


class OldKernel32(Kernel32):
    """The kernel32 of a Windows that knows no sequences: it refuses the mode."""

    def _set_console_mode(self, handle: Any, mode: Any) -> int:
        super()._set_console_mode(handle, mode)
        self.mode = CONSOLE_MODE
        return 0


@pytest.mark.posix("a kernel32 that is not there stands in for the real one, which is asked on Windows")
def test_a_console_that_refuses_sequences_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Windows before 2016 the mode is refused, and the answer is False."""
    with windows(monkeypatch, OldKernel32("console")):
        assert not enable_windows_ansi()


@pytest.mark.posix("a kernel32 that is not there stands in for the real one, which is asked on Windows")
def test_a_missing_kernel32_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where kernel32 cannot be loaded, the answer is False."""

    def load(_: str) -> Any:
        raise OSError("not found")

    with windows(monkeypatch, Kernel32("console")):
        monkeypatch.setattr(ctypes, "WinDLL", load, raising=False)
        assert not enable_windows_ansi()


@pytest.mark.posix("there is nothing to enable")
def test_elsewhere_there_is_nothing_to_enable() -> None:
    """On other systems terminals interpret sequences by themselves."""
    assert enable_windows_ansi()


@pytest.mark.parametrize("handle", [None, 0, -1, 2**32 - 1, 2**64 - 1, ctypes.c_void_p(-1).value])
def test_every_spelling_of_no_handle_is_known(handle: int | None) -> None:
    """None, zero and each width of -1 are no handle; a number in between is one."""
    assert not colors._is_handle(handle)
    assert colors._is_handle(0x54)
