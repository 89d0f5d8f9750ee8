"""What is known about the work at hand, for every line that is logged meanwhile: who asked, where, with which command.

The context is a read-only mapping in a `ContextVar`. Whoever adds to it sets a new mapping in its own context, so no
task, thread, executor or callback can change what another one logs, and a thread that was started with no context at
all finds the default (audit finding F19).
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["Bound", "get_correlation_id", "new_correlation_id", "set_correlation_id"]

CORRELATION_ID = "correlation_id"

_log_context: ContextVar[Mapping[str, Any]] = ContextVar("log_context", default=MappingProxyType({}))
"""The fields of every line; the default can be read in any thread, and be changed in none (audit finding F19)."""


class Bound:
    """Adds fields to the context inside a ``with`` block; blocks may end in any order and in any context (F19).

    Args:
        fields: what to add; a field of the same name is hidden until the block ends.
    """

    __slots__ = ("_fields", "_token")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._token: Token[Mapping[str, Any]] | None = None

    def __enter__(self) -> Self:
        self._token = _log_context.set(MappingProxyType({**_log_context.get(), **self._fields}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Put the context back; one that was entered in another context, as by a generator, is left to that one."""
        token, self._token = self._token, None
        if token is not None:
            try:
                _log_context.reset(token)
            except ValueError:
                return


def get_correlation_id() -> str | None:
    """Return the id that the lines of one request share; None outside of any."""
    value = _log_context.get().get(CORRELATION_ID)
    return None if value is None else str(value)


def set_correlation_id(correlation_id: str | None = None) -> str:
    """Give the work at hand an id; other tasks and threads keep theirs (audit finding F19).

    Args:
        correlation_id: the id; None makes a new one.

    Returns:
        The id.
    """
    chosen = correlation_id or new_correlation_id()
    _log_context.set(MappingProxyType({**_log_context.get(), CORRELATION_ID: chosen}))
    return chosen


def new_correlation_id() -> str:
    """Return an id of 16 hexadecimal digits that nobody else has."""
    return uuid4().hex[:16]
