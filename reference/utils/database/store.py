"""What the subjects of the database share: units of work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from .json_export import Exporter

__all__ = ["Store"]

T = TypeVar("T")


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
