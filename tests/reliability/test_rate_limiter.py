"""The rate limiter: scopes, messages, bounded buckets, live changes, breakers it follows, commands it limits."""

from __future__ import annotations

import asyncio
import inspect
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from discord.ext import commands

from reference.utils.reliability.circuit_breaker import CircuitBreaker
from reference.utils.reliability.command_limits import Caller, describe
from reference.utils.reliability.rate_limiter import (
    RateLimitConfig,
    RateLimiter,
    RateLimitType,
    ai_ratelimit,
    ratelimit,
)
from tests.reliability.warp import Clock, warp

if TYPE_CHECKING:
    from collections.abc import Callable


class SmallLimiter(RateLimiter):
    """A limiter with room for ten keys."""

    MAX_BUCKETS: ClassVar[int] = 10


@pytest.fixture
def clock() -> Clock:
    """Give the test control of time."""
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    """Make a limiter with a limit of 3 in 30 s for each scope, named like it."""
    limiter = RateLimiter(clock=clock)
    for scope in RateLimitType:
        limiter.add_config(scope.value, RateLimitConfig(3, 30.0, scope, adaptive=True))
    return limiter


@pytest.fixture
def small(clock: Clock) -> RateLimiter:
    """Make a limiter of few buckets with a limit of 3 in 30 s per user."""
    limiter = SmallLimiter(clock=clock)
    limiter.add_config("user", RateLimitConfig(3, 30.0))
    return limiter


async def admitted(limiter: RateLimiter, name: str, tries: int = 20, **ids: Any) -> int:
    """Count how many of some requests are allowed."""
    return sum([(await limiter.check(name, **ids))[0] for _ in range(tries)])


async def test_refusal_tells_when_and_what(limiter: RateLimiter, clock: Clock) -> None:
    """A refusal carries the exact time to wait and a message; after that time the request is allowed."""
    assert await limiter.check("user", user_id=1) == (True, 0.0, None)
    assert await admitted(limiter, "user", user_id=1) == 2
    clock.now += 3.25
    allowed, wait, message = await limiter.check("user", user_id=1)
    assert (allowed, message) == (False, "Too many requests: please try again in 7 s.")
    assert wait == pytest.approx(6.75)
    clock.now += wait
    assert await limiter.check("user", user_id=1) == (True, 0.0, None)


@pytest.mark.parametrize(
    ("scope", "same", "other"),
    [
        ("user", {"user_id": 1, "channel_id": 9, "guild_id": 9}, {"user_id": 2, "channel_id": 2, "guild_id": 3}),
        ("channel", {"user_id": 9, "channel_id": 2, "guild_id": 9}, {"user_id": 1, "channel_id": 9, "guild_id": 3}),
        ("guild", {"user_id": 9, "channel_id": 9, "guild_id": 3}, {"user_id": 1, "channel_id": 2, "guild_id": 9}),
    ],
)
async def test_scopes(limiter: RateLimiter, scope: str, same: dict[str, int], other: dict[str, int]) -> None:
    """Callers with the same id in a scope share a budget, others have their own."""
    assert await admitted(limiter, scope, user_id=1, channel_id=2, guild_id=3) == 3
    assert await admitted(limiter, scope, **same) == 0
    assert await admitted(limiter, scope, **other) == 3


async def test_global_scope_is_shared_by_all(limiter: RateLimiter) -> None:
    """A global limit has one budget, whoever asks."""
    assert await admitted(limiter, "global", user_id=1) == 3
    assert await admitted(limiter, "global", user_id=2, guild_id=3) == 0


async def test_direct_messages_do_not_share_a_bucket(limiter: RateLimiter) -> None:
    """In direct messages, which have no guild, each conversation has a budget of its own."""
    assert await admitted(limiter, "guild", user_id=1, channel_id=11) == 3
    assert await admitted(limiter, "guild", user_id=2, channel_id=12) == 3
    assert await admitted(limiter, "guild", user_id=3) == 3
    assert await admitted(limiter, "guild", user_id=4) == 3
    assert await admitted(limiter, "channel", user_id=5) == 3


async def test_ids_of_different_kinds_never_meet(limiter: RateLimiter) -> None:
    """A guild and a direct message channel of the same number have separate budgets."""
    assert await admitted(limiter, "guild", user_id=1, channel_id=7, guild_id=5) == 3
    assert await admitted(limiter, "guild", user_id=1, channel_id=5) == 3


async def test_nameless_callers_are_an_error(limiter: RateLimiter) -> None:
    """Callers that cannot be told apart are not lumped together: the call is refused as a mistake."""
    for scope in ("user", "channel", "guild"):
        with pytest.raises(ValueError, match=f"per {scope}: it needs the id of one"):
            await limiter.check(scope)


