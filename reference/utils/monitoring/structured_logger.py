"""Structured logs: one JSON object per line, with the context of the work at hand.

    log = get_logger(__name__)
    with log.request(user_id=user.id, guild_id=guild.id, command="play"):
        log.info("track queued", title=title, duration=213)

The context belongs to whoever set it: a child task, a thread, an executor or a callback takes it along where Python
copies contexts, changes only its own, and never loses a line for the lack of one (audit finding F19).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

from .log_context import (
    CORRELATION_ID,
    Bound,
    _log_context,
    get_correlation_id,
    new_correlation_id,
    set_correlation_id,
)
from .log_format import (
    FIELDS,
    RECORD_FIELDS,
    ErrorInfo,
    StructuredFormatter,
    add_traceback,
    event_line,
    event_of,
    merged,
)
from .log_lines import LineHandler, QueuedLineHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = [
    "LineHandler",
    "PerformanceTimer",
    "QueuedLineHandler",
    "StructuredFormatter",
    "StructuredLogger",
    "_log_context",
    "get_correlation_id",
    "get_logger",
    "set_correlation_id",
    "timed",
]

P = ParamSpec("P")
R = TypeVar("R")

DEBUG, INFO, WARNING, ERROR, CRITICAL = (
    logging.DEBUG,
    logging.INFO,
    logging.WARNING,
    logging.ERROR,
    logging.CRITICAL,
)

_NAMES = {DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARNING", ERROR: "ERROR", CRITICAL: "CRITICAL"}
_FRAMES = 4
"""Frames between a caller and the record that is made for it."""

_loggers: dict[str, StructuredLogger] = {}
_loggers_lock = threading.Lock()


class StructuredLogger:
    """Logs messages with fields, through the handlers of the standard library's logger of the same name.

    Positional arguments are put into the message with ``%``; keyword arguments become fields. No field name is
    forbidden: one that means something already gets an underscore behind it. Where all handlers take finished lines,
    the line is written without a `logging.LogRecord`.

    Args:
        name: of the logger; ``__name__``, as a rule.
    """

    __slots__ = ("_is_enabled", "_logger")

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._is_enabled = self._logger.isEnabledFor

    @property
    def name(self) -> str:
        """The logger's name."""
        return self._logger.name

    @property
    def logger(self) -> logging.Logger:
        """The standard library's logger behind this one: its level, handlers and filters are those that count."""
        return self._logger

    def debug(self, message: str, /, *args: object, **fields: Any) -> None:
        """Log what helps to find a fault."""
        if self._is_enabled(DEBUG):
            self._log(DEBUG, message, args, fields, None)

    def info(self, message: str, /, *args: object, **fields: Any) -> None:
        """Log what happened as it should."""
        if self._is_enabled(INFO):
            self._log(INFO, message, args, fields, None)

    def warning(self, message: str, /, *args: object, **fields: Any) -> None:
        """Log what somebody should look at."""
        if self._is_enabled(WARNING):
            self._log(WARNING, message, args, fields, None)

    def error(self, message: str, /, *args: object, **fields: Any) -> None:
        """Log what went wrong; ``exc_info`` adds a traceback, as in the standard library."""
        if self._is_enabled(ERROR):
            self._log(ERROR, message, args, fields, _error_info(fields.pop("exc_info", None)))

    def critical(self, message: str, /, *args: object, **fields: Any) -> None:
        """Log what stops the bot; ``exc_info`` adds a traceback."""
        if self._is_enabled(CRITICAL):
            self._log(CRITICAL, message, args, fields, _error_info(fields.pop("exc_info", None)))

    def exception(self, message: str, /, *args: object, **fields: Any) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        if self._is_enabled(ERROR):
            self._log(ERROR, message, args, fields, _error_info(fields.pop("exc_info", True)))

    def log(self, level: int, message: str, /, *args: object, **fields: Any) -> None:
        """Log at a level of the standard library; ``exc_info`` adds a traceback."""
        if self._is_enabled(level):
            self._log(level, message, args, fields, _error_info(fields.pop("exc_info", None)))

    def context(self, **fields: Any) -> Bound:
        """Add fields to every line that this task, or what it starts meanwhile, logs in a ``with`` block (F19)."""
        return Bound(fields)

    def request(self, *, correlation_id: str | None = None, **fields: Any) -> Bound:
        """Begin a piece of work in a ``with`` block: like `context`, with an id that all its lines share.

        Args:
            correlation_id: the id; None keeps that of the work around it, or makes a new one.
            **fields: such as ``user_id``, ``guild_id``, ``command``.
        """
        chosen = correlation_id or get_correlation_id() or new_correlation_id()
        return Bound({**fields, CORRELATION_ID: chosen})

    def _log(
        self, level: int, message: str, args: tuple[object, ...], fields: dict[str, Any], error: ErrorInfo | None
    ) -> None:
        context = _log_context.get()
        if context:
            fields = {**context, **fields}
        if args or message.__class__ is not str:
            message = merged(message, args)
        handlers = _line_handlers(self._logger, level)
        if handlers is None:
            self._hand_over(level, message, fields, error)
            return
        event = event_of(_NAMES.get(level) or logging.getLevelName(level), self._logger.name, message, fields)
        if error is not None:
            add_traceback(event, error)
        line = event_line(event)
        for handler in handlers:
            handler.write_line(line)

    def _hand_over(self, level: int, message: str, fields: Mapping[str, Any], error: ErrorInfo | None) -> None:
        """Let the standard library do it, for handlers that want a record."""
        logger = self._logger
        path, number, function, _ = logger.findCaller(stack_info=False, stacklevel=_FRAMES)
        record = logger.makeRecord(logger.name, level, path, number, message, (), error, function)
        vars(record).update({name: value for name, value in fields.items() if name not in RECORD_FIELDS})
        vars(record)[FIELDS] = dict(fields)
        logger.handle(record)

    def __repr__(self) -> str:
        return f"StructuredLogger({self._logger.name!r})"


