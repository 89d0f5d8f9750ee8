"""Colours for a terminal: the codes, and whether a stream shows them or would print them as rubbish.

On Windows a console interprets ANSI sequences only after it was asked to; `enable_windows_ansi` asks, and touches
nothing but a console (audit finding F17).
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Colors", "enable_windows_ansi", "supports_color"]

STD_OUTPUT_HANDLE: Final = -11
STD_ERROR_HANDLE: Final = -12
ENABLE_VIRTUAL_TERMINAL_PROCESSING: Final = 0x0004

_NO_HANDLE: Final = frozenset({0, 2**32 - 1, 2**64 - 1})
"""No handle, and INVALID_HANDLE_VALUE in 32 and in 64 bits, each read as unsigned."""


class Colors:
    """Select Graphic Rendition codes of ECMA-48, as text to print."""

    RESET = "\033[0m"
    BOLD = "\033[1m"
    DIM = "\033[2m"
    UNDERLINE = "\033[4m"

    BLACK = "\033[30m"
    RED = "\033[31m"
    GREEN = "\033[32m"
    YELLOW = "\033[33m"
    BLUE = "\033[34m"
    MAGENTA = "\033[35m"
    CYAN = "\033[36m"
    WHITE = "\033[37m"
    GRAY = "\033[90m"

    BRIGHT_RED = "\033[91m"
    BRIGHT_GREEN = "\033[92m"
    BRIGHT_YELLOW = "\033[93m"
    BRIGHT_BLUE = "\033[94m"
    BRIGHT_MAGENTA = "\033[95m"
    BRIGHT_CYAN = "\033[96m"
    BRIGHT_WHITE = "\033[97m"

    @classmethod
    def paint(cls, text: str, *codes: str, stream: TextIO | None = None) -> str:
        """Wrap a text in codes, or return it as it is where the stream shows none.

        Args:
            text: what to print.
            *codes: some of this class's constants.
            stream: where it will be printed; None for standard output.
        """
        shown = codes and supports_color(sys.stdout if stream is None else stream)
        return f"{''.join(codes)}{text}{cls.RESET}" if shown else text


def supports_color(stream: TextIO | None) -> bool:
    """Tell whether a stream is a terminal whose user wants colours.

    `NO_COLOR` (any value but an empty one, https://no-color.org) forbids them, `FORCE_COLOR` then demands them, and a
    terminal that calls itself `dumb` has none.

    Args:
        stream: such as `sys.stdout`, which is None in a program without a console.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return _is_terminal(stream) and os.environ.get("TERM") != "dumb"


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it was closed
        return False


def enable_windows_ansi() -> bool:
    """Make the console of standard output and standard error interpret ANSI sequences.

    Nothing is changed where a stream is closed, or goes to a pipe, a file or a device (audit finding F17).

    Returns:
        Whether sequences printed to standard output are interpreted by a console; True on other systems, where there
        is nothing to enable.
    """
    if os.name != "nt":
        return True
    try:
        kernel32 = _kernel32()
    except (AttributeError, OSError):
        return False
    _interpret_sequences(kernel32, kernel32.GetStdHandle(STD_ERROR_HANDLE))
    return _interpret_sequences(kernel32, kernel32.GetStdHandle(STD_OUTPUT_HANDLE))


def _kernel32() -> Any:
    """Load kernel32 for this module alone, with the types of what is called.

    Without them ctypes takes a handle for a C int and cuts it to 32 bits. The library object is our own, because
    types set on `ctypes.windll.kernel32` would hold for the whole process.
    """
    kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined,unused-ignore]
    handle, dword = ctypes.c_void_p, ctypes.c_uint32
    kernel32.GetStdHandle.argtypes, kernel32.GetStdHandle.restype = (dword,), handle
    kernel32.GetConsoleMode.argtypes = (handle, ctypes.POINTER(dword))
    kernel32.SetConsoleMode.argtypes = (handle, dword)
    return kernel32


def _is_handle(handle: int | None) -> bool:
    """Tell a handle from none and from INVALID_HANDLE_VALUE, however ctypes spells the two (audit finding F17).

    `GetStdHandle` returns none for a process without standard streams and -1 on failure. As a `c_void_p` these are None
    and 18446744073709551615 (4294967295 in a 32-bit process); as a C int they are 0 and -1.
    """
    return (handle or 0) % 2**64 not in _NO_HANDLE


def _interpret_sequences(kernel32: Any, handle: int | None) -> bool:
    """Switch sequences on for one handle, if it is a console's; tell whether they are on (audit finding F17).

    `GetConsoleMode` succeeds for consoles alone, so its answer tells them from pipes, files and closed handles.
    """
    mode = ctypes.c_uint32()
    if not _is_handle(handle) or not kernel32.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    if mode.value & ENABLE_VIRTUAL_TERMINAL_PROCESSING:
        return True
    return bool(kernel32.SetConsoleMode(handle, mode.value | ENABLE_VIRTUAL_TERMINAL_PROCESSING))
