"""Structured logs: what a line holds, who may write what into it, and how it reaches its handlers."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import itertools
import json
import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.monitoring import log_format
from reference.utils.monitoring.log_lines import LineHandler
from reference.utils.monitoring.structured_logger import (
    PerformanceTimer,
    StructuredFormatter,
    StructuredLogger,
    get_correlation_id,
    get_logger,
    set_correlation_id,
    timed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = itertools.count()


class Lines:
    """A structured logger of its own, and what it wrote."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()
        self.log = get_logger(f"tests.lines.{next(NAMES)}")
        self.log.logger.propagate = False
        self.log.logger.setLevel(logging.DEBUG)
        self.handler = LineHandler(self.stream)
        self.log.logger.addHandler(self.handler)

    @property
    def written(self) -> list[dict[str, Any]]:
        """The lines as data."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        """The last line as data."""
        return self.written[-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """A logger whose lines can be read."""
    lines = Lines()
    yield lines
    lines.log.logger.handlers.clear()


@pytest.mark.parametrize("method", ["debug", "info", "warning", "error", "critical"])
def test_levels(lines: Lines, method: str) -> None:
    """Each method logs at its level, with time, logger, message and fields."""
    getattr(lines.log, method)("hello %s", "you", count=3)
    assert lines.last["level"] == method.upper()
    assert lines.last["message"] == "hello you"
    assert lines.last["count"] == 3
    assert lines.last["logger"] == lines.log.name
    assert lines.last["timestamp"].endswith("Z")


def test_levels_below_are_dropped(lines: Lines) -> None:
    """Nothing is written below the logger's level, nor below a handler's."""
    lines.log.logger.setLevel(logging.CRITICAL + 1)
    for method in (lines.log.debug, lines.log.info, lines.log.warning, lines.log.error, lines.log.critical):
        method("no")
    lines.log.exception("no")  # noqa: LOG004  dropped
    lines.log.log(logging.ERROR, "no")
    lines.log.logger.setLevel(logging.DEBUG)
    lines.handler.setLevel(logging.ERROR)
    lines.log.info("no")
    assert lines.written == []


def test_own_level_and_other_messages(lines: Lines) -> None:
    """Any level, and any object for a message, can be logged."""
    lines.log.log(35, 404)  # type: ignore[arg-type]
    assert lines.last["level"] == "Level 35"
    assert lines.last["message"] == "404"


def test_exceptions(lines: Lines) -> None:
    """``exception`` and ``exc_info`` add type, message and traceback, in each form that the standard library takes."""
    try:
        os.environ["KEY_THAT_IS_NOT_THERE"]
    except KeyError as error:
        lines.log.exception("one")
        lines.log.error("two", exc_info=error)  # noqa: TRY400  another spelling
        lines.log.critical("three", exc_info=(KeyError, error, None))
        lines.log.log(logging.INFO, "four", exc_info=True)
    lines.log.error("five", exc_info=True)  # noqa: LOG014  there is none to log
    kinds = [line.get("exception", {}).get("type") for line in lines.written]
    assert kinds == ["KeyError"] * 4 + [None]
    assert "test_exceptions" in lines.written[0]["exception"]["traceback"]


def test_long_and_hostile_exceptions(lines: Lines) -> None:
    """A very long traceback is shortened in its middle; an exception that cannot be described is named by its type."""

    class HostileError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    lines.log.error("long", exc_info=ValueError("x" * 100_000))
    assert len(lines.last["exception"]["traceback"]) < 21_000
    lines.log.error("hostile", exc_info=HostileError())
    assert "cannot be described" in lines.last["exception"]["message"]


def test_request_gives_an_id(lines: Lines) -> None:
    """The lines of a request share an id; a request in a request keeps it, unless it is given one."""
    with lines.log.request(user_id=1):
        lines.log.info("outer")
        with lines.log.request(command="play"):
            lines.log.info("inner")
        with lines.log.request(correlation_id="mine"):
            lines.log.info("given")
    first, second, third = lines.written
    assert first["correlation_id"] == second["correlation_id"]
    assert len(first["correlation_id"]) == 16
    assert second["user_id"] == 1
    assert third["correlation_id"] == "mine"
    assert get_correlation_id() is None


async def test_new_correlation_id() -> None:
    """An id is made where none is given."""
    made = set_correlation_id()
    assert made == get_correlation_id()


async def test_context_left_elsewhere(lines: Lines) -> None:
    """A block that a generator leaves in another context than it was entered in raises nothing there."""

    async def generator() -> Any:
        with lines.log.context(a=1):
            yield 1

    instance = generator()
    await asyncio.create_task(instance.__anext__())
    await asyncio.create_task(instance.aclose())
    lines.log.info("after")
    assert "a" not in lines.last


def test_line_fields_hide_context_and_own_names_are_set_apart(lines: Lines) -> None:
    """A line's field hides the context's; a name of the line's own gets an underscore."""
    with lines.log.context(a=1, level="mine", b=2):
        lines.log.info("text", a=3, message="other")
    assert lines.last == lines.last | {"a": 3, "b": 2, "level_": "mine", "level": "INFO", "message_": "other"}
    assert lines.last["message"] == "text"


