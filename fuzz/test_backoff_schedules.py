"""Backoff states of one service, asked for by threads and tasks in every order, to a bound, and in drawn ones.

Whoever asks meanwhile, callers of one service share one state, a reset takes nothing away from under anybody, and no
failure that was counted is lost. And one lock at most is held at a time, whatever is done with states.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import bounds
from fuzz.budget import fuzzer
from fuzz.explore import every, every_of_threads
from harness.parts.anew import imported_anew
from harness.parts.locks import HeldTogether
from harness.parts.threads import finish
from harness.parts.turn_locks import known_locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fuzz.explore import Together
    from harness.subject import Subject

FUZZ = fuzzer(__file__)
NAMES = itertools.count()
PACKAGE = "utils.reliability"
STUCK = "a caller of a backoff state waited for ever"
PATIENCE = 20.0


@pytest.fixture
def recovery(subject: Subject) -> Iterator[Any]:
    """The tree's module, imported once more, so that the locks it makes are known to the schedules."""
    assert subject.reliability.error_recovery
    with pytest.MonkeyPatch.context() as patch, known_locks():
        yield imported_anew(patch, PACKAGE, "error_recovery")


def used(recovery: Any, kind: str, service: str) -> Any:
    """Fetch or reset the state of a service, in an event loop of this thread's own."""
    return asyncio.run(getattr(recovery, f"_{kind}_backoff_state_async")(service))


CROWDS = [("get", "get"), ("get", "reset"), ("reset", "reset"), ("get", "get", "get"), ("get", "reset", "get")]


@pytest.mark.parametrize("kinds", CROWDS, ids="-".join)
def test_every_schedule_of_threads(subject: Subject, recovery: Any, kinds: tuple[str, ...], replay: str | None) -> None:
    """Threads that change at any two moments get one state of a service they share, and break nothing."""

    def scenario(together: Together) -> None:
        service = f"service {next(NAMES)}"
        try:
            states = together(*(functools.partial(used, recovery, kind, service) for kind in kinds))
        except (KeyError, RuntimeError, AttributeError) as error:
            raise AssertionError(f"a state was changed while it was used: {error!r}") from error
        if "reset" not in kinds:
            assert len({id(state) for state in states}) == 1, "threads that asked for one service got a state each"

    explored = every_of_threads(scenario, subject.owns, departures=2, most=FUZZ.examples, replay=replay)
    bounds.note(FUZZ, " ".join(kinds), explored)


def test_every_schedule_of_tasks(recovery: Any, replay: str | None) -> None:
    """Tasks that change at any two moments get one state of a service they share, before and after a reset."""

    async def scenario() -> None:
        service = f"service {next(NAMES)}"
        for _ in range(2):
            states = await asyncio.gather(*(recovery._get_backoff_state_async(service) for _ in range(3)))
            assert len({id(state) for state in states}) == 1, "tasks that asked for one service got a state each"
            await asyncio.gather(*(recovery._reset_backoff_state_async(service) for _ in range(2)))

    explored = every(scenario, departures=2, most=FUZZ.examples, replay=replay)
    bounds.note(FUZZ, "tasks", explored)


uses = st.lists(
    st.tuples(st.sampled_from(["get", "reset", "retry"]), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=5
)
"""What is done, for which service, and how often a retried call fails."""


@pytest.fixture
def observed(subject: Subject) -> Iterator[tuple[Any, HeldTogether]]:
    """The tree's module, imported once more, and who notes which locks its callers hold."""
    assert subject.reliability.error_recovery
    with pytest.MonkeyPatch.context() as patch:
        observer = HeldTogether(patch, functools.cache(subject.owns))
        sleep = asyncio.sleep
        patch.setattr(asyncio, "sleep", lambda _delay, result=None: sleep(0, result))
        yield imported_anew(patch, PACKAGE, "error_recovery"), observer


@FUZZ.tries
@given(uses=uses, at_once=st.booleans())
def test_any_use_holds_one_lock(
    *, observed: tuple[Any, HeldTogether], uses: list[tuple[str, int, int]], at_once: bool
) -> None:
    """Whatever is done with states, one after the other or at once, one lock at most is held at a time."""
    recovery, observer = observed
    observer.deepest = 0
    finish(lambda: asyncio.run(_use_all(recovery, uses, at_once=at_once)), STUCK, PATIENCE)
    assert observer.deepest <= 1, f"a caller of a backoff state held {observer.deepest} locks at the same time"


async def _use_all(recovery: Any, uses: list[tuple[str, int, int]], *, at_once: bool) -> None:
    known = next(NAMES)
    calls: list[Callable[[], Any]] = [
        functools.partial(_use, recovery, kind, f"service {known}-{service}", failures)
        for kind, service, failures in uses
    ]
    if at_once:
        await asyncio.gather(*(call() for call in calls))
    else:
        for call in calls:
            await call()


async def _use(recovery: Any, kind: str, name: str, failures: int) -> None:
    if kind != "retry":
        await getattr(recovery, f"_{kind}_backoff_state_async")(name)
        return
    outcomes: list[Any] = [None, *[ConnectionError("the service is away")] * failures]

    async def call() -> None:
        if error := outcomes.pop():
            raise error

    with contextlib.suppress(ConnectionError):
        await recovery.retry_async(call, service_name=name)