async def test_unknown_limit_is_an_error(limiter: RateLimiter) -> None:
    """A misspelled limit does not silently allow everything."""
    with pytest.raises(KeyError, match="no rate limit 'usr'"):
        await limiter.check("usr", user_id=1)
    with pytest.raises(KeyError):
        await limiter.wait_for("usr", user_id=1)


async def test_impossible_amount_is_an_error(limiter: RateLimiter) -> None:
    """A request for more than the whole budget is a mistake, with and without waiting."""
    with pytest.raises(ValueError, match="cannot be had"):
        await limiter.check("user", user_id=1, amount=4)
    with pytest.raises(ValueError, match="cannot be had"):
        await limiter.wait_for("user", user_id=1, amount=4)


async def test_silent_limit(limiter: RateLimiter) -> None:
    """A silent limit refuses without a message; another one has its own words."""
    limiter.add_config("quiet", RateLimitConfig(1, 5.0, silent=True))
    limiter.add_config("loud", RateLimitConfig(1, 5.0, cooldown_message="Wait {retry_after}!"))
    for name in ("quiet", "loud"):
        await limiter.check(name, user_id=1)
    assert (await limiter.check("quiet", user_id=1))[2] is None
    assert (await limiter.check("loud", user_id=1))[2] == "Wait 5!"


async def test_exhausted_key_survives_a_flood(small: RateLimiter) -> None:
    """A key that is refused stays refused while a thousand strangers come, and each of them is served."""
    assert await admitted(small, "user", user_id=1) == 3
    assert all([(await small.check("user", user_id=stranger))[0] for stranger in range(100, 1100)])
    assert await admitted(small, "user", user_id=1) == 0
    assert small.get_stats()["user"] <= 10


async def test_key_in_use_outlives_those_hardly_used(small: RateLimiter) -> None:
    """A key that spent two of three is remembered while strangers that spent one come and go."""
    assert await admitted(small, "user", 2, user_id=1) == 2
    assert all([(await small.check("user", user_id=stranger))[0] for stranger in range(100, 200)])
    assert await admitted(small, "user", user_id=1) == 1


async def test_full_buckets_go_first(small: RateLimiter, clock: Clock) -> None:
    """Buckets that refilled are dropped before any that did not."""
    for user in range(9):
        await small.check("user", user_id=user)
    clock.now += 30
    await small.check("user", user_id=50)
    await small.check("user", user_id=51)
    assert small.get_stats()["user"] == 2
    assert await admitted(small, "user", user_id=50) == 2


