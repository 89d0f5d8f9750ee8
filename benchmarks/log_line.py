"""A log line with five fields, as JSON, to a stream that keeps nothing; and a line that is dropped for its level."""

from __future__ import annotations

import io
import itertools
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.monitoring.log_lines import LineHandler
from reference.utils.monitoring.structured_logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIELDS = {"user_id": 123456789012345678, "guild_id": 876543210987654321, "command": "play", "ms": 12.5, "ok": True}
MESSAGE = "command finished"
NAMES = (f"bench.{number}" for number in itertools.count())


class Sink(io.RawIOBase):
    """A stream that keeps what it is given while a contender proves its work, and nothing afterwards."""

    def __init__(self, *, keeps: bool) -> None:
        super().__init__()
        self.kept: list[bytes] | None = [] if keeps else None

    def write(self, data: Any, /) -> int:
        """Take bytes, or text."""
        if self.kept is not None:
            self.kept.append(data.encode() if isinstance(data, str) else bytes(data))
        return len(data)


def _bout(make: Callable[[Sink], Callable[[], object]]) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of ``make(sink)``, which returns what logs one line."""

    async def enter() -> Bout:
        async def prove() -> None:
            sink = Sink(keeps=True)
            make(sink)()
            data = json.loads(b"".join(sink.kept or ()))
            found = set(map(str, _leaves(data)))
            if not {MESSAGE, *map(str, FIELDS.values())} <= found:
                raise ValueError(f"the line holds {data}")

        return Bout(make(Sink(keeps=False)), None, prove, awaits=False)

    return enter


def _dropped(make: Callable[[Sink], Callable[[], object]]) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of ``make(sink)``, which returns what logs a line below the level."""

    async def enter() -> Bout:
        async def prove() -> None:
            sink = Sink(keeps=True)
            make(sink)()
            if sink.kept:
                raise ValueError("the line was written")

        return Bout(make(Sink(keeps=False)), None, prove, awaits=False)

    return enter


def _leaves(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [leaf for value in data.values() for leaf in _leaves(value)]
    return [data]


def _floor(sink: Sink) -> Callable[[], object]:
    dumps = peer("orjson").dumps
    write = sink.write
    user, guild, command, ms, ok = FIELDS.values()

    def step() -> None:
        event = {"timestamp": time.time(), "level": "INFO", "message": MESSAGE}
        event.update(user_id=user, guild_id=guild, command=command, ms=ms, ok=ok)
        write(dumps(event) + b"\n")

    return step


def _standard(sink: Sink) -> logging.Logger:
    logger = logging.getLogger(next(NAMES))
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(LineHandler(sink))
    return logger


def _ours(sink: Sink) -> Callable[[], object]:
    log = get_logger(_standard(sink).name)
    user, guild, command, ms, ok = FIELDS.values()
    return lambda: log.info(MESSAGE, user_id=user, guild_id=guild, command=command, ms=ms, ok=ok)


def _ours_dropped(sink: Sink) -> Callable[[], object]:
    log = get_logger(_standard(sink).name)
    user = FIELDS["user_id"]
    return lambda: log.debug(MESSAGE, user_id=user)


def _standard_dropped(sink: Sink) -> Callable[[], object]:
    log = _standard(sink)
    user = FIELDS["user_id"]
    return lambda: log.debug(MESSAGE, user)


def _structlog_logger(sink: Sink, level: int) -> Any:
    module = peer("structlog")
    orjson = peer("orjson")
    return module.wrap_logger(
        module.BytesLogger(sink),
        processors=[
            module.contextvars.merge_contextvars,
            module.processors.add_log_level,
            module.processors.TimeStamper(fmt="iso", utc=True),
            module.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=module.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    ).bind()


def _structlog(sink: Sink) -> Callable[[], object]:
    log = _structlog_logger(sink, logging.INFO)
    return lambda: log.info(MESSAGE, **FIELDS)


def _structlog_dropped(sink: Sink) -> Callable[[], object]:
    log = _structlog_logger(sink, logging.INFO)
    user = FIELDS["user_id"]
    return lambda: log.debug(MESSAGE, user_id=user)


def _json_logger(sink: Sink) -> Callable[[], object]:
    formatter = peer("pythonjsonlogger.orjson").OrjsonFormatter("{asctime}{levelname}{message}", style="{")
    handler = logging.StreamHandler(sink)
    handler.setFormatter(formatter)
    log = logging.getLogger(next(NAMES))
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    return lambda: log.info(MESSAGE, extra=FIELDS)


def _loguru(sink: Sink) -> Callable[[], object]:
    core = peer("loguru._logger")
    log = core.Logger(core.Core(), None, 0, False, False, False, False, True, [], {})
    log.add(lambda message: sink.write(message) and None, serialize=True, level="INFO")
    return lambda: log.info(MESSAGE, **FIELDS)


CONTESTS = [
    Contest(
        "log_line",
        "Log line: JSON with five fields to a stream that keeps nothing",
        4.0,
        [
            Contender("orjson to the stream", _bout(_floor)),
            Contender("StructuredLogger.info", _bout(_ours), is_ours=True, note="redacts secrets"),
            Contender("structlog + orjson", _bout(_structlog), "structlog"),
            Contender("python-json-logger + orjson", _bout(_json_logger), "python-json-logger"),
            Contender("loguru", _bout(_loguru), "loguru"),
        ],
    ),
    Contest(
        "log_line.dropped",
        "Log line: dropped for its level",
        3.0,
        [
            Contender("logging, disabled", _dropped(_standard_dropped)),
            Contender("StructuredLogger.debug", _dropped(_ours_dropped), is_ours=True),
            Contender("structlog", _dropped(_structlog_dropped), "structlog", note="replaces the method by nothing"),
        ],
    ),
]
