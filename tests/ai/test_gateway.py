"""Breaker, retries, stand-ins and alerts around models, against real servers that fail."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reference.cogs.ai.chat import ChatMessage, ChatRequest, Draft, Role, Usage
from reference.cogs.ai.config import AISettings
from reference.cogs.ai.errors import InvalidRequestError, NoModelError
from reference.cogs.ai.gateway import ModelGateway
from reference.cogs.ai.openai_client import OpenAIModel
from reference.cogs.ai.scripted_model import ScriptedModel
from reference.utils.localization import get_message
from reference.utils.monitoring.health_data import health_data
from reference.utils.monitoring.metrics import metrics
from reference.utils.monitoring.performance_tracker import perf_tracker
from reference.utils.reliability.circuit_breaker import CircuitState
from reference.utils.reliability.error_recovery import _reset_backoff_state
from reference.utils.reliability.rate_limiter import RateLimiter
from tests.ai.service import Service, dropping, failing, raw, streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

REQUEST = ChatRequest([ChatMessage(Role.USER, "hello", "Mali")], 100)
QUICK = {"retry_delay_seconds": 0.0, "failure_threshold": 3, "retries": 1}


def is_shown_up() -> bool:
    """Tell whether the health page says that the endpoint is up."""
    return health_data.service_health["ai_endpoint"] is True


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Nothing that a service failed before is remembered."""
    yield
    for place in ("endpoint", "fallback", "scripted"):
        _reset_backoff_state(f"ai_{place}")


@asynccontextmanager
async def gateway_to(
    *places: tuple[str, Service | None],
    limiter: RateLimiter | None = None,
    alert: Callable[[str, str, str], object] = print,
    **values: Any,
) -> AsyncIterator[ModelGateway]:
    """Open a gateway to services; None stands for the scripted model."""
    settings = AISettings(**{**QUICK, **values})
    models = [(place, _model(service, settings)) for place, service in places]
    gateway = ModelGateway(models, settings, limiter=limiter or RateLimiter(), alert=alert)
    gateway.open()
    try:
        yield gateway
    finally:
        await gateway.close()


def _model(service: Service | None, settings: AISettings) -> OpenAIModel | ScriptedModel:
    if service is None:
        return ScriptedModel(get_message)
    return OpenAIModel(service.endpoint(), stall_seconds=settings.stall_seconds)


async def test_a_healthy_service_answers(service: Service) -> None:
    """The answer comes with its model and cost; requests, tokens and times are counted."""
    perf_tracker.reset("ai.endpoint")
    before = health_data.counters()["ai_requests"]
    async with gateway_to(("endpoint", service)) as gateway:
        draft = Draft()
        answer = await gateway.answer(REQUEST, draft)
        assert is_shown_up()
    assert (answer.text, answer.model, answer.usage) == ("Hello world", "test-model", Usage(11, 7))
    assert (answer.is_scripted, answer.is_stand_in, answer.was_cut) == (False, False, False)
    assert draft.text == "Hello world"
    assert health_data.counters()["ai_requests"] == before + 1
    assert perf_tracker.get_stats("ai.endpoint")["count"] == 1
    assert b'bot_ai_requests_total{model="test-model"}' in metrics.exposition()
    assert "ai_endpoint" not in health_data.service_health


async def test_a_service_that_says_no_cost_is_estimated(service: Service) -> None:
    """Without usage figures the cost is estimated from the texts."""
    service.plan.append(streamed("four", usage=None, reason="length"))
    async with gateway_to(("endpoint", service)) as gateway:
        answer = await gateway.answer(REQUEST, Draft())
    assert answer.usage == Usage(REQUEST.tokens, 1)
    assert answer.was_cut


@pytest.mark.parametrize(
    "fault",
    [
        failing(500),
        failing(429, headers={"Retry-After": "0.05"}),
        dropping("half of"),
        raw(b'data: {"choices": [{"delta": {"content": "broken"}}]}\n\ndata: {'),
    ],
    ids=["500", "429", "drop", "broken-json"],
)
async def test_a_passing_fault_is_tried_again(service: Service, fault: Any) -> None:
    """After a fault the answer begins anew: nothing of the broken try stays in it."""
    service.plan.append(fault)
    async with gateway_to(("endpoint", service)) as gateway:
        draft = Draft()
        assert (await gateway.answer(REQUEST, draft)).text == "Hello world"
    assert draft.text == "Hello world"
    assert len(service.requests) == 2


async def test_a_stalling_service_is_tried_again(service: Service) -> None:
    """A service that falls silent within its answer is given up and asked again."""
    service.plan.append(service.stalling("half of"))
    async with gateway_to(("endpoint", service), stall_seconds=1.0) as gateway:
        assert (await gateway.answer(REQUEST, Draft())).text == "Hello world"


