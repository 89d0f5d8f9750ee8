"""The token tracker evicts through methods that may not be there.

The tracker remembers a bounded number of users and channels. With one too many, recording must not break: those who
were idle the longest, or the channels that were used the least, are forgotten, and nobody else; whoever stays keeps
exactly the figures that were recorded; and the totals of everybody together count the forgotten ones too. What was used
today or in this hour starts again from nothing when the day or the hour is over, while the figures in all go on.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import freezegun
import pytest
from freezegun.config import DEFAULT_IGNORE_LIST, reset_config

from harness.parts.threads import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.subject import Subject

LIMIT = 6
IN, OUT = 1009, 100_003
"""Tokens of one request: numbers whose multiples and sums tell how many requests they come from."""

START = "2024-05-01 12:10:00"
NO_COUNT = r"limit|max|remain|reset|average|avg|mean|peak|busiest"
"""Names of figures that count nothing."""

PATIENCE = 5.0
"""Seconds that recording may take."""

FAR = 10**15
"""Ids begin here, so that none is taken for a figure."""


class Tracker:
    """A tracker of the subject with small limits, at a time that only the test moves.

    Attributes:
        clock: the time; it moves by a second with each request.
    """

    def __init__(self, make: Callable[[], Any], clock: Any) -> None:
        self._tracker = make()
        self.clock = clock

    def record(self, user: int, channel: int, times: int = 1) -> None:
        """Record requests of a user in a channel."""
        for _ in range(times):
            self.clock.tick(1.0)
            try:
                finish(partial(self._record, FAR + user, FAR + channel), "recording waited for ever", PATIENCE)
            except AttributeError as error:
                pytest.fail(f"recording over the limit raised AttributeError: {error}")

    def _record(self, user: int, channel: int) -> None:
        settled(self._tracker.record(user_id=user, input_tokens=IN, output_tokens=OUT, channel_id=channel))

    def user(self, user: int) -> Any:
        """Return a user's figures; None where there are none."""
        return self._known(self._tracker.get_user_stats, user)

    def channel(self, channel: int) -> Any:
        """Return a channel's figures; None where there are none."""
        return self._known(self._tracker.get_channel_stats, channel)

    def everybody(self) -> Any:
        """Return the figures of all together."""
        return settled(self._tracker.get_global_stats())

    def top(self, limit: int) -> list[Any]:
        """Return the figures of the users who used the most."""
        return list(settled(self._tracker.get_top_users(limit)))

    def _known(self, ask: Callable[[int], Any], key: int) -> Any:
        try:
            stats = settled(ask(FAR + key))
        except (KeyError, LookupError):
            return None
        return stats if any(number >= IN for number in numbers(stats) if number < FAR) else None


def settled(value: Any) -> Any:
    """Return a value, awaited where the subject's methods are coroutines."""
    if not inspect.isawaitable(value):
        return value

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())


