"""The context of log lines, for any tasks that add to it, in any order; and any text in any field.

Programs are drawn: tasks that enter and leave blocks, set an id, log, and start other tasks and threads. Each line must
carry the fields of the task that logs it and no others; it is one line of JSON whatever the fields and texts are.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import itertools
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from fuzz import bounds
from fuzz.budget import fuzzer
from fuzz.explore import drawn, every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
LOGGERS = itertools.count()
Program = list[Any]
"""Steps of a task: ``say``, ``turn``, ``leave``, ``enter``, ``mark`` (sets an id), ``(task|thread|bare, program)``."""


class Strict(logging.StreamHandler[io.StringIO]):
    """A handler that raises what others only print."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  logging's names
        """Raise the exception that is being handled."""
        raise  # noqa: PLE0704  called while it is handled


class Log:
    """A logger of the tree whose lines can be read; an error inside a handler is raised."""

    def __init__(self, subject: Subject) -> None:
        self.module = subject.monitoring.structured_logger
        self.logger = self.module.get_logger(f"fuzz.context.{next(LOGGERS)}")
        self._stream = io.StringIO()
        handler = Strict(self._stream)
        handler.setFormatter(self.module.StructuredFormatter())
        self.standard = logging.getLogger(self.logger.name)
        self.standard.setLevel(logging.DEBUG)
        self.standard.propagate = False
        self.standard.handlers[:] = [handler]

    def say(self, text: str, **fields: Any) -> dict[str, Any]:
        """Log a text; return the line that came of it, as an object."""
        before = self._stream.tell()
        try:
            self.logger.info(text, **fields)
        except (LookupError, TypeError) as error:
            raise AssertionError(f"logging raised {type(error).__name__}: {error}") from error
        written = self._stream.getvalue()[before:].removesuffix("\n")
        assert written, "a line was lost"
        assert not any(char < " " or char in "\x7f\x85\u2028\u2029" for char in written), (
            f"a text began a line of its own, or controls a terminal: {written[:100]!r}"
        )
        try:
            line: dict[str, Any] = json.loads(written)
        except ValueError as error:
            raise AssertionError(f"a text broke the JSON of its line: {error}") from error
        return line

    def close(self) -> None:
        """Take the handler off."""
        self.standard.handlers.clear()
        logging.Logger.manager.loggerDict.pop(self.standard.name, None)


@contextlib.contextmanager
def opened(subject: Subject) -> Iterator[Log]:
    """Lend a logger."""
    log = Log(subject)
    try:
        yield log
    finally:
        log.close()


@dataclass
class Actor:
    """A task or thread that runs a program, and what its lines must carry.

    Attributes:
        log: where to.
        names: numbers for fields and ids, each used once.
        own: the fields that are visible now, innermost last.
        identity: the id that it must have; Ellipsis where that cannot be told.
    """

    log: Log
    names: Iterator[int]
    own: list[str] = field(default_factory=list)
    identity: Any = None
    blocks: list[Any] = field(default_factory=list)

    async def act(self, program: Program) -> None:
        """Run a program."""
        children: list[asyncio.Future[None]] = []
        for step in program:
            if step == "turn":
                await asyncio.sleep(0)
            elif isinstance(step, str):
                self.step(step)
            elif step[0] == "task":
                child = Actor(self.log, self.names, list(self.own), self.identity)
                children.append(asyncio.ensure_future(child.act(step[1])))
            elif step[0] == "thread":
                child = Actor(self.log, self.names, list(self.own), self.identity)
                children.append(asyncio.ensure_future(asyncio.to_thread(child.steps, step[1])))
            else:
                contextvars.Context().run(Actor(self.log, self.names, identity=...).steps, step[1])
            self.step("say")
        for running in children:
            await running
        self.step("say")
        while self.blocks:
            self.step("leave")

    def steps(self, program: Program) -> None:
        """Run those steps of a program that need no event loop."""
        for step in program:
            if isinstance(step, str) and step != "turn":
                self.step(step)
            self.step("say")
        while self.blocks:
            self.step("leave")

    def step(self, step: str) -> None:
        """Do one step."""
        try:
            self._step(step)
        except LookupError as error:
            raise AssertionError(f"{step!r} raised LookupError: there is no context, and no default for it") from error

    def _step(self, step: str) -> None:
        if step == "enter":
            name = f"field{next(self.names)}"
            block = self.log.module.StructuredLogger.context(self.log.logger, **{name: f"value of {name}"})
            block.__enter__()
            self.blocks.append(block)
            self.own.append(name)
        elif step == "leave" and self.blocks:
            self.blocks.pop().__exit__(None, None, None)
            self.own.pop()
            self.identity = ...
        elif step == "mark":
            self.identity = f"id-{next(self.names)}"
            self.log.module.set_correlation_id(self.identity)
        elif step == "say":
            self.judge()

    def judge(self) -> None:
        """Log a line and see whose fields it carries."""
        line = json.dumps(self.log.say("said"))
        for name in self.own:
            assert f"value of {name}" in line, "a line lost its own context"
        assert line.count("value of field") == len(self.own), "a line carries fields that somebody else set"
        if self.identity is not ...:
            said = self.log.module.get_correlation_id()
            assert said == self.identity, f"a task has the correlation id {said!r}; it set {self.identity!r}"


