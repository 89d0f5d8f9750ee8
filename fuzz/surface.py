"""The async public functions of a tree's ``utils`` package, found by looking, and which of them a scenario enters."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import sys
from typing import TYPE_CHECKING, Any

from harness.subject import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

DUNDERS = frozenset({"__aenter__", "__aexit__", "__aiter__", "__anext__", "__call__"})
"""Methods that syntax calls, and so are public whatever they are called."""


def public_coroutines(package: str = PACKAGE) -> dict[str, CodeType]:
    """Return the code of each async public function and method below a package, by its dotted name.

    What has no code of its own to run is left out: abstract methods, and those of protocols.
    """
    found: dict[str, CodeType] = {}
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if getattr(value, "__module__", None) == module.name and not name.startswith("_"):
                found |= {f"{module.name}.{dotted}": code for dotted, code in _coroutines(name, value)}
    return found


def _coroutines(name: str, value: Any) -> Iterator[tuple[str, CodeType]]:
    if not inspect.isclass(value):
        yield from _code(name, value)
    elif not getattr(value, "_is_protocol", False):
        for attribute, member in vars(value).items():
            if not attribute.startswith("_") or attribute in DUNDERS:
                yield from _code(f"{name}.{attribute}", getattr(member, "__func__", member))


def _code(name: str, function: Any) -> Iterator[tuple[str, CodeType]]:
    actual = inspect.unwrap(function) if callable(function) else None
    is_async = inspect.iscoroutinefunction(actual) or inspect.isasyncgenfunction(actual)
    if is_async and not getattr(actual, "__isabstractmethod__", False):
        yield name, actual.__code__  # type: ignore[union-attr]  # an async function has code


@contextlib.contextmanager
def entered() -> Iterator[set[CodeType]]:
    """Note the code that this thread enters."""
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield codes
    finally:
        sys.setprofile(before)