def items(stats: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parts of figures by name, of whatever make they are."""
    if isinstance(stats, dict):
        yield from ((str(name), value) for name, value in stats.items())
    elif isinstance(stats, list | tuple | set):
        yield from (("", value) for value in stats)
    elif hasattr(stats, "__dict__"):
        yield from ((name.lstrip("_"), value) for name, value in vars(stats).items())
    else:
        yield from ((name, getattr(stats, name, None)) for name in getattr(stats, "__slots__", ()))


def numbers(stats: Any) -> set[float]:
    """Return all numbers in figures."""
    if isinstance(stats, int | float):
        return {stats}
    if stats is None or isinstance(stats, str | bytes):
        return set()
    return {number for _, part in items(stats) for number in numbers(part)}


def counts(stats: Any, requests: int) -> bool:
    """Tell whether figures hold what this many requests used."""
    found = numbers(stats)
    return (IN + OUT) * requests in found or {IN * requests, OUT * requests} <= found


def parts(stats: Any, pattern: str) -> list[Any]:
    """Return the parts of figures that go under a name of a pattern and hold numbers, limits and averages aside."""
    found: list[Any] = []
    for name, part in items(stats) if not isinstance(stats, str | bytes | int | float | None) else ():
        if re.search(NO_COUNT, name, re.IGNORECASE):
            continue
        if re.search(pattern, name, re.IGNORECASE) and numbers(part):
            found.append(part)
        else:
            found.extend(parts(part, pattern))
    return found


@pytest.fixture
def tracker(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    """A tracker that remembers a few users and channels."""
    kind = subject.monitoring.token_tracker.TokenTracker
    monkeypatch.setattr(kind, "MAX_USERS", LIMIT)
    monkeypatch.setattr(kind, "MAX_CHANNELS", LIMIT)
    # freezegun shows real time to whatever threading calls, and requests are recorded in threads
    freezegun.configure(default_ignore_list=[name for name in DEFAULT_IGNORE_LIST if name != "threading"])
    try:
        with freezegun.freeze_time(START) as clock:
            yield Tracker(kind, clock)
    finally:
        reset_config()


def test_users_over_the_limit(tracker: Tracker) -> None:
    """Those who were idle the longest are forgotten, and no more are remembered than the limit says."""
    busy_before = [2, 2, 2, 3, 3]
    order = [*busy_before, *range(LIMIT), 0, 1, *range(100, 100 + LIMIT - 3)]
    for user in order:
        tracker.record(user, 0)
    by_age = list(dict.fromkeys(reversed(order)))
    kept = [tracker.user(user) is not None for user in by_age]
    assert kept[0], "the user who was just counted was forgotten"
    assert sum(kept) <= LIMIT, f"{sum(kept)} users are remembered; the limit is {LIMIT}"
    assert kept == sorted(kept, reverse=True), "a user was forgotten who was active after one who is remembered"
    for user in by_age[: sum(kept)]:
        requests = order.count(user)
        assert counts(tracker.user(user), requests), f"a user who was never idle lost figures of {requests} requests"


def test_most_are_remembered(tracker: Tracker) -> None:
    """One user or channel too many does not cost the memory of all."""
    for number in range(LIMIT + 1):
        tracker.record(number, number, times=number + 1)
    assert tracker.user(LIMIT) is not None, "the user who was just counted was forgotten"
    assert tracker.user(LIMIT - 1) is not None, "with one user too many nearly all were forgotten"
    assert tracker.channel(LIMIT - 1) is not None, "with one channel too many nearly all were forgotten"
    assert tracker.user(0) is None, "nobody was forgotten, though there was one user too many"


def test_channels_over_the_limit(tracker: Tracker) -> None:
    """The channels that were used the least are forgotten, and no more are remembered than the limit says."""
    for channel in range(LIMIT):
        tracker.record(0, channel, times=channel + 2)
    for channel in range(LIMIT, LIMIT + 3):
        tracker.record(0, channel, times=channel + 2)
    kept = [tracker.channel(channel) is not None for channel in range(LIMIT + 3)]
    assert sum(kept) <= LIMIT, f"{sum(kept)} channels are remembered; the limit is {LIMIT}"
    assert not kept[0], "the channel that was used the least is remembered in place of another"
    assert kept[LIMIT - 1], "a channel was forgotten that was used more than one that is remembered"
    assert kept[: LIMIT - 1] == sorted(kept[: LIMIT - 1]), "a channel was forgotten that was used more than another one"
    assert counts(tracker.channel(LIMIT - 1), LIMIT + 1), "a channel that is remembered lost some of its figures"


def test_totals_count_the_forgotten(tracker: Tracker) -> None:
    """The figures of all together never shrink when somebody is forgotten."""
    for number in range(3 * LIMIT):
        tracker.record(number, number)
        assert counts(tracker.everybody(), number + 1), (
            f"after {number + 1} requests and a limit of {LIMIT} the totals do not say what was used"
        )


def test_forgotten_user_begins_anew(tracker: Tracker) -> None:
    """Somebody who was forgotten and comes back is counted from there on, and evicts the idlest."""
    for user in [*range(2 * LIMIT), 0]:
        tracker.record(user, user)
    assert counts(tracker.user(0), 1), "a user who was forgotten and came back has the wrong figures"
    assert counts(tracker.everybody(), 2 * LIMIT + 1), "the totals are wrong after a forgotten user came back"


def test_top_users_are_remembered_ones(tracker: Tracker) -> None:
    """The list of those who used the most is short, in order, and right after evictions."""
    for user in range(2 * LIMIT):
        tracker.record(user, 0, times=user + 1)
    top = tracker.top(2)
    assert len(top) == 2, f"a list of 2 users has {len(top)}"
    assert counts(top[0], 2 * LIMIT), "the user who used the most is not the first of the list"
    assert counts(top[1], 2 * LIMIT - 1), "the user who used the second most is not the second of the list"


@pytest.mark.parametrize("later", ["2024-05-02 12:10:00", "2024-06-01 12:10:00", "2025-05-01 12:10:00"])
def test_days_roll_over(tracker: Tracker, later: str) -> None:
    """What was used a day, a month or a year ago, at this hour too, is none of today's, but of the figures in all."""
    tracker.record(0, 0, times=5)
    tracker.clock.move_to(later)
    tracker.record(0, 0, times=2)
    for name, stats in (("user", tracker.user(0)), ("channel", tracker.channel(0)), ("all", tracker.everybody())):
        assert counts(stats, 7), f"the figures in all of the {name} lost a day"
        for part in parts(stats, r"today|daily|day"):
            assert counts(part, 2), f"today's figures of the {name} are not those of today"
        for part in parts(stats, r"hour"):
            assert counts(part, 2), f"this hour's figures of the {name} are not those of this hour"


def test_hours_roll_over(tracker: Tracker) -> None:
    """What was used two hours ago is none of this hour's, but of this day's."""
    tracker.record(0, 0, times=5)
    tracker.clock.move_to("2024-05-01 14:10:00")
    tracker.record(0, 0, times=2)
    for name, stats in (("user", tracker.user(0)), ("channel", tracker.channel(0)), ("all", tracker.everybody())):
        assert counts(stats, 7), f"the figures in all of the {name} lost an hour"
        for part in parts(stats, r"hour"):
            assert counts(part, 2), f"this hour's figures of the {name} are not those of this hour"
        for part in parts(stats, r"today|daily"):
            assert counts(part, 7), f"today's figures of the {name} lost an hour"


def test_idle_days_are_empty(tracker: Tracker) -> None:
    """On a day on which nothing was used yet, nothing is shown for it."""
    tracker.record(0, 0, times=5)
    tracker.clock.move_to("2024-05-03 12:10:00")
    for part in parts(tracker.user(0), r"today|this_hour"):
        assert not counts(part, 5), "the figures of a day that is over are shown as today's"
