"""Colours are announced on, and a console mode is set on, a standard output that is no console.

On Windows a console shows colours only after a program switched them on, through the handle of its standard output. But
standard output may be redirected to a file or a pipe, be closed, or not exist at all, as in a program that was started
without a window. The handle is then none, or INVALID_HANDLE_VALUE, which ctypes spells as -1, 4294967295 or
18446744073709551615 depending on the types that were declared, or it is a good handle of something else.

A program that does not look sets a console mode on whatever it got and reports success; the escape codes then stand as
rubbish in the log file. A check for -1 alone misses most of these cases. Whatever standard output is, the answer must
be True for a console alone, and nothing else may have its mode set.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.console import CONSOLE_MODE, HANDLES, INVALID, Kernel32, imported_afresh, windows

if TYPE_CHECKING:
    from pathlib import Path

    from harness.subject import Subject

SEQUENCES = 0x0004
NOT_CONSOLES = {
    "null": "no standard output at all",
    "invalid": "INVALID_HANDLE_VALUE",
    "closed": "a closed handle",
    "pipe": "a pipe",
    "file": "a file",
    "device": "the NUL device",
}
REAL = """
import os, sys
sys.path.insert(0, sys.argv[1])
from utils.media.colors import enable_windows_ansi
if sys.argv[2] == "closed":
    os.close(1)
print(enable_windows_ansi(), file=sys.stderr)
"""


def enabled_on(subject: Subject, monkeypatch: pytest.MonkeyPatch, kernel32: Kernel32) -> Any:
    """Ask a subject to switch colours on, on a Windows with this kernel32."""
    name = subject.media.colors.__name__
    with windows(monkeypatch, kernel32):
        return imported_afresh(name).enable_windows_ansi()


@pytest.mark.parametrize("kind", NOT_CONSOLES)
def test_what_is_no_console_is_left_alone(subject: Subject, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """For every standard output but a console the answer is False, and no mode is set."""
    kernel32 = Kernel32(kind)
    answer = enabled_on(subject, monkeypatch, kernel32)
    told = [spelling(handle) for handle, _ in kernel32.modes_set]
    assert not told, f"standard output is {NOT_CONSOLES[kind]}, and a console mode was set on handle {told[0]}"
    assert not answer, f"standard output is {NOT_CONSOLES[kind]}, and colours were reported as switched on"


def test_a_console_shows_colours(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a console the answer is True, sequences are on, and what else was on stays on."""
    kernel32 = Kernel32("console")
    answer = enabled_on(subject, monkeypatch, kernel32)
    assert answer, "standard output is a console, and colours were reported as not available"
    assert kernel32.mode & SEQUENCES, "colours were reported as switched on, and the console's mode says they are not"
    lost = CONSOLE_MODE & ~kernel32.mode
    assert not lost, f"switching colours on switched mode {lost:#x} of the console off"
    others = [spelling(handle) for handle, _ in kernel32.modes_set if handle != HANDLES["console"]]
    assert not others, f"a console mode was set on handle {others[0]}"


@pytest.mark.skipif(sys.platform != "win32", reason="needs Windows")
@pytest.mark.parametrize("kind", ["pipe", "file", "device", "closed"])
def test_real_handles_that_are_no_console(subject: Subject, tmp_path: Path, kind: str) -> None:
    """In a real process whose standard output is a pipe, a file, NUL or closed, the answer is False."""
    with (tmp_path / "output.txt").open("wb") as file:
        outputs: dict[str, Any] = {"pipe": subprocess.PIPE, "file": file, "device": subprocess.DEVNULL, "closed": file}
        command = [sys.executable, "-c", REAL, str(subject.root), kind]
        done = subprocess.run(
            command, stdout=outputs[kind], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
    answer = done.stderr.decode(errors="replace").strip()
    assert not answer.endswith("True"), (
        f"standard output is {NOT_CONSOLES[kind]}, and colours were reported as switched on"
    )
    assert answer.endswith("False"), f"standard output is {NOT_CONSOLES[kind]}, and the answer was {answer[-200:]!r}"


def spelling(handle: int) -> str:
    """Write a handle as people know it."""
    return "-1" if handle % 2**64 in {INVALID, 2**32 - 1} else str(handle)
