"""Failures kept as soon as an example fails: a run may be ended before the example was made smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzz import cases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest


class Early:
    """What is kept of a test that is being run.

    Args:
        folder: where failures are kept.
        item: the test.

    Attributes:
        kept: the file of the failure; None while there is none.
    """

    def __init__(self, folder: Path, item: pytest.Function) -> None:
        self.folder = folder
        self.item = item
        self.kept: Path | None = None

    def keep(self, arguments: Mapping[str, Any], error: BaseException) -> None:
        """Keep a failure in place of the one before."""
        parameters = self.item.callspec.params if hasattr(self.item, "callspec") else {}
        failure = cases.failure_of(self.item.path.name, self.item.originalname, {**parameters, **arguments}, error)
        path = cases.keep(self.folder, failure)
        if self.kept not in {None, path} and self.kept is not None:
            self.kept.unlink(missing_ok=True)
        self.kept = path
