"""A log line is one JSON object on one line, whatever a user wrote into it.

JSON escapes quotes, line feeds and the controls below U+0020; what it leaves as it is but a terminal or a reader of
lines obeys (U+007F to U+009F, U+2028, U+2029, the marks that turn the direction of writing) is escaped too, so no text
can forge a line, hide one or drive a terminal (CWE-117). Field names that mean something already are set apart.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, TypeAlias

from ..fast_json import json_dumps_bytes  # noqa: TID252  the package has two names
from ..timestamps import utc_text  # noqa: TID252  the package has two names
from .log_context import _log_context
from .redaction import REDACTED, SHORTEST, is_secret_name, redact, redact_text

__all__ = ["OWN_FIELDS", "RECORD_FIELDS", "StructuredFormatter", "event_line", "event_of", "printable", "safe_text"]

ErrorInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

OWN_FIELDS = frozenset({"timestamp", "level", "logger", "message", "exception", "stack"})
"""Names that the line itself uses; a field of such a name is written with an underscore behind it."""

RECORD_FIELDS = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
"""Names that `logging.LogRecord` uses itself."""

FIELDS = "structured_fields"
"""The attribute of a record that carries the fields of a `StructuredLogger`."""

LONGEST_TRACEBACK = 20_000
"""Characters; the middle of a longer one is left out."""

DELETE = 0x7F
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SCALARS = frozenset({int, float, bool, type(None)})
_harmless_shapes: dict[tuple[object, ...], bool] = {}
_MOST_SHAPES = 1024


def event_of(
    level: str, name: str, message: str, fields: Mapping[str, Any], seconds: float | None = None
) -> dict[str, Any]:
    """Put an event together: when, how grave, where, what; then its fields, without secrets.

    Args:
        level: such as ``INFO``.
        name: of the logger.
        message: what happened.
        fields: of the context and of the line; secrets are replaced.
        seconds: when, since 1970 in UTC; None for now.
    """
    event: dict[str, Any] = {
        "timestamp": utc_text(seconds),
        "level": level,
        "logger": name,
        "message": message if len(message) < SHORTEST else redact_text(message),
    }
    names = tuple(fields)
    if names in _harmless_shapes or _is_harmless(names):
        event.update(fields)
        for key, value in fields.items():
            if value.__class__ not in _SCALARS and (value.__class__ is not str or len(value) >= SHORTEST):
                event[key] = redact(value)
    else:
        for key, value in fields.items():
            event[_free_name(key)] = redact(value, str(key))
    return event


def event_line(event: Mapping[str, Any]) -> bytes:
    """Write an event as one line of JSON in UTF-8, with its line feed.

    What cannot be written, such as a field that contains itself, is described; a line is never lost for it.
    """
    try:
        line = json_dumps_bytes(event)
    except (TypeError, ValueError, RecursionError):
        line = _described(event)
    return line + b"\n" if line.isascii() and DELETE not in line else _escape_obeyed(line) + b"\n"


def printable(text: str) -> str:
    """Return text for a terminal or a plain log: everything that is obeyed, line feeds too, is shown as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() and not _OBEYED.match(char) else _escape(char) for char in text)


def safe_text(value: object) -> str:
    """Describe any object in a text; an object whose own description fails is named by its type."""
    try:
        return redact_text(str(value))
    except Exception:  # noqa: BLE001  whatever a description raises, the line is written
        return f"<{type(value).__name__} that cannot be described>"


class StructuredFormatter(logging.Formatter):
    """Formats any `logging.LogRecord` as one line of JSON with the context of the work at hand.

    Args:
        include_context: whether the fields of the context are added to records that do not carry them.
    """

    def __init__(self, *, include_context: bool = True) -> None:
        super().__init__()
        self._include_context = include_context

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line feed; the record is left as it is, for other handlers (F19)."""
        event = event_of(record.levelname, record.name, message_of(record), self._fields(record), record.created)
        add_traceback(event, record.exc_info, record.exc_text)
        if record.stack_info:
            event["stack"] = redact_text(record.stack_info)
        return event_line(event)[:-1].decode("utf-8")

    def _fields(self, record: logging.LogRecord) -> Mapping[str, Any]:
        fields = vars(record).get(FIELDS)
        if fields is not None:
            return fields  # type: ignore[no-any-return]
        extra = {name: value for name, value in vars(record).items() if name not in RECORD_FIELDS}
        return {**_log_context.get(), **extra} if self._include_context else extra


def message_of(record: logging.LogRecord) -> str:
    """Return a record's message; one whose arguments do not fit is shown with them, not lost (F19)."""
    return merged(record.msg, record.args)


def merged(message: object, args: Any) -> str:
    """Put arguments into a message, as ``%`` does; where they do not fit, behind it."""
    text = message if isinstance(message, str) else safe_text(message)
    if not args:
        return text
    try:
        return str(text % args)
    except Exception:  # noqa: BLE001  arguments that do not fit, or whose own description fails
        return f"{text} {safe_text(args)}"


def add_traceback(event: dict[str, Any], error: ErrorInfo | None, text: str | None = None) -> None:
    """Add ``exception`` to an event, where there is one: its type, its message and its traceback."""
    if error and error[1] is not None:
        written = _traceback_text(error)
        kind, message = type(error[1]).__name__, safe_text(error[1])
        event["exception"] = {"type": kind, "message": message, "traceback": redact_text(written)}
    elif text:
        event["exception"] = {"traceback": redact_text(text)}


def _traceback_text(error: ErrorInfo) -> str:
    try:
        text = "".join(traceback.format_exception(error[1]))
    except Exception:  # noqa: BLE001  an exception whose description fails
        text = safe_text(error[1])
    half = LONGEST_TRACEBACK // 2
    return text if len(text) <= LONGEST_TRACEBACK else f"{text[:half]}\n[...]\n{text[-half:]}"


def _is_harmless(names: tuple[object, ...]) -> bool:
    """Tell whether no name of a line's fields is taken or means a secret; remembered for each set of names."""
    for name in names:
        if not isinstance(name, str) or name in OWN_FIELDS or is_secret_name(name):
            return False
    if len(_harmless_shapes) < _MOST_SHAPES:
        _harmless_shapes[names] = True
    return True


def _free_name(key: object) -> str:
    name = key if isinstance(key, str) else safe_text(key)
    return f"{name}_" if name in OWN_FIELDS else name


def _described(event: Mapping[str, Any]) -> bytes:
    return json_dumps_bytes({key: _plain(value, 6) for key, value in event.items()})


def _plain(value: Any, levels: int) -> Any:
    """Copy a value as JSON can hold it: other objects are described, and secrets within them are taken out."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if levels == 0:
        return REDACTED
    if isinstance(value, Mapping):
        return {safe_text(key): _plain(item, levels - 1) for key, item in value.items()}
    if isinstance(value, Iterable) and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, levels - 1) for item in value]
    return safe_text(value)


def _escape_obeyed(line: bytes) -> bytes:
    return _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", line.decode("utf-8")).encode("utf-8")


def _escape(char: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    return short or (f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
