"""Setting logging up: the console for people, the file for machines, repeats, and the cleaning of compiled files."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest

from reference.utils.monitoring import logger as smart
from reference.utils.monitoring.logger import (
    ColorFormatter,
    PlainFormatter,
    RepeatFilter,
    cleanup_cache,
    setup_smart_logging,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def _root() -> Iterator[None]:
    """Leave the root logger, and those of libraries, as they were."""
    root = logging.getLogger()
    before = root.level, {name: logging.getLogger(name).level for name in smart.QUIET}
    yield
    setup_smart_logging(log_dir=None, stream=io.StringIO())
    for handler in [handler for handler in root.handlers if getattr(handler, smart._MARK, False)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(before[0])
    for name, level in before[1].items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_root")
def test_console_and_file(tmp_path: Path) -> None:
    """A record is a line on the console and a line of JSON in the file, without secrets in either."""
    console = io.StringIO()
    setup_smart_logging("info", log_dir=tmp_path / "logs", stream=console)
    logging.getLogger("tests").info("password=hunter22 by %s", "x\ny", extra={"user": 1})
    logging.getLogger("discord.gateway").info("noise")
    again = io.StringIO()
    setup_smart_logging(log_dir=None, stream=again)
    logging.getLogger("tests").info("second")
    assert console.getvalue().endswith("INFO     tests: password=[redacted] by x\\ny\n")
    assert console.getvalue().count("\n") == again.getvalue().count("\n") == 1
    (line,) = (tmp_path / "logs" / "bot.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == json.loads(line) | {"message": "password=[redacted] by x\ny", "user": 1}


@pytest.mark.usefixtures("_root")
def test_unknown_level() -> None:
    """A level that does not exist is refused."""
    with pytest.raises(ValueError, match="LOUD"):
        setup_smart_logging("loud", log_dir=None)


def test_colors_and_tracebacks() -> None:
    """Levels have colours where wanted; each line of a traceback is set off."""
    record = logging.makeLogRecord({"msg": "x", "levelname": "ERROR", "levelno": logging.ERROR, "name": "n"})
    assert "\x1b[31mERROR" in ColorFormatter().format(record)
    record.exc_info = (ValueError, ValueError("two\nlines"), None)
    lines = PlainFormatter().format(record).splitlines()
    assert lines[0].endswith("ERROR    n: x")
    assert lines[1:] == ["  | ValueError: two", "  | lines"]


def test_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message passes a few times, then is counted; the count is told later, and errors always pass."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    repeats = RepeatFilter(times=2, seconds=60, most=2)

    def passes(text: str, level: int = logging.INFO) -> str | None:
        record = logging.makeLogRecord({"msg": text, "levelno": level, "levelname": "X", "name": "n"})
        return PlainFormatter().format(record).partition("n: ")[2] if repeats.filter(record) else None

    assert [passes("a") for _ in range(5)] == ["a", "a", None, None, None]
    assert [passes("a", logging.ERROR) for _ in range(3)] == ["a"] * 3
    now[0] = 61
    assert passes("a") == "a (3 more like it were not shown)"
    assert [passes(text) for text in ("b", "c", "a")] == ["b", "c", "a"]


def test_cleanup(tmp_path: Path) -> None:
    """Compiled files go, sources stay, and environments are left alone."""
    for folder in (
        "a/__pycache__",
        "a/b/__pycache__",
        ".venv/__pycache__",
        "env2/__pycache__",
        "site-packages/__pycache__",
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.pyc").write_bytes(b"")
    (tmp_path / "env2" / "pyvenv.cfg").write_bytes(b"")
    (tmp_path / "a" / "x.py").write_bytes(b"")
    assert cleanup_cache(tmp_path) == 2
    assert (tmp_path / "a" / "x.py").exists()
    assert (tmp_path / "env2" / "__pycache__").exists()
    assert cleanup_cache(tmp_path) == 0
    assert cleanup_cache(tmp_path / "missing") == 0