async def test_retry_after_is_obeyed(service: Service) -> None:
    """The next try comes no sooner than the service asked."""
    service.plan.append(failing(429, headers={"Retry-After": "0.3"}))
    loop = asyncio.get_running_loop()
    async with gateway_to(("endpoint", service)) as gateway:
        begin = loop.time()
        await gateway.answer(REQUEST, Draft())
    assert loop.time() - begin >= 0.3


async def test_all_tries_together_have_a_deadline(service: Service) -> None:
    """An answer that does not end in time is given up as a whole."""
    service.usual = service.stalling("Hi")
    async with gateway_to(("endpoint", service), answer_seconds=1.0, stall_seconds=60, retries=5) as gateway:
        with pytest.raises(NoModelError):
            await gateway.answer(REQUEST, Draft())
    assert len(service.requests) == 1


async def test_another_service_stands_in(service: Service) -> None:
    """While the first service fails, the second answers, and says that it stands in."""
    service.usual = failing(503)
    async with Service() as other, gateway_to(("endpoint", service), ("fallback", other)) as gateway:
        other.usual = streamed("From the other one")
        answer = await gateway.answer(REQUEST, Draft())
    assert (answer.text, answer.is_stand_in, answer.is_scripted) == ("From the other one", True, False)


async def test_the_script_stands_in_last(service: Service) -> None:
    """Where no service answers, the scripted model does, and is called what it is."""
    service.usual = failing(500)
    async with gateway_to(("endpoint", service), ("scripted", None)) as gateway:
        answer = await gateway.answer(REQUEST, Draft())
    assert answer.text.startswith("Hello, Mali!")
    assert (answer.model, answer.is_scripted, answer.is_stand_in) == ("scripted model", True, True)


async def test_a_breaker_that_opens_spares_the_service_and_tells_the_owner(service: Service) -> None:
    """After failures in a row nothing more is sent; health page, limiter and owner are told; a probe ends it."""
    service.usual = failing(500)
    limiter = RateLimiter()
    values: dict[str, Any] = {"limiter": limiter, "reset_seconds": 600.0, "retries": 5}
    told: list[tuple[str, ...]] = []
    async with gateway_to(("endpoint", service), alert=lambda *words: told.append(words), **values) as gateway:
        for _ in range(3):
            with pytest.raises(NoModelError) as caught:
                await gateway.answer(REQUEST, Draft())
        assert len(service.requests) == 3
        assert 0 < caught.value.retry_after <= 600
        status = gateway.status[0]
        assert (status.name, status.state) == ("test-model", CircuitState.OPEN)
        assert not is_shown_up()
        assert limiter._multiplier("ai_user") == RateLimiter.ADAPTIVE_MULTIPLIERS[CircuitState.OPEN]
        service.usual = streamed("Back")
        breaker = gateway._models[0].breaker
        breaker.reset_timeout = 0.0
        assert (await gateway.answer(REQUEST, Draft())).text == "Back"
        await asyncio.sleep(0)
        assert is_shown_up()
    assert [(title, kind) for title, _, kind in told] == [("A language model is away", "ai_endpoint")]
    assert limiter._multiplier("ai_user") == 1.0


async def test_a_wrong_key_is_told_to_the_owner_and_not_tried_again(service: Service) -> None:
    """A refusal is final: one request, an alert, and the stand-in answers."""
    service.usual = failing(401, "Incorrect API key")
    told: list[tuple[str, ...]] = []
    places = (("endpoint", service), ("scripted", None))
    async with gateway_to(*places, alert=lambda *words: told.append(words)) as gateway:
        assert (await gateway.answer(REQUEST, Draft())).is_scripted
    assert len(service.requests) == 1
    ((_, description, kind),) = told
    assert "Incorrect API key" in description
    assert kind == "ai_endpoint_refused"


async def test_a_request_that_is_at_fault_is_nobody_elses(service: Service) -> None:
    """What the service says of this very request neither counts against it nor goes to a stand-in."""
    service.usual = failing(400, "too long")
    async with gateway_to(("endpoint", service), ("scripted", None)) as gateway:
        for _ in range(5):
            with pytest.raises(InvalidRequestError, match="too long"):
                await gateway.answer(REQUEST, Draft())
        assert gateway.status[0].state is CircuitState.CLOSED


async def test_a_cancelled_question_counts_neither_way(service: Service) -> None:
    """Somebody who gives up does not count against the service."""
    service.plan.append(service.stalling("Hi"))
    async with gateway_to(("endpoint", service), failure_threshold=1, stall_seconds=60) as gateway:
        task = asyncio.create_task(gateway.answer(REQUEST, Draft()))
        await service.arrival(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await gateway.answer(REQUEST, Draft())).text == "Hello world"
