"""What a regression can say of a subject."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Status(StrEnum):
    """The statuses of a verdict, the gravest first; ``open`` findings have no regression and no verdict."""

    CRASH = "crash"
    HANG = "hang"
    FAIL = "fail"
    ERROR = "error"
    NOT_APPLICABLE = "not-applicable"
    PASS = "pass"  # noqa: S105  a status, not a password
    OPEN = "open"

    @property
    def is_red(self) -> bool:
        """Whether the subject, or the regression on it, did not hold."""
        return self in RED


RED = frozenset({Status.CRASH, Status.HANG, Status.FAIL, Status.ERROR})
_GRAVITY = {status: place for place, status in enumerate(Status)}


def gravest(statuses: Iterable[Status]) -> Status:
    """Return the gravest of some statuses.

    Raises:
        ValueError: there are none.
    """
    return min(statuses, key=_GRAVITY.__getitem__)