def test_secrets_are_redacted(lines: Lines) -> None:
    """Secrets are taken out of fields by name, and out of texts by shape, however deep."""
    lines.log.info("Authorization: Bearer abcdef0123456789", api_key="k", nested={"password": "p", "n": [1, "x"]})
    text = lines.stream.getvalue()
    assert b"abcdef" not in text
    assert lines.last["api_key"] == "[redacted]"
    assert lines.last["nested"] == {"password": "[redacted]", "n": [1, "x"]}


def test_objects_are_described(lines: Lines) -> None:
    """What JSON cannot hold is described; what cannot even be described does not cost the line."""

    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError

    @dataclasses.dataclass
    class Login:
        user: str
        token: str

    loop: list[Any] = []
    loop.append(loop)
    lines.log.info("objects", a=object, b=Hostile(), c={1, 2}, d=Login("u", "t"), e=loop, f=2**80, g={1: object()})
    assert lines.last["b"].startswith("<Hostile")
    assert lines.last["c"] == [1, 2]
    assert lines.last["d"] == {"user": "u", "token": "[redacted]"}
    assert lines.last["f"] == 2**80
    lines.log.info("%d", "no number")
    assert lines.last["message"] == "%d ('no number',)"


@given(text=st.text(alphabet=st.characters(exclude_categories=()), min_size=1))
def test_any_text_is_one_ascii_safe_line(text: str) -> None:
    """Any text, in message and field, gives one line without a character that a terminal or a reader obeys."""
    line = log_format.event_line({"message": text, "field": text})
    decoded = line.decode("utf-8")
    assert decoded.splitlines(keepends=True) == [decoded]
    assert not any(char < " " or "\x7f" <= char <= "\x9f" for char in decoded[:-1])
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert json.loads(decoded) == {"message": text, "field": text}


def test_handlers_that_want_records(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    """A handler of the standard library gets a record with place, fields and context, and so does a filter."""
    lines.log.logger.addHandler(caplog.handler)
    with lines.log.context(guild=7):
        lines.log.warning("to both", extra_field=1, name="taken")
    record = caplog.records[0]
    assert record.funcName == "test_handlers_that_want_records"
    assert vars(record)["guild"] == 7
    assert record.name == lines.log.name
    assert lines.last["guild"] == 7
    assert lines.last["name"] == "taken"
    lines.log.logger.removeHandler(caplog.handler)
    lines.log.logger.addFilter(lambda record: record.getMessage() != "hidden")
    lines.log.info("hidden")
    lines.log.info("shown")
    assert [line["message"] for line in lines.written] == ["to both", "shown"]
    lines.log.logger.filters.clear()


def test_parents_handlers(lines: Lines) -> None:
    """A line reaches the handlers of the loggers above, once each, unless propagation is off."""
    child = get_logger(f"{lines.log.name}.child")
    child.info("up")
    child.logger.propagate = False
    child.logger.addHandler(LineHandler(io.BytesIO()))
    child.info("not up")
    assert [line["message"] for line in lines.written] == ["up"]


def test_formatter_of_plain_records() -> None:
    """Records of the standard library get context, extra fields, stack and traceback; they are not changed."""
    formatter = StructuredFormatter()
    record = logging.makeLogRecord({"msg": "%s!", "args": ("hi",), "levelname": "INFO", "color": "red"})
    record.stack_info = "stack"
    record.exc_text = "written before"
    before = dict(vars(record))
    with get_logger("tests.formatter").context(user=1):
        data = json.loads(formatter.format(record))
        bare = json.loads(StructuredFormatter(include_context=False).format(record))
    assert data == data | {"message": "hi!", "color": "red", "user": 1, "stack": "stack"}
    assert data["exception"] == {"traceback": "written before"}
    assert "user" not in bare
    assert vars(record) == before


def test_printable() -> None:
    """For a terminal everything that is obeyed is shown as an escape; other scripts are shown as they are."""
    assert log_format.printable("สวัสดี\n\x1b[31m\u202e\U000e0001") == "สวัสดี\\n\\u001b[31m\\u202e\\U000e0001"


def test_loggers_are_shared() -> None:
    """A name has one logger, which shows its name."""
    assert get_logger("tests.same") is get_logger("tests.same")
    assert repr(StructuredLogger("tests.same")) == "StructuredLogger('tests.same')"


def test_timer(lines: Lines) -> None:
    """A timer logs at debug level, as a warning when slow or failed, and passes exceptions on."""
    timer = PerformanceTimer("work", lines.log)
    assert timer.seconds == 0.0
    with timer:
        assert timer.seconds > 0
    assert timer.duration_ms == timer.seconds * 1000
    with PerformanceTimer("work", lines.log, slow=0.0):
        pass
    with pytest.raises(ValueError, match="no"), PerformanceTimer("work", lines.log):
        raise ValueError("no")
    assert [line["message"] for line in lines.written] == [
        "operation finished",
        "operation was slow",
        "operation failed",
    ]
    assert lines.last["error"] == "ValueError"


async def test_timed(lines: Lines) -> None:
    """The decorator keeps the kind and the name of a function, and measures each call."""

    @timed("sync", logger=lines.log)
    def plain(value: int) -> int:
        return value

    @timed(logger=lines.log)
    async def waiting(value: int) -> int:
        return value

    calls: tuple[Callable[..., Any], ...] = (plain, waiting)
    assert [function.__name__ for function in calls] == ["plain", "waiting"]
    assert plain(1) == 1
    assert await waiting(2) == 2
    assert [line["operation"] for line in lines.written] == ["sync", waiting.__qualname__]
