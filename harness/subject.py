"""A subject: a tree that holds a ``utils`` package, how it is copied and how it is imported."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

PACKAGE = "utils"
LARGEST_FILE = 10 * 1024 * 1024
"""Bytes; larger files of a tree (databases, models, media) are left out of its copy."""

LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages"})


class SubjectError(ValueError):
    """A path that cannot be judged; its text is one sentence for the person who gave the path."""


class NotApplicable(Exception):  # noqa: N818  a status, not a fault
    """The subject lacks a module or a name that the regression is about."""


def locate(path: str | Path) -> Path:
    """Return the absolute path of a tree that holds a ``utils`` package.

    Args:
        path: the folder that contains ``utils/``.

    Raises:
        SubjectError: the path does not exist, is a file, or holds no ``utils/``.
    """
    root = Path(path)
    if not root.exists():
        raise SubjectError(f"{path}: there is no such folder; give the folder that contains {PACKAGE}/")
    if not root.is_dir():
        raise SubjectError(f"{path}: is a file; give the folder that contains {PACKAGE}/")
    package = root / PACKAGE
    if not package.is_dir() or next(package.rglob("*.py"), None) is None:
        hint = " (give its parent folder)" if root.name == PACKAGE else ""
        raise SubjectError(f"{path}: holds no {PACKAGE}/ package with Python files{hint}")
    return root.resolve()


def copy(source: Path, destination: Path) -> Path:
    """Copy a tree without version control, environments, caches and large files; return the copy's root."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if _is_left_out(Path(folder, name))}

    shutil.copytree(source, destination, ignore=ignored, ignore_dangling_symlinks=True)
    return destination


def _is_left_out(path: Path) -> bool:
    if path.name in LEFT_OUT or (path.name.startswith(".") and path.name != ".env.example"):
        return True
    if path.is_dir():
        return (path / "pyvenv.cfg").exists()
    return not path.is_file() or path.stat().st_size > LARGEST_FILE


class Subject:
    """A tree opened for import: ``subject.web.url_fetcher`` is the tree's module ``utils.web.url_fetcher``.

    Attributes:
        root: the tree's folder, a private copy that a regression may write to.
        notes: what was odd about the tree, one sentence each.
    """

    def __init__(self, root: Path) -> None:
        """Describe the tree at ``root``; nothing is imported before ``open``."""
        self.root = root
        self.notes: list[str] = []
        self._finder = _PackageFinder(self)

    def open(self) -> None:
        """Make ``import utils`` mean this tree, in this process."""
        _forget_package()
        sys.meta_path.insert(0, self._finder)
        sys.path.append(str(self.root))

    def close(self) -> None:
        """Undo ``open`` and forget what was imported."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        if str(self.root) in sys.path:
            sys.path.remove(str(self.root))
        _forget_package()

    def owns(self, filename: str) -> bool:
        """Tell whether a source file, as named in a traceback, is part of this tree."""
        try:
            return Path(filename).resolve().is_relative_to(self.root)
        except OSError:
            return False

    def find(self, dotted: str) -> Path | None:
        """Return the file or folder of a module of the tree, or None where there is none."""
        base = self.root.joinpath(*dotted.split("."))
        if base.is_dir() and any(base.rglob("*.py")) and _is_spelled_so(base):
            return base
        source = base.parent / f"{base.name}.py"
        return source if source.is_file() and _is_spelled_so(source) else None

    def module(self, dotted: str) -> Any:
        """Return a module of the tree (a package as a view that prefers submodules to names).

        Raises:
            NotApplicable: the tree has no such module.
        """
        place = self.find(dotted)
        if place is None:
            raise NotApplicable(f"the tree has no {dotted.replace('.', '/')}.py")
        return PackageView(self, dotted) if place.is_dir() else importlib.import_module(dotted)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "hypothesis_internal_")):  # Python and Hypothesis ask what this is
            raise AttributeError(name)
        return self.module(f"{PACKAGE}.{name}")

    def __repr__(self) -> str:
        return f"Subject({str(self.root)!r})"


def _is_spelled_so(path: Path) -> bool:
    """Tell whether a file or folder has just this name, where upper and lower case may count as one (Windows)."""
    return path.name in os.listdir(path.parent)  # noqa: PTH208  names alone are wanted, as they are on the disk


class PackageView:
    """A package of the subject, in which a submodule is never hidden by a name of the same spelling."""

    def __init__(self, subject: Subject, dotted: str) -> None:
        """View the package ``dotted`` of ``subject``."""
        vars(self).update(_subject=subject, _dotted=dotted)

    def _package(self) -> ModuleType:
        return importlib.import_module(self._dotted)

    def __getattr__(self, name: str) -> Any:
        dotted = f"{self._dotted}.{name}"
        if self._subject.find(dotted) is not None:
            return self._subject.module(dotted)
        try:
            return getattr(self._package(), name)
        except AttributeError:
            raise NotApplicable(f"the tree has no {dotted}") from None

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._package(), name, value)


class _PackageFinder:
    """Finds ``utils`` and what is below it in one tree, whatever ``sys.path`` says."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == PACKAGE:
            path = [str(self._subject.root)]
        elif not fullname.startswith(PACKAGE + "."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.submodule_search_locations is not None and spec.origin is not None:
            spec.loader = _PackageLoader(fullname, spec.origin, self._subject)
        return spec


class _PackageLoader(SourceFileLoader):
    """Loads an ``__init__`` that fails, as for want of a module or a setting, so that the rest can be judged."""

    def __init__(self, fullname: str, path: str, subject: Subject) -> None:
        super().__init__(fullname, path)
        self._subject = subject

    def exec_module(self, module: ModuleType) -> None:
        try:
            super().exec_module(module)
        except ModuleNotFoundError as error:
            self._subject.notes.append(f"{module.__name__} was imported in part: {error}")
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever it is, the modules below may be sound
            self._subject.notes.append(f"{module.__name__} was imported in part: {type(error).__name__}: {error}")


def _forget_package() -> None:
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
        del sys.modules[name]
