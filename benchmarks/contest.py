"""What a contest is, and how its contenders are timed against each other.

All contenders take turns in every round, and each is compared with the floor of the same round: a machine that is
slow for a moment is slow for all of them. A contender must first prove that it does the work it is timed for; one
that fails, in its proof or while it is timed, is an error with a reason and never a good score.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

ROUND_SECONDS = 0.01
"""About how long one contender runs in one round."""

PROOF_SECONDS = 20.0
"""How long making and proving one contender may take."""


class Status(StrEnum):
    """What became of a contender."""

    OK = "ok"
    NOT_INSTALLED = "not installed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Bout:
    """A contender that is ready.

    Attributes:
        step: the operation that is timed; awaited, unless ``awaits`` is False.
        expect: what each step must return.
        prove: shows with other, smaller means that the contender does its work; raises if it does not.
        awaits: whether ``step`` is a coroutine function.
        close: ends what the contender holds.
        memory: tells the bytes of memory that the contender holds, asked after the last round.
    """

    step: Callable[[], Any]
    expect: Any = None
    prove: Callable[[], Awaitable[object]] | None = None
    awaits: bool = True
    close: Callable[[], Awaitable[object]] | None = None
    memory: Callable[[], int] | None = None


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who takes part in a contest.

    Attributes:
        name: shown in the table.
        enter: makes the ``Bout``; whatever it imports may be missing.
        package: the distribution it comes from; None for this project's own and for floors.
        is_ours: whether this project answers for it.
        note: what is different about it, in a few words.
    """

    name: str
    enter: Callable[[], Awaitable[Bout]]
    package: str | None = None
    is_ours: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Contest:
    """Contenders that do the same work.

    Attributes:
        name: what ``--only`` selects.
        title: what is measured, in a sentence.
        target: the multiple of the floor that ours is to stay within.
        contenders: the first is the floor.
    """

    name: str
    title: str
    target: float | None
    contenders: Sequence[Contender]


@dataclass(slots=True)
class Score:
    """What a contender did.

    Attributes:
        contender: whose score it is.
        status: whether there are times.
        reason: why there are none, in a line.
        times: nanoseconds per operation, one for each round.
        ratio: the median over the rounds of its time by the floor's.
        memory: bytes it held at the end, where that was asked.
    """

    contender: Contender
    status: Status = Status.OK
    reason: str = ""
    times: list[float] = field(default_factory=list)
    ratio: float | None = None
    memory: int | None = None

    @property
    def nanoseconds(self) -> float | None:
        """The time of an operation in the fastest round."""
        return min(self.times, default=None)

    @property
    def version(self) -> str:
        """The version of the contender's distribution; empty for this project's own."""
        try:
            return metadata.version(self.contender.package) if self.contender.package else ""
        except metadata.PackageNotFoundError:
            return ""

    def fail(self, error: BaseException) -> None:
        """Note why there is no score."""
        self.status, self.times = Status.ERROR, []
        self.reason = f"{type(error).__name__}: {error}".partition("\n")[0]


@dataclass(slots=True)
class Outcome:
    """A contest that took place.

    Attributes:
        contest: which one.
        scores: of its contenders, in their order.
    """

    contest: Contest
    scores: list[Score]

    @property
    def ours(self) -> list[Score]:
        """The scores that this project answers for."""
        return [score for score in self.scores if score.contender.is_ours]

    @property
    def errors(self) -> list[Score]:
        """The floor and our own contenders, where they have no score: a contest without them shows nothing."""
        return [score for score in {id(s): s for s in (self.scores[0], *self.ours)}.values() if score.ratio is None]

    @property
    def unknown(self) -> list[Score]:
        """The scores of peers that are installed and could not be timed: who is ahead of them is not known."""
        return [score for score in self.scores if score.status is Status.ERROR and score not in self.errors]

    @property
    def is_met(self) -> bool:
        """Whether ours is within the target and ahead of every peer that has a score."""
        peers = [score.ratio for score in self.scores[1:] if not score.contender.is_ours and score.ratio is not None]
        bound = min([self.contest.target or float("inf"), *peers])
        return bool(self.ours) and all(score.ratio is not None and score.ratio <= bound for score in self.ours)


def peer(name: str) -> Any:
    """Import a peer's module, which carries no types that matter here."""
    return import_module(name)


async def hold(contest: Contest, rounds: int) -> Outcome:
    """Prove and time all contenders of a contest.

    Args:
        contest: which one.
        rounds: how often the contenders take turns.
    """
    scores = [Score(contender) for contender in contest.contenders]
    bouts = [(score, bout) for score in scores if (bout := await _enter(score))]
    counts = {score.contender.name: await _calibrate(score, bout) for score, bout in bouts}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for score, bout in bouts:
                if score.status is Status.OK:
                    await _time(score, bout, counts[score.contender.name])
    finally:
        gc.enable()
    for score, bout in bouts:
        await _finish(score, bout)
    _compare(scores)
    return Outcome(contest, scores)


async def _enter(score: Score) -> Bout | None:
    try:
        async with asyncio.timeout(PROOF_SECONDS):
            bout = await score.contender.enter()
            if bout.prove:
                await bout.prove()
    except ModuleNotFoundError as error:
        if score.contender.package:
            score.status, score.reason = Status.NOT_INSTALLED, f"pip install {score.contender.package}"
        else:
            score.fail(error)
    except Exception as error:  # noqa: BLE001  whatever a contender does wrong is its score
        score.fail(error)
    else:
        return bout
    return None


async def _calibrate(score: Score, bout: Bout) -> int:
    """Check what the steps return, and find how many fill a round."""
    count = 1
    try:
        for _ in range(10):
            await _run(bout, 1)
        while (seconds := await _run(bout, count)) < ROUND_SECONDS / 4:
            count *= 4
        return max(1, round(count * ROUND_SECONDS / seconds))
    except Exception as error:  # noqa: BLE001
        score.fail(error)
        return count


async def _time(score: Score, bout: Bout, count: int) -> None:
    try:
        score.times.append(await _run(bout, count) / count * 1e9)
    except Exception as error:  # noqa: BLE001
        score.fail(error)


async def _run(bout: Bout, count: int) -> float:
    step, result = bout.step, bout.expect
    turns = range(count)
    start = time.perf_counter()
    if bout.awaits:
        for _ in turns:
            result = await step()
    else:
        for _ in turns:
            result = step()
    seconds = time.perf_counter() - start
    if result != bout.expect:
        raise ValueError(f"the last of {count} steps returned {result!r} instead of {bout.expect!r}")
    return seconds


async def _finish(score: Score, bout: Bout) -> None:
    try:
        if bout.memory and score.status is Status.OK:
            score.memory = bout.memory()
        if bout.close:
            await bout.close()
    except Exception as error:  # noqa: BLE001
        score.fail(error)


def _compare(scores: list[Score]) -> None:
    floor = scores[0].times
    for score in scores:
        if score.times and len(score.times) == len(floor):
            score.ratio = statistics.median(own / least for own, least in zip(score.times, floor, strict=True))
