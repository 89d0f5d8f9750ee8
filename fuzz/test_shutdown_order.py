"""The order of a shutdown against a plain model, for any handlers, callers and schedules.

Handlers are drawn that work for a while, fail and hang; so are callers who ask for the shutdown at the
same time. Each handler is begun once, none before those of a higher priority are over or given up, one that fails or
hangs costs the others nothing but time, and the whole ends in the time it was given.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.explore import drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
GRACE = 2.0
"""Seconds beyond the time it was given that a shutdown may take, to let go of what hangs."""

HANGS = 1e6
kinds = st.sampled_from(["works", "works", "fails", "hangs"])


@dataclass(frozen=True)
class Planned:
    """A handler that is to be registered.

    Attributes:
        priority: its place among the priorities, from 0.
        kind: what it does.
        seconds: how long it works.
        timeout: seconds that it is given.
    """

    priority: int
    kind: str
    seconds: float
    timeout: float

    @property
    def takes(self) -> float:
        """Seconds after which it is over, or given up."""
        return self.timeout if self.kind == "hangs" else min(self.seconds, self.timeout)


@dataclass
class Seen:
    """What became of one handler: when it was begun, and when it ended of its own accord."""

    planned: Planned
    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)


plans = st.lists(
    st.builds(
        Planned,
        st.integers(0, 4),
        kinds,
        st.sampled_from([0.0, 0.1, 1.0, 3.0]),
        st.sampled_from([0.5, 2.0, 5.0]),
    ),
    max_size=6,
)


def scenario(
    subject: Subject, planned: list[Planned], timeout: float, callers: int
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a scenario: handlers are registered, and several callers ask for the shutdown at once."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        module = subject.reliability.shutdown_manager
        manager = module.ShutdownManager(timeout=timeout, force_exit=False)
        seen: list[Seen] = []

        def register(plan: Planned) -> None:
            noted = Seen(plan)
            seen.append(noted)
            name = f"{plan.kind} {len(seen)}"
            manager.register(
                name, handler(noted), list(module.Priority)[plan.priority], plan.timeout, plan.kind == "works"
            )

        def handler(noted: Seen) -> Callable[[], Coroutine[Any, Any, None]]:
            plan = noted.planned

            async def work() -> None:
                noted.begun.append(loop.time())
                await asyncio.sleep(HANGS if plan.kind == "hangs" else plan.seconds)
                noted.ended.append(loop.time())
                if plan.kind == "fails":
                    raise ConnectionError("the other side is gone")

            return work

        for plan in planned:
            register(plan)
        begun = loop.time()
        await asyncio.gather(*(manager.shutdown(f"caller {number}") for number in range(callers)))
        judge(seen, begun, loop.time() - begun, timeout)
        await manager.shutdown("again")
        assert all(len(each.begun) < 2 for each in seen), "a handler ran again when the shutdown was over"

    return main


def judge(seen: list[Seen], begun: float, took: float, timeout: float) -> None:
    """Compare with the model."""
    assert took <= timeout + GRACE, f"a shutdown that was given {timeout:g} s took {took:.1f} s"
    for each in seen:
        assert len(each.begun) <= 1, f"a handler was begun {len(each.begun)} times"
        before = [other for other in seen if other.planned.priority < each.planned.priority]
        for other in before if each.begun else []:
            is_over = other.ended and other.ended[0] <= each.begun[0]
            given_up = other.begun and other.begun[0] + other.planned.timeout <= each.begun[0] + 1e-6
            assert is_over or given_up, (
                f"a handler of priority {each.planned.priority} was begun before one of "
                f"priority {other.planned.priority} was over"
            )
        peers = [other for other in seen if other is not each and other.planned.priority <= each.planned.priority]
        due = sum(other.planned.takes for other in peers)
        assert each.begun or due + GRACE > timeout, f"a handler was not begun, with {timeout - due:.1f} s to spare"
        if each.begun and each.planned.kind != "hangs" and each.planned.seconds < each.planned.timeout:
            in_time = each.begun[0] - begun + each.planned.seconds < timeout
            assert each.ended or not in_time, "a handler was cut off within its time"


@FUZZ.tries
@given(data=st.data(), planned=plans, timeout=st.sampled_from([30.0, 30.0, 4.0]), callers=st.integers(1, 3))
def test_any_shutdown(
    *, subject: Subject, replay: str | None, data: st.DataObject, planned: list[Planned], timeout: float, callers: int
) -> None:
    """Whatever the handlers do and in whatever order steps are taken, a shutdown keeps its order and its time."""
    drawn(data, scenario(subject, planned, timeout, callers), replay=replay)