def get_logger(name: str = "bot") -> StructuredLogger:
    """Return the structured logger of a name, always the same one."""
    with _loggers_lock:
        if name not in _loggers:
            _loggers[name] = StructuredLogger(name)
        return _loggers[name]


class PerformanceTimer:
    """Measures a ``with`` block and logs how long it took; a failure is logged as one, and goes on its way.

    Args:
        name: of the operation.
        logger: where to; None for the logger of this module.
        slow: seconds from which it is logged as a warning; None for never.

    Attributes:
        seconds: how long the block took, or has been taking until now.
    """

    def __init__(self, name: str, logger: StructuredLogger | None = None, slow: float | None = None) -> None:
        self._name = name
        self._logger = logger or get_logger(__name__)
        self._slow = slow
        self._begin: float | None = None
        self._seconds: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the block began, up to its end; 0.0 before it."""
        if self._seconds is not None:
            return self._seconds
        return 0.0 if self._begin is None else time.perf_counter() - self._begin

    @property
    def duration_ms(self) -> float:
        """The same in milliseconds."""
        return self.seconds * 1000

    def __enter__(self) -> Self:
        self._begin, self._seconds = time.perf_counter(), None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Log the time; an exception passes."""
        self._seconds = self.seconds
        fields: dict[str, Any] = {"operation": self._name, "duration_ms": round(self._seconds * 1000, 3)}
        if error is not None and not isinstance(error, asyncio.CancelledError | GeneratorExit):
            self._logger.warning("operation failed", **fields, error=type(error).__name__)
        elif self._slow is not None and self._seconds >= self._slow:
            self._logger.warning("operation was slow", **fields)
        else:
            self._logger.debug("operation finished", **fields)


def timed(
    name: str | None = None, *, logger: StructuredLogger | None = None, slow: float | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Measure each call of a function or coroutine function with a `PerformanceTimer`.

    Args:
        name: of the operation; None for the function's own.
        logger: where to.
        slow: seconds from which a call is logged as a warning.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        operation = name or str(getattr(function, "__qualname__", "function"))

        @functools.wraps(function)
        async def waiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            with PerformanceTimer(operation, logger, slow):
                return await cast("Any", function(*args, **kwargs))

        @functools.wraps(function)
        def plain(*args: P.args, **kwargs: P.kwargs) -> R:
            with PerformanceTimer(operation, logger, slow):
                return function(*args, **kwargs)

        return cast("Callable[P, R]", waiting if inspect.iscoroutinefunction(function) else plain)

    return decorate


def _line_handlers(logger: logging.Logger, level: int) -> list[LineHandler] | None:
    """Return the handlers that a line of this level goes to; None where one of them, or a filter, wants a record."""
    if logger.filters:
        return None
    found: list[LineHandler] = []
    is_any = False
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            is_any = True
            if not isinstance(handler, LineHandler) or handler.filters:
                return None
            if level >= handler.level:
                found.append(handler)
        current = current.parent if current.propagate else None
    return found if is_any else None


def _error_info(value: object) -> ErrorInfo | None:
    """Turn what ``exc_info`` may be into the three parts of an exception."""
    if isinstance(value, BaseException):
        return type(value), value, value.__traceback__
    if isinstance(value, tuple):
        return cast("ErrorInfo", value)
    return sys.exc_info() if value else None
