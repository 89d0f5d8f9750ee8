"""A Windows that is not there: kernel32's console calls for one kind of standard output, as ctypes sees them."""

from __future__ import annotations

import ctypes
import importlib
import io
import os
import platform
import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

INVALID = 2**64 - 1
"""INVALID_HANDLE_VALUE, as 64 bits without a sign."""

FILE_TYPES = {"console": 2, "device": 2, "pipe": 3, "file": 1}
HANDLES = {
    "console": 0x54,
    "device": 0x58,
    "pipe": 0x2AC,
    "file": 0x1D8,
    "closed": 0x1C4,
    "null": 0,
    "invalid": INVALID,
}
"""What GetStdHandle returns for each kind of standard output, as an unsigned number."""

STDOUT = 1
TERMINALS = frozenset({"console", "device"})
"""Kinds of standard output that Python calls a terminal."""

CONSOLE_MODE = 0x0013
"""What a console has on: two modes that every one has from the beginning, and one that a program before this set."""

ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER = 6, 87

STANDARD_ERROR = 2**32 - 12
STANDARD_HANDLES = frozenset({2**32 - 10, 2**32 - 11, STANDARD_ERROR})
"""Which streams can be asked for: -10 to -12, as 32 bits without a sign."""


class Kernel32:
    """Answers GetStdHandle, GetFileType, GetConsoleMode and SetConsoleMode, and remembers the modes set.

    Attributes:
        mode: of the console, if it is one.
        modes_set: (handle, mode) of each SetConsoleMode.
        last_error: what GetLastError returns.
    """

    def __init__(
        self, kind: str, error: str | None = None, *, mode: int = CONSOLE_MODE, takes_modes: bool = True
    ) -> None:
        """Make one for certain standard streams.

        Args:
            kind: what standard output is, a key of `HANDLES`; standard input is the same.
            error: what standard error is, the same if None.
            mode: of the console, where one of them is one.
            takes_modes: whether the console takes a new mode; one before Windows 10 does not know all of them.
        """
        self.kind = kind
        self.error = kind if error is None else error
        self.mode = mode
        self.takes_modes = takes_modes
        self.modes_set: list[tuple[int, int]] = []
        self.last_error = 0
        self._functions: dict[str, _Function] = {}

    def __getattr__(self, name: str) -> _Function:
        if name.startswith("__"):
            raise AttributeError(name)
        known: dict[str, Callable[..., int]] = {
            "GetStdHandle": self._get_std_handle,
            "GetFileType": self._get_file_type,
            "GetConsoleMode": self._get_console_mode,
            "SetConsoleMode": self._set_console_mode,
            "GetLastError": lambda: self.last_error,
        }
        return self._functions.setdefault(name, _Function(known.get(name, lambda *_: 0)))

    def __getitem__(self, name: str) -> _Function:
        return self.__getattr__(name)

    def _get_std_handle(self, which: Any) -> int:
        stream = _number(which) % 2**32
        kind = self.error if stream == STANDARD_ERROR else self.kind
        return HANDLES[kind] if stream in STANDARD_HANDLES else INVALID

    def _get_file_type(self, handle: Any) -> int:
        return next((FILE_TYPES.get(kind, 0) for kind in (self.kind, self.error) if _is(handle, kind)), 0)

    def _get_console_mode(self, handle: Any, mode: Any) -> int:
        if not self._is_console(handle):
            return self._refused()
        _pointed_at(mode).value = self.mode
        return 1

    def _set_console_mode(self, handle: Any, mode: Any) -> int:
        self.modes_set.append((_number(handle), _number(mode)))
        if not self._is_console(handle):
            return self._refused()
        if not self.takes_modes:
            return self._refused(ERROR_INVALID_PARAMETER)
        self.mode = _number(mode)
        return 1

    def _is_console(self, handle: Any) -> bool:
        return "console" in {self.kind, self.error} and _is(handle, "console")

    def _refused(self, error: int = ERROR_INVALID_HANDLE) -> int:
        self.last_error = error
        return 0


class _Function:
    """A foreign function: what it returns goes through its `restype`, a C int unless somebody sets another."""

    def __init__(self, call: Callable[..., int]) -> None:
        self._call = call
        self.restype: Any = ctypes.c_int
        self.argtypes: Any = None
        self.errcheck: Any = None

    def __call__(self, *arguments: Any) -> Any:
        value = self._call(*arguments)
        if self.restype is None:
            return None
        returned = self.restype(value)
        result = returned.value if type(returned).__base__ is ctypes._SimpleCData else returned  # noqa: SLF001
        return self.errcheck(result, self, arguments) if self.errcheck else result


def _number(value: Any) -> int:
    """Read an argument in every spelling that ctypes takes for an integer or a handle."""
    plain = getattr(value, "value", value)
    return 0 if plain is None else int(plain)


def _is(handle: Any, kind: str) -> bool:
    return _number(handle) % 2**64 == HANDLES[kind]


def _pointed_at(pointer: Any) -> Any:
    return pointer._obj if hasattr(pointer, "_obj") else pointer.contents  # noqa: SLF001  what byref and pointer make


class _Stream(io.StringIO):
    """What `sys.stdout` is there; Python takes every character device for a terminal, NUL too."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def fileno(self) -> int:
        return STDOUT


@contextmanager
def windows(monkeypatch: pytest.MonkeyPatch, kernel32: Kernel32) -> Iterator[None]:
    """Let everything that asks be on Windows, with this kernel32, until the block ends; nothing else may run in it."""
    library = SimpleNamespace(kernel32=kernel32)
    version = SimpleNamespace(major=10, minor=0, build=19045, platform=2, service_pack="")
    runtime = ModuleType("msvcrt")
    runtime.get_osfhandle = lambda _: _signed(HANDLES[kernel32.kind])  # type: ignore[attr-defined]
    is_terminal = kernel32.kind in TERMINALS
    output = None if kernel32.kind == "null" else _Stream(is_terminal=is_terminal)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "__stdout__", output)
        patch.setattr(os, "isatty", lambda _: is_terminal)
        patch.setitem(sys.modules, "msvcrt", runtime)
        patch.setattr(sys, "getwindowsversion", lambda: version, raising=False)
        patch.setattr(platform, "system", lambda: "Windows")
        patch.setattr(ctypes, "windll", library, raising=False)
        patch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel32, raising=False)
        patch.setattr(ctypes, "get_last_error", lambda: kernel32.last_error, raising=False)
        patch.setattr(ctypes, "GetLastError", lambda: kernel32.last_error, raising=False)
        patch.setattr(
            ctypes, "WinError", lambda *_: OSError(kernel32.last_error, "The handle is invalid"), raising=False
        )
        patch.setattr(sys, "platform", "win32")
        patch.setattr(os, "name", "nt")
        yield


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def imported_afresh(name: str) -> ModuleType:
    """Import a module once more, as if for the first time; the copy that was there stays the one others see."""
    before = sys.modules.pop(name)
    package, _, attribute = name.rpartition(".")
    try:
        return importlib.import_module(name)
    finally:
        sys.modules[name] = before
        setattr(sys.modules[package], attribute, before)
