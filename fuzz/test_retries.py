"""A retried call beside a plain model: drawn outcomes, durations, wishes of the server, deadlines and cancellations.

Time is the test's. A call is made as often and as late as its settings and the server's wish allow, and no more once
it was cancelled.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.schedule import Script, run
from harness.parts.locks import suspend_holders
from harness.subject import NotApplicable

if TYPE_CHECKING:
    from harness.subject import Subject

FUZZ = fuzzer(__file__)
ROUNDING = 1e-6


class Refused(ConnectionError):  # noqa: N818  an answer of the service
    """A failure of the service that may say how long to stay away."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("refused")
        if retry_after is not None:
            self.retry_after = retry_after


class Mistake(Exception):  # noqa: N818  a mistake of the caller's, which no retry mends
    """A failure that is not tried again."""


Outcome = tuple[str, float | None, float]
"""What a try comes to: ``works``, ``fails`` or ``mistake``; the seconds that the server asks for; how long it takes."""

outcomes = st.lists(
    st.tuples(
        st.sampled_from(["fails", "fails", "fails", "works", "mistake"]),
        st.none() | st.sampled_from([0.0, 0.5, 7.0, 90.0, 100_000.0]),
        st.sampled_from([0.0, 0.25, 5.0]),
    ),
    min_size=1,
    max_size=8,
)
retry_settings = st.fixed_dictionaries(
    {
        "max_retries": st.integers(0, 5),
        "base_delay": st.sampled_from([0.0, 0.1, 1.0, 30.0]),
        "max_delay": st.sampled_from([0.5, 10.0, 60.0]),
    }
)


def config_of(recovery: Any, settings: dict[str, Any]) -> Any:
    """Make the settings of a retry.

    Raises:
        NotApplicable: the tree's settings have other names.
    """
    try:
        return recovery.RetryConfig(**settings, retryable_exceptions=(Refused,))
    except TypeError as error:
        raise NotApplicable(f"utils.reliability.error_recovery.RetryConfig takes other settings: {error}") from error


class Service:
    """A service whose answers are scripted; after the script it works.

    Attributes:
        calls: when each call was made.
        ended: when each call ended.
    """

    def __init__(self, script: list[Outcome]) -> None:
        self._script = script
        self.calls: list[float] = []
        self.ended: list[float] = []

    async def __call__(self) -> int:
        """Take a call; return its number, from 0."""
        clock = asyncio.get_running_loop()
        number = len(self.calls)
        self.calls.append(clock.time())
        kind, asked, takes = self._script[number] if number < len(self._script) else ("works", None, 0.0)
        if takes:
            await asyncio.sleep(takes)
        self.ended.append(clock.time())
        if kind == "fails":
            raise Refused(asked)
        if kind == "mistake":
            raise Mistake
        return number

    def due(self, most: int) -> tuple[str, int]:
        """Return the kind of outcome that a call with so many tries must come to, and the tries that it takes."""
        for number, (kind, _, _) in enumerate(self._script[:most]):
            if kind != "fails":
                return kind, number + 1
        return ("fails", most) if len(self._script) >= most else ("works", len(self._script) + 1)


@FUZZ.tries
@given(script=outcomes, settings=retry_settings, cancelled_after=st.none() | st.sampled_from([0.0, 0.1, 3.0, 40.0]))
def test_a_retried_call(
    *, subject: Subject, script: list[Outcome], settings: dict[str, Any], cancelled_after: float | None
) -> None:
    """A call is tried as often as its settings say, after pauses within bounds, and never once it was cancelled."""
    recovery = subject.reliability.error_recovery
    config, service, told = config_of(recovery, settings), Service(script), []

    async def main() -> str:
        def on_retry(number: int, *_: Any) -> None:
            told.append(number)

        task = asyncio.ensure_future(recovery.retry_async(service, config=config, on_retry=on_retry))
        if cancelled_after is not None:
            await asyncio.wait({task}, timeout=cancelled_after)
            is_over = task.done()
            task.cancel()
            calls = len(service.calls)
            await asyncio.wait({task})
            await asyncio.sleep(1000.0)
            assert len(service.calls) == calls, "a cancelled call was tried again"
            assert is_over or task.cancelled(), "a cancelled call was not cancelled"
            if not is_over:
                return "cancelled"
        try:
            result = await task
        except Refused:
            return "fails"
        except Mistake:
            return "mistake"
        assert result == len(service.calls) - 1, "the outcome is not that of the last try"
        return "works"

    became = run(main, Script({}))
    judge_pauses(service, settings, script)
    if became == "cancelled":
        return
    due, tries = service.due(settings["max_retries"] + 1)
    assert became == due, f"a call that {due} was told as one that {became}"
    assert len(service.calls) == tries, f"{len(service.calls)} tries were made; {tries} are due"
    assert len(told) == tries - 1, f"{len(told)} retries were told, {tries - 1} were made"