async def test_when_all_keys_are_busy_a_newcomer_waits(
    small: RateLimiter, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """With every bucket exhausted a newcomer is refused and told when there will be room; it is logged once."""
    for user in range(10):
        clock.now += 0.1
        assert await admitted(small, "user", user_id=user) == 3
    allowed, wait, message = await small.check("user", user_id=99)
    assert (allowed, message) == (False, "Too many requests: please try again in 10 s.")
    assert wait == pytest.approx(9.1)
    assert not (await small.check_all(["user"], user_id=99))[0]
    assert not await small.wait_for("user", user_id=99)
    assert caplog.text.count("buckets are busy") == 1
    clock.now += wait
    assert (await small.check("user", user_id=99))[0]
    assert await admitted(small, "user", user_id=5) == 0


def test_key_that_is_waited_for_is_kept() -> None:
    """A bucket with a queue is not dropped, nor reset, while strangers come."""

    async def scene(clock: Callable[[], float]) -> float:
        limiter = SmallLimiter(clock=clock)
        limiter.add_config("user", RateLimitConfig(3, 30.0))
        start = clock()
        await admitted(limiter, "user", user_id=1)
        patient = asyncio.create_task(limiter.wait_for("user", user_id=1))
        await asyncio.sleep(1)
        for stranger in range(100, 200):
            await limiter.check("user", user_id=stranger)
        limiter.reset()
        assert await patient
        return clock() - start

    assert warp(scene) == pytest.approx(10.0, abs=1e-2)


def test_wait_for_waits_its_turn_or_not_at_all() -> None:
    """A wait that fits the limit ends on time, one that does not ends at once."""

    async def scene(clock: Callable[[], float]) -> None:
        limiter = RateLimiter(clock=clock)
        limiter.add_config("user", RateLimitConfig(3, 30.0))
        start = clock()
        assert await limiter.wait_for("user", user_id=1, amount=3)
        assert not await limiter.wait_for("user", user_id=1, max_wait=9.9)
        assert clock() == start
        assert await limiter.wait_for("user", user_id=1, max_wait=10.1)
        assert clock() - start == pytest.approx(10.0, abs=1e-2)

    warp(scene)


async def test_check_all_takes_from_all_or_none(limiter: RateLimiter, clock: Clock) -> None:
    """When one of several limits refuses nothing is spent from the others, and the longest wait is told."""
    ids = {"user_id": 1, "channel_id": 2, "guild_id": 3}
    await admitted(limiter, "channel", **ids)
    clock.now += 2
    await admitted(limiter, "guild", **ids)
    for _ in range(5):
        allowed, wait, _ = await limiter.check_all(["user", "channel", "guild"], **ids)
        assert not allowed
        assert wait == pytest.approx(10.0)
    assert (await limiter.check_all(["user", "user"], **ids))[0]
    assert await admitted(limiter, "user", **ids) == 2


def test_check_all_does_not_overtake() -> None:
    """A request against several limits is refused while somebody waits for one of them, and told how long."""

    async def scene(clock: Callable[[], float]) -> float:
        limiter = RateLimiter(clock=clock)
        limiter.add_config("user", RateLimitConfig(3, 30.0))
        await admitted(limiter, "user", user_id=1)
        patient = asyncio.create_task(limiter.wait_for("user", user_id=1, amount=2))
        await asyncio.sleep(15)
        _, wait, _ = await limiter.check_all(["user"], user_id=1)
        assert await patient
        return wait

    assert warp(scene) == pytest.approx(15.0, abs=1e-2)


async def test_live_change_of_a_limit(limiter: RateLimiter) -> None:
    """A changed limit holds at once for callers it has already; what they spent stays spent."""
    await admitted(limiter, "user", 2, user_id=1)
    limiter.add_config("user", RateLimitConfig(5, 30.0))
    assert await admitted(limiter, "user", user_id=1) == 3
    assert limiter.get_config("user").requests == 5


async def test_follows_a_breaker(limiter: RateLimiter, clock: Clock) -> None:
    """Budgets shrink when the circuit opens, for old callers and new, and come back when it closes."""
    breaker = CircuitBreaker("service", 1, 10.0, 1, clock=clock)
    stop = limiter.follow(breaker)
    limiter.add_config("late", RateLimitConfig(30, 30.0, adaptive=True))
    limiter.add_config("fixed", RateLimitConfig(30, 30.0))
    assert await admitted(limiter, "late", 1, user_id=1) == 1
    breaker.record_failure()
    assert await admitted(limiter, "late", 40, user_id=1) == 3
    assert await admitted(limiter, "late", 40, user_id=2) == 3
    assert await admitted(limiter, "user", user_id=2) == 1
    assert await admitted(limiter, "fixed", 40, user_id=2) == 30
    clock.now += 10
    assert breaker.can_execute()
    assert await admitted(limiter, "late", 40, user_id=3) == 15
    breaker.record_success()
    assert await admitted(limiter, "late", 40, user_id=4) == 30
    breaker.trip()
    stop()
    assert await admitted(limiter, "late", 40, user_id=5) == 30
    breaker.reset()


async def test_smallest_multiplier_holds(limiter: RateLimiter) -> None:
    """Of several sources the one that asks for most restraint is heard, and only for its own limits."""
    limiter.add_config("big", RateLimitConfig(100, 30.0))
    limiter.set_multiplier(0.5, "big", source="a")
    limiter.set_multiplier(0.2, "big", source="b")
    assert await admitted(limiter, "big", 200, user_id=1) == 20
    limiter.set_multiplier(1.0, "big", source="b")
    assert await admitted(limiter, "big", 200, user_id=2) == 50
    limiter.set_multiplier(0.0, "big", source="b")
    assert await admitted(limiter, "big", 200, user_id=3) == 1
    assert await admitted(limiter, "user", user_id=1) == 3
    for bad in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="cannot be multiplied"):
            limiter.set_multiplier(bad)


async def test_reset_and_stats(limiter: RateLimiter) -> None:
    """A reset gives budgets back, of one limit or of all; the counts tell the buckets."""
    await admitted(limiter, "user", user_id=1)
    await admitted(limiter, "guild", guild_id=1)
    assert limiter.get_stats() | {"user": 1, "guild": 1} == limiter.get_stats()
    assert repr(limiter) == "<RateLimiter 8 limits, 2 of 10000 buckets>"
    limiter.reset("user")
    assert await admitted(limiter, "user", user_id=1) == 3
    assert await admitted(limiter, "guild", guild_id=1) == 0
    limiter.reset()
    assert await admitted(limiter, "guild", guild_id=1) == 3


