"""Modules of a tree imported once more, as for the first time, so that what is patched meanwhile makes their state."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def imported_anew(monkeypatch: pytest.MonkeyPatch, package: str, module: str, prefix: str = "") -> Any:
    """Import a module of a package once more, and its neighbours with it.

    Args:
        monkeypatch: brings back, at its end, the modules that were there.
        package: the package's dotted name; it has been imported already.
        module: the module's name in it.
        prefix: forget only the modules of the package whose names begin so.
    """
    parent = sys.modules[package]
    for name in [name for name in sys.modules if name.startswith(f"{package}.{prefix}")]:
        monkeypatch.delitem(sys.modules, name)
    for name, value in vars(parent).copy().items():
        monkeypatch.setattr(parent, name, value)
    return importlib.import_module(f"{package}.{module}")
