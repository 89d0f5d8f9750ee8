"""Sets logging up: lines for people on the console, lines of JSON in a file, secrets in neither.

"Smart" means that a message which repeats itself does not fill the console: after a few times within a while only a
count is shown. The file has every line, behind a bounded queue that is written out at the end of the process.
"""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, TextIO

from ..timestamps import utc_text  # noqa: TID252  the package has two names
from .log_format import StructuredFormatter, add_traceback, message_of, printable
from .log_lines import QueuedLineHandler, RotatingFile
from .redaction import redact_text

__all__ = [
    "ColorFormatter",
    "PlainFormatter",
    "RepeatFilter",
    "StructuredFormatter",
    "cleanup_cache",
    "setup_smart_logging",
]

COLORS = {
    logging.DEBUG: "\x1b[2m",
    logging.INFO: "\x1b[36m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
HIDDEN = "hidden_before"
RESET = "\x1b[0m"
QUIET = ("discord.gateway", "discord.client", "discord.http", "aiohttp.access", "yt_dlp", "PIL", "asyncio")
"""Loggers of libraries that are heard from WARNING on."""

NOT_OURS = frozenset({"site-packages", "node_modules", ".git", ".hg", ".venv", "venv", "env"})
"""Folders that `cleanup_cache` does not enter."""


class PlainFormatter(logging.Formatter):
    """One line for each record: time in UTC, level, logger, message; text of users is shown escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own, each set off by a bar."""
        name, message = printable(record.name), printable(self._message(record))
        text = f"{utc_text(record.created)} {self.level(record)} {name}: {message}"
        event: dict[str, Any] = {}
        add_traceback(event, record.exc_info, record.exc_text)
        trace = event.get("exception", {}).get("traceback", "")
        return "\n".join([text, *(f"  | {printable(line)}" for line in trace.splitlines())])

    def level(self, record: logging.LogRecord) -> str:
        """Return the record's level, as it is shown."""
        return f"{printable(record.levelname):<8}"

    def _message(self, record: logging.LogRecord) -> str:
        hidden = vars(record).get(HIDDEN)
        note = f" ({hidden} more like it were not shown)" if hidden else ""
        return redact_text(message_of(record)) + note


class ColorFormatter(PlainFormatter):
    """A `PlainFormatter` whose levels have colours."""

    def level(self, record: logging.LogRecord) -> str:
        """Return the record's level in its colour."""
        return f"{COLORS.get(record.levelno, '')}{super().level(record)}{RESET}"


class RepeatFilter(logging.Filter):
    """Lets a message pass a few times within a while, then counts it; the next one that passes tells the count.

    Messages are the same if logger, level and text without its arguments are. Errors always pass.

    Args:
        times: how often a message passes.
        seconds: how long the while is.
        most: messages that are remembered.
    """

    def __init__(self, times: int = 5, seconds: float = 60.0, most: int = 1000) -> None:
        super().__init__()
        self._times = times
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide about a record; ``hidden_before`` tells how many like it were not let pass."""
        if record.levelno >= logging.ERROR:
            return True
        hidden = self._count((record.name, record.levelno, str(record.msg)), time.monotonic())
        if hidden:
            vars(record)[HIDDEN] = hidden
        return hidden is not None

    def _count(self, key: tuple[str, int, str], now: float) -> int | None:
        """Return how many were hidden before this one, or None if this one is to be hidden."""
        with self._lock:
            begin, count = self._seen.pop(key, (now, 0))
            hidden = 0
            if now - begin >= self._seconds:
                hidden = max(0, count - self._times)
                begin, count = now, 0
            self._seen[key] = (begin, count + 1)
            if len(self._seen) > self._most:
                self._seen.popitem(last=False)
            return hidden if count < self._times else None


def setup_smart_logging(
    level: int | str = logging.INFO,
    *,
    log_dir: Path | str | None = "logs",
    color: bool | None = None,
    stream: TextIO | None = None,
) -> logging.Logger:
    """Set the root logger up; what an earlier call set up is taken down first, other handlers stay.

    Args:
        level: the least that is logged.
        log_dir: the folder for ``bot.jsonl``; None for no file.
        color: whether the console has colours; None for: if it is a terminal.
        stream: the console; None for standard error.

    Returns:
        The root logger.

    Raises:
        ValueError: there is no such level.
    """
    root = logging.getLogger()
    root.setLevel(level.upper() if isinstance(level, str) else level)
    for handler in [handler for handler in root.handlers if getattr(handler, _MARK, False)]:
        root.removeHandler(handler)
        handler.close()
    handlers: list[logging.Handler] = [_console(stream or sys.stderr, color)]
    if log_dir is not None:
        handlers.append(QueuedLineHandler(RotatingFile(Path(log_dir) / "bot.jsonl")))
    for handler in handlers:
        setattr(handler, _MARK, True)
        root.addHandler(handler)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    return root


def cleanup_cache(folder: Path | str = ".") -> int:
    """Remove the folders in which Python keeps compiled files, which survive the removal of their sources.

    Virtual environments and version control are left alone, and links are not followed.

    Args:
        folder: where to look.

    Returns:
        How many were removed.
    """
    removed = 0
    waiting = [Path(folder)]
    while waiting:
        here = waiting.pop()
        for child in _folders(here):
            if child.name == "__pycache__":
                shutil.rmtree(child, ignore_errors=True)
                removed += not child.exists()
            elif child.name not in NOT_OURS and not (child / "pyvenv.cfg").exists():
                waiting.append(child)
    return removed


_MARK = "_set_up_by_smart_logging"


def _console(stream: TextIO, color: bool | None) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    is_colored = stream.isatty() if color is None else color
    handler.setFormatter(ColorFormatter() if is_colored else PlainFormatter())
    handler.addFilter(RepeatFilter())
    return handler


def _folders(folder: Path) -> list[Path]:
    try:
        return [child for child in folder.iterdir() if child.is_dir() and not child.is_symlink()]
    except OSError:
        return []
