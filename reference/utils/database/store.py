"""What the subjects of the database share: units of work, and one format of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from .json_export import Exporter

__all__ = ["Store", "timestamp"]

T = TypeVar("T")


def timestamp(moment: datetime | None = None) -> str:
    """Return a moment in UTC as `2026-01-31T12:00:00.000Z`; texts of this kind sort by time.

    Args:
        moment: now, if not given; one without a time zone is taken for UTC.
    """
    moment = datetime.now(UTC) if moment is None else moment
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class Store(ABC):
    """A part of the database, which does its work in units: one function, one transaction, one thread hop."""

    @abstractmethod
    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of reading."""

    @abstractmethod
    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of work in one transaction."""

    @property
    @abstractmethod
    def exporter(self) -> Exporter:
        """What writes the JSON files."""