def test_threads_with_a_loop_each_share_budgets() -> None:
    """Eight threads together are allowed the budget of each key, not more."""
    limiter = RateLimiter()
    limiter.add_config("user", RateLimitConfig(50, 1e6))
    counts: list[int] = []

    async def many() -> int:
        return sum([await admitted(limiter, "user", 30, user_id=user) for user in range(4)])

    threads = [threading.Thread(target=lambda: counts.append(asyncio.run(many())), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(counts) == 200


# Commands


class FakeContext:
    """What a limited command needs of a command context."""

    def __init__(self, user: int, guild: int | None = 3) -> None:
        self.author = SimpleNamespace(id=user)
        self.channel = SimpleNamespace(id=2)
        self.guild = None if guild is None else SimpleNamespace(id=guild)
        self.told: list[tuple[str, dict[str, Any]]] = []

    async def reply(self, text: str, **options: Any) -> None:
        """Take note of what was said."""
        self.told.append((text, options))


class FakeInteraction:
    """What a limited command needs of an interaction."""

    def __init__(self, *, answered: bool = False) -> None:
        self.user = SimpleNamespace(id=1)
        self.channel_id, self.guild_id = 2, None
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.response = SimpleNamespace(is_done=lambda: answered, send_message=self._teller("response"))
        self.followup = SimpleNamespace(send=self._teller("followup"))

    def _teller(self, way: str) -> Callable[..., Any]:
        async def tell(text: str, **options: Any) -> None:
            self.told.append((way, text, options))

        return tell


async def test_limited_command(limiter: RateLimiter) -> None:
    """A command runs within its limit; beyond it the caller is told for as long as the refusal lasts."""

    class Cog:
        @ratelimit("user", limiter=limiter)
        async def search(self, context: FakeContext, *, query: str) -> str:  # noqa: ARG002  a command has one
            return query

    context = FakeContext(1)
    assert [await Cog().search(context, query="x") for _ in range(4)] == ["x", "x", "x", None]
    assert context.told == [
        ("Too many requests: please try again in 10 s.", {"delete_after": 10, "mention_author": False})
    ]


async def test_limited_command_keeps_its_signature(limiter: RateLimiter) -> None:
    """discord.py sees the parameters of the command below the decorator."""

    @commands.command()
    @ratelimit("user", limiter=limiter)
    async def search(context: commands.Context[Any], number: int, *, query: str) -> None:
        """Search for something."""

    assert list(search.clean_params) == ["number", "query"]
    assert search.help == "Search for something."
    assert inspect.iscoroutinefunction(search.callback)


@pytest.mark.parametrize(("answered", "way"), [(False, "response"), (True, "followup")])
async def test_limited_interaction(limiter: RateLimiter, answered: bool, way: str) -> None:
    """The user of an interaction is told privately, whether it was answered before or not."""

    @ratelimit("user", limiter=limiter)
    async def search(interaction: FakeInteraction) -> str:
        return "found"

    interaction = FakeInteraction(answered=answered)
    assert [await search(interaction) for _ in range(4)] == ["found"] * 3 + [None]
    assert interaction.told == [(way, "Too many requests: please try again in 10 s.", {"ephemeral": True})]
    assert describe(interaction) == Caller(1, 2, None)


async def test_silent_refusal_and_refusal_that_cannot_be_told(
    limiter: RateLimiter, caplog: pytest.LogCaptureFixture
) -> None:
    """A silent limit tells nothing; when Discord objects to the message the refusal stands."""
    limiter.add_config("quiet", RateLimitConfig(1, 30.0, silent=True))
    context = FakeContext(1)

    async def broken(*_: Any, **__: Any) -> None:
        raise OSError("Discord is away")

    @ratelimit("quiet", limiter=limiter)
    async def hush(context: FakeContext) -> bool:
        return True

    @ratelimit("user", limiter=limiter)
    async def search(context: FakeContext) -> bool:
        return True

    assert [await hush(context), await hush(context)] == [True, None]
    assert context.told == []
    context.reply = broken  # type: ignore[method-assign]
    assert [await search(context) for _ in range(4)] == [True, True, True, None]
    assert "could not be told" in caplog.text


async def test_ai_command_spends_from_all_its_limits_or_none() -> None:
    """An AI command is limited per user and per guild; a refusal by one spends nothing of the other."""
    limiter = RateLimiter()

    @ai_ratelimit(limiter=limiter)
    async def ask(context: FakeContext) -> bool:
        return True

    answers = [await ask(FakeContext(1)) for _ in range(15)]
    assert answers == [True] * 10 + [None] * 5
    others = [await ask(FakeContext(user)) for user in range(2, 9) for _ in range(10)]
    assert others.count(True) == 50


async def test_ai_decorator_without_parentheses() -> None:
    """``@ai_ratelimit`` works bare, on the limiter of the bot."""

    @ai_ratelimit
    async def ask(context: FakeContext) -> bool:
        return True

    assert await ask(FakeContext(1, guild=None))


async def test_command_without_a_source_is_a_mistake(limiter: RateLimiter) -> None:
    """A limited function that is called without a context, an interaction or a message says so."""

    @ratelimit("user", limiter=limiter)
    async def search(text: str) -> str:
        return text

    with pytest.raises(TypeError, match="needs a context"):
        await search("x")
