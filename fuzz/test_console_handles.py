"""Standard output and error of every kind on a Windows that is not there: only a console has its mode set.

Drawn are the kind of each stream, the console's mode, and whether the console takes a new mode. Whatever they are,
colours are announced on no output but a console, and no mode is set on what is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.console import HANDLES, Kernel32, imported_afresh, windows

if TYPE_CHECKING:
    from harness.subject import Subject

FUZZ = fuzzer(__file__)
SEQUENCES = 0x0004
KINDS = tuple(HANDLES)
modes = st.integers(0, 0x1F)


def judge(kernel32: Kernel32, kind: str, mode: int, answer: Any) -> None:
    """See that a console shows sequences, and that nothing else was touched."""
    strangers = [handle for handle, _ in kernel32.modes_set if handle % 2**64 != HANDLES["console"]]
    assert not strangers, f"a console mode was set on handle {strangers[0]:#x}, which is no console's ({kind})"
    if kind == "console":
        assert answer or not kernel32.takes_modes, "standard output is a console, and colours were not switched on"
        shows = kernel32.mode & SEQUENCES or not kernel32.takes_modes
        assert shows or not answer, "colours were announced, and the console does not show them"
        assert kernel32.mode & mode == mode, f"mode {mode & ~kernel32.mode:#x} of the console was switched off"
    else:
        assert not answer, f"colours were announced on a standard output that is no console ({kind})"


@FUZZ.tries
@given(
    kind=st.sampled_from(KINDS),
    error=st.none() | st.sampled_from(KINDS),
    mode=modes,
    takes_modes=st.booleans(),
    times=st.integers(1, 2),
)
def test_any_standard_streams(
    *, subject: Subject, kind: str, error: str | None, mode: int, takes_modes: bool, times: int
) -> None:
    """Whatever the streams are, colours are announced on a console alone, and nothing else has its mode set."""
    kernel32 = Kernel32(kind, error, mode=mode, takes_modes=takes_modes)
    name = subject.media.colors.__name__
    with pytest.MonkeyPatch.context() as patch, windows(patch, kernel32):
        module = imported_afresh(name)
        answers = [module.enable_windows_ansi() for _ in range(times)]
    for answer in answers:
        judge(kernel32, kind, mode, answer)