def programs() -> st.SearchStrategy[Program]:
    """Draw programs."""
    simple = st.sampled_from(["say", "turn", "turn", "enter", "leave", "mark"])
    return st.recursive(
        st.lists(simple, max_size=5),
        lambda inner: st.lists(
            simple | st.tuples(st.sampled_from(["task", "task", "thread", "bare"]), inner), max_size=5
        ),
        max_leaves=4,
    )


def scenario(log: Log, program: Program) -> Any:
    """Return a scenario: one program in an event loop, as its first task."""

    async def main() -> None:
        await asyncio.ensure_future(Actor(log, itertools.count()).act(program))

    return main


TWO_TASKS: Program = [
    "enter",
    ("task", ["enter", "turn", "mark", "turn", "leave"]),
    ("task", ["enter", "turn", "turn", "mark"]),
    "turn",
    ("thread", ["enter", "mark"]),
    "mark",
    "turn",
    ("bare", ["enter", "mark"]),
    "leave",
]


def test_every_schedule_of_two_tasks(subject: Subject, replay: str | None) -> None:
    """Two tasks, a thread and their parent keep their own context under every schedule with three departures."""
    with opened(subject) as log:
        explored = every(scenario(log, TWO_TASKS), departures=3, most=FUZZ.examples, replay=replay)
    bounds.note(FUZZ, "two tasks", explored)


@FUZZ.tries
@given(data=st.data(), program=programs())
def test_any_program_under_any_schedule(
    *, subject: Subject, replay: str | None, data: st.DataObject, program: Program
) -> None:
    """Whatever tasks and threads do, a line carries the context of whoever logs it."""
    with opened(subject) as log:
        drawn(data, scenario(log, program), replay=replay)


RESERVED = (
    "name message msg args levelname level module asctime exc_text timestamp logger extra stack_info thread created "
    "lineno taskName title user"
)
names = st.sampled_from([*RESERVED.split(), "", "a b", "event"]) | st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
texts = st.text() | st.sampled_from(
    ['x\n{"level": "CRITICAL"}', "\x1b[2J", '"}, {"\\', "100%", "%s %d", "{}", "\ud800", "\0"]
)


@FUZZ.tries
@given(
    text=texts,
    fields=st.dictionaries(names, values | texts, max_size=4),
    around=st.dictionaries(names, texts, max_size=3),
)
def test_any_text_stays_in_its_line(
    *, subject: Subject, text: str, fields: dict[str, Any], around: dict[str, str]
) -> None:
    """Whatever the message and the fields are, the outcome is one line of JSON that holds the message as data."""
    fields = {name: value for name, value in fields.items() if name not in {"exc_info", "self"}}
    with opened(subject) as log:
        block = log.module.StructuredLogger.context(
            log.logger, **{name: value for name, value in around.items() if name != "self"}
        )
        with block:
            line = log.say(text, **fields)
    assert text in [value for value in line.values() if isinstance(value, str)], f"the message {text!r} was lost"