def judge_pauses(service: Service, settings: dict[str, Any], script: list[Outcome]) -> None:
    """Check how long was waited before each further try."""
    for number, begun in enumerate(service.calls[1:]):
        pause = begun - service.ended[number]
        asked = script[number][1] or 0.0
        longest = max(2.0 * settings["max_delay"], asked)
        assert pause <= longest + ROUNDING, f"a pause took {pause:g} s; {longest:g} s at most are allowed"


@FUZZ.tries
@given(script=outcomes, settings=retry_settings, cap=st.sampled_from([0.0, 5.0, 300.0]))
def test_a_server_is_heeded(*, subject: Subject, script: list[Outcome], settings: dict[str, Any], cap: float) -> None:
    """Where a server says how long to stay away, it is stayed away so long, up to the largest wait that is allowed."""
    recovery = subject.reliability.error_recovery
    _ = recovery.retry_after_of
    config, service = config_of(recovery, {**settings, "retry_after_cap": cap}), Service(script)

    async def main() -> None:
        await asyncio.gather(recovery.retry_async(service, config=config), return_exceptions=True)

    run(main, Script({}))
    for number, begun in enumerate(service.calls[1:]):
        pause, asked = begun - service.ended[number], script[number][1]
        if asked is not None:
            least, most = min(asked, cap), max(settings["max_delay"], min(asked, cap))
            assert pause >= least - ROUNDING, f"a server asked for {asked:g} s and was asked again after {pause:g} s"
            assert pause <= most + ROUNDING, f"a wait of {pause:g} s was agreed to; {most:g} s at most are allowed"


@FUZZ.tries
@given(script=outcomes, settings=retry_settings, deadline=st.sampled_from([0.1, 3.0, 20.0]))
def test_a_deadline_holds(
    *, subject: Subject, script: list[Outcome], settings: dict[str, Any], deadline: float
) -> None:
    """Tries and pauses together take no longer than the deadline."""
    recovery = subject.reliability.error_recovery
    config, service = config_of(recovery, {**settings, "deadline": deadline}), Service(script)

    async def main() -> float:
        begin = asyncio.get_running_loop().time()
        await asyncio.gather(recovery.retry_async(service, config=config), return_exceptions=True)
        return asyncio.get_running_loop().time() - begin

    took = run(main, Script({}))
    assert took <= deadline + ROUNDING, f"a call with a deadline of {deadline:g} s took {took:g} s"


TRIES = 3


@FUZZ.tries
@given(crowds=st.lists(st.tuples(st.integers(0, TRIES), st.integers(1, 3)), min_size=1, max_size=8))
def test_a_backoff_state(*, subject: Subject, crowds: list[tuple[int, int]]) -> None:
    """A service's failures in a row are counted over callers and event loops, and forgotten at a success."""
    recovery = subject.reliability.error_recovery
    config = config_of(recovery, {"max_retries": TRIES - 1, "base_delay": 1.0, "max_delay": 60.0})
    counted = 0

    async def call(failures: int, callers: int) -> int:
        services = [Service([("fails", None, 0.0)] * failures) for _ in range(callers)]
        calls = (recovery.retry_async(service, config=config, service_name="model") for service in services)
        became = await asyncio.gather(*calls, return_exceptions=True)
        strange = [each for each in became if not isinstance(each, int | Refused)]
        assert not strange, f"a call ended in {strange[0]!r}"
        states = await asyncio.gather(*(recovery._get_backoff_state_async("model") for _ in services))
        assert all(state is states[0] for state in states), "callers who asked at once got a state each"
        return failures_in_a_row(states[0])

    with pytest.MonkeyPatch.context() as patch:
        suspend_holders(patch)
        run(lambda: recovery._reset_backoff_state_async("model"), Script({}))
        for failures, callers in crowds:
            counted = counted + TRIES * callers if failures == TRIES else 0
            seen = run(partial(call, failures, callers), Script({}))
            assert seen == counted, f"{seen} failures in a row are remembered; there were {counted}"


def failures_in_a_row(state: Any) -> int:
    """Return what a state remembers.

    Raises:
        NotApplicable: it remembers something else.
    """
    if not hasattr(state, "consecutive_failures"):
        raise NotApplicable("utils.reliability.error_recovery.BackoffState has no consecutive_failures")
    return int(state.consecutive_failures)
