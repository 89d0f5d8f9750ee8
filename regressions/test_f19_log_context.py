"""The context of one task's log lines reaches into another's, or is missing where a line is logged.

Every line carries what is known about the work at hand: the user, the server, the command. That context belongs to
whoever set it. A child task, a thread, an executor or a callback that adds to it must not change what its parent or its
sibling logs, in whatever order their blocks end. And a place that has no context at all, such as a thread that was just
started, still logs: the line may lack the fields, it may not be lost, and logging may not raise. The same holds for
what users can put into a line: it neither begins a second line nor breaks the JSON of the first, and a field that is
called like something the logger uses itself does not cost the line.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import io
import itertools
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from harness.parts.threads import finish
from harness.subject import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.subject import Subject

PARENT, CHILD, SIBLING = "of-the-parent-51", "of-the-child-52", "of-the-sibling-53"
STUCK = "a logger, or a context of it, waited for ever"
NAMES = itertools.count()
T = TypeVar("T")


class Log:
    """A logger of the subject whose lines, as its own formatter makes them, can be read.

    Attributes:
        logger: what ``get_logger`` returned.
        module: the subject's module.
    """

    def __init__(self, module: Any, name: str) -> None:
        self.module = module
        self.logger = module.get_logger(name)
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(module.StructuredFormatter())
        self._standard = logging.getLogger(getattr(self.logger, "name", name))
        self._standard.setLevel(logging.DEBUG)
        self._standard.propagate = False
        self._standard.handlers[:] = [self.handler]

    def say(self, text: str) -> str:
        """Log a text, and return the line or lines that came of it."""
        before = self._stream.tell()
        self.logger.info(text)
        return self._stream.getvalue()[before:]

    def context(self, **fields: Any) -> Any:
        """Return a block with fields."""
        return self.logger.context(**fields)

    def close(self) -> None:
        """Take the logger's handler off."""
        self._standard.handlers.clear()


@pytest.fixture
def log(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """A logger of the subject; an error inside a handler, which logging hides, is raised."""
    module = subject.monitoring.structured_logger

    def handle_error(handler: logging.Handler, record: logging.LogRecord) -> None:
        raise  # noqa: PLE0704  called while the exception is handled

    monkeypatch.setattr(logging.Handler, "handleError", handle_error)
    if inspect.iscoroutinefunction(module.StructuredLogger.context):
        raise NotApplicable("a StructuredLogger whose context is a plain 'with' block")
    log = Log(module, f"finding.context.{next(NAMES)}")
    yield log
    log.close()


def in_new_thread(work: Callable[[], T]) -> T:
    """Return what work returns in a thread that has no context, as one that was just started has none."""
    return finish(functools.partial(contextvars.Context().run, work), STUCK)


def written(log: Log, where: str) -> str:
    """Log a line here, and check that it arrives."""
    text = f"said {where}"
    try:
        line = log.say(text)
    except LookupError as error:
        pytest.fail(f"logging {where} raised {type(error).__name__}: there is no context, and no default for it")
    assert text in line, f"a line that was logged {where} was lost"
    return line


def belongs(line: str, where: str, own: str, *others: str) -> None:
    """Check whose fields a line has."""
    assert own in line, f"{where} the line lost its own context"
    for other in others:
        assert other not in line, f"{where} the line carries fields that somebody else set"


def test_thread_without_a_context(log: Log) -> None:
    """A thread that was just started can log, with a block of its own and without one."""
    in_new_thread(lambda: written(log, "in a new thread"))

    def with_block() -> str:
        with log.context(user=CHILD):
            return written(log, "in a block in a new thread")

    try:
        line = in_new_thread(with_block)
    except LookupError:
        pytest.fail("a block of context in a new thread raised LookupError: there is no context, and no default for it")
    belongs(line, "in a new thread", CHILD)


def test_executor_without_a_context(log: Log) -> None:
    """An executor's thread, which gets no copy of the context, can log, and keeps nothing for the next job."""
    with ThreadPoolExecutor(1) as executor:

        def job(user: str) -> str:
            with log.context(user=user):
                return written(log, "in an executor")

        try:
            line = executor.submit(job, CHILD).result(10)
        except LookupError:
            pytest.fail(
                "a block of context in an executor raised LookupError: there is no context, and no default for it"
            )
        belongs(line, "in an executor", CHILD)
        after = executor.submit(written, log, "in an executor's next job").result(10)
        assert CHILD not in after, "a job in an executor logged the fields of the job before it"


def test_child_task(log: Log) -> None:
    """A child takes its parent's fields along; what it adds is seen neither by the parent nor by a sibling."""

    async def child(user: str, inside: asyncio.Event, go_on: asyncio.Event) -> str:
        with log.context(child=user):
            inside.set()
            await go_on.wait()
            return written(log, "in a child task")

    async def parent() -> None:
        with log.context(user=PARENT):
            events = [(asyncio.Event(), asyncio.Event()) for _ in range(2)]
            children = [
                asyncio.create_task(child(user, *pair)) for user, pair in zip((CHILD, SIBLING), events, strict=True)
            ]
            for inside, _ in events:
                await inside.wait()
            belongs(written(log, "in the parent"), "while child tasks were in blocks,", PARENT, CHILD, SIBLING)
            events[0][1].set()
            first = await children[0]
            belongs(first, "in a child task", CHILD, SIBLING)
            assert PARENT in first, "a child task lost the context that it was started in"
            belongs(written(log, "in the parent"), "after one child task had ended,", PARENT, CHILD, SIBLING)
            events[1][1].set()
            second = await children[1]
            belongs(second, "in a child task", SIBLING, CHILD)
            assert PARENT in second, "a child task lost its parent's context when its sibling ended"
        assert PARENT not in written(log, "after the block"), "the fields of a block stayed after it had ended"

    finish(lambda: asyncio.run(parent()), STUCK)


def test_tasks_begun_outside_of_any_block(log: Log) -> None:
    """Two tasks that have nothing in common but the loop log their own fields, whichever ends first."""

    async def worker(user: str, mine: asyncio.Event, other: asyncio.Event) -> str:
        with log.context(user=user):
            mine.set()
            await other.wait()
            return written(log, "in a task")

    async def main() -> None:
        inside = asyncio.Event(), asyncio.Event()
        lines = await asyncio.gather(worker(CHILD, *inside), worker(SIBLING, *reversed(inside)))
        belongs(lines[0], "beside another task", CHILD, SIBLING)
        belongs(lines[1], "beside another task", SIBLING, CHILD)
        line = written(log, "after both")
        assert CHILD not in line, "the fields of a task stayed after it had ended"
        assert SIBLING not in line, "the fields of a task stayed after it had ended"

    finish(lambda: asyncio.run(main()), STUCK)


def test_callback_and_copied_thread(log: Log) -> None:
    """A callback of the loop, and a thread that gets a copy of the context, change nothing in what started them."""

    async def main() -> None:
        entered: list[Any] = []
        called = asyncio.Event()

        def callback() -> None:
            block = log.context(user=CHILD)
            block.__enter__()
            entered.append((block, written(log, "in a callback")))
            called.set()

        with log.context(parent=PARENT):
            asyncio.get_running_loop().call_soon(callback)
            await called.wait()
            belongs(entered[0][1], "in a callback", CHILD)
            belongs(written(log, "after a callback"), "after a callback,", PARENT, CHILD)
            line = await asyncio.to_thread(_in_block, log, SIBLING)
            belongs(line, "in a thread that was given the context,", SIBLING, CHILD)
            belongs(written(log, "after a thread"), "after a thread,", PARENT, SIBLING)

    finish(lambda: asyncio.run(main()), STUCK)


def _in_block(log: Log, user: str) -> str:
    block = log.context(user=user)
    block.__enter__()
    return written(log, "in a thread")


def test_block_that_fails(log: Log) -> None:
    """A block that is left by an exception, or by cancellation, takes its fields with it."""

    def main() -> None:
        with pytest.raises(KeyError), log.context(user=CHILD):
            raise KeyError
        assert CHILD not in written(log, "after a failure"), "the fields of a block stayed after it had failed"

    finish(main, STUCK)


def test_block_within_a_block(log: Log) -> None:
    """A line in a block within a block has the fields of both; afterwards those of the outer one are back."""

    def nested() -> None:
        with log.context(user=PARENT, stage=SIBLING):
            with log.context(stage=CHILD):
                line = written(log, "in a block within a block")
                assert PARENT in line, "a block within a block lost the fields of the outer one"
                belongs(line, "in a block within a block", CHILD, SIBLING)
            line = written(log, "after a block within a block")
            assert PARENT in line, "the fields of a block were lost when a block within it ended"
            belongs(line, "after a block within a block", SIBLING, CHILD)
        assert PARENT not in written(log, "after the outer block"), "the fields of a block stayed after it had ended"

    contextvars.copy_context().run(nested)


def test_correlation_id_belongs_to_its_task(log: Log) -> None:
    """An id that a child task, a thread or an executor's job sets does not become the parent's, nor a stranger's."""
    module = log.module

    async def child() -> Any:
        module.set_correlation_id(CHILD)
        await asyncio.sleep(0)
        return module.get_correlation_id()

    async def bystander() -> Any:
        return module.get_correlation_id()

    async def main() -> None:
        assert await asyncio.create_task(child()) == CHILD, "a task did not get the correlation id that it had set"
        assert await asyncio.create_task(bystander()) != CHILD, "a task got the correlation id of another task"
        module.set_correlation_id(PARENT)
        await asyncio.create_task(child())
        assert module.get_correlation_id() == PARENT, "a child task changed the correlation id of its parent"
        await asyncio.to_thread(module.set_correlation_id, SIBLING)
        assert module.get_correlation_id() == PARENT, "a thread changed the correlation id of the task that started it"

    def in_thread() -> tuple[Any, Any]:
        before = module.get_correlation_id()
        module.set_correlation_id(SIBLING)
        return before, module.get_correlation_id()

    finish(lambda: asyncio.run(main()), STUCK)
    try:
        before, after = in_new_thread(in_thread)
    except LookupError:
        pytest.fail("a correlation id in a new thread raised LookupError: there is no context, and no default for it")
    assert after == SIBLING, "a new thread did not get the correlation id that it had set"
    assert before not in (PARENT, CHILD), "a new thread began with the correlation id of a task that was over"


@pytest.mark.parametrize(
    "text",
    [
        'all well\n{"level": "CRITICAL", "message": "forged"}',
        "a\r\nb\x0bc\x0cd\x1ce",
        "\x1b[2J\x1b[31mred",
        '"}, {"\\',
        "\0",
    ],
    ids=["forged line", "line ends", "terminal", "quotes", "zero"],
)
def test_user_text_stays_in_its_line(log: Log, text: str) -> None:
    """Whatever a user writes, in the message or in a field, the outcome is one line of JSON that holds it as data."""
    with log.context(title=text):
        lines = log.say(text)
    assert lines.rstrip("\n").splitlines(), "a line with a user's text was lost"
    assert "\n" not in lines.rstrip("\n"), "text of a user began a line of its own in the log"
    assert not any(char < " " for char in lines.rstrip("\n")), (
        "control characters of a user reached the log as they are"
    )
    try:
        data = json.loads(lines)
    except ValueError:
        pytest.fail("text of a user broke the JSON of its line")
    assert text in list(_texts(data)), "text of a user did not come back from the JSON of its line as it was"


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _texts(item)


@pytest.mark.parametrize(
    "name",
    ["name", "message", "msg", "args", "levelname", "module", "asctime", "exc_info", "timestamp", "level", "extra"],
)
def test_reserved_names(log: Log, name: str) -> None:
    """A field that is called like something of the logger's own costs neither an exception nor the line's message."""
    with log.context(**{name: CHILD}):
        try:
            line = log.say("said in spite of a field")
        except (KeyError, TypeError) as error:
            pytest.fail(f"a field called {name!r} made logging raise {type(error).__name__}")
    assert "said in spite of a field" in line, f"a field called {name!r} took the place of the line's message"
