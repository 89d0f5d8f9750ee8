"""The way to a model: the first service, the one that stands in for it, and the scripted model, each when it is due.

Every service has a breaker and is tried again; the limiter asks less of callers while a breaker is not closed; an alert
tells the owner when one opens. What is asked and what it takes is counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reference.cogs.ai.chat import Usage, estimate_tokens
from reference.cogs.ai.errors import ModelRefusedError, ModelUnavailableError, NoModelError
from reference.utils.monitoring.health_data import health_data
from reference.utils.monitoring.metrics import metrics
from reference.utils.monitoring.performance_tracker import perf_tracker
from reference.utils.reliability.circuit_breaker import CircuitBreaker, CircuitBreakerOpenError, CircuitState
from reference.utils.reliability.error_recovery import (
    DegradationExhaustedError,
    GracefulDegradation,
    RetryConfig,
    RetryDeadlineError,
    retry_async,
)
from reference.utils.reliability.rate_limiter import rate_limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference.cogs.ai.chat import ChatModel, ChatRequest, Draft
    from reference.cogs.ai.config import AISettings
    from reference.utils.reliability.rate_limiter import RateLimiter

__all__ = ["Answer", "GuardedModel", "ModelGateway", "ModelStatus"]

logger = logging.getLogger(__name__)

AWAY = (ModelUnavailableError, ModelRefusedError, CircuitBreakerOpenError, RetryDeadlineError)
"""What makes the next model answer."""

STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Conditions that pass; those above 519 are what large services and the networks before them add."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer.

    Attributes:
        text: what was said.
        model: who said it.
        is_scripted: whether that is a program that follows a script.
        is_stand_in: whether another model was to answer.
        was_cut: whether it was cut off at its limit.
        usage: what it cost, estimated where the model does not say.
    """

    text: str
    model: str
    is_scripted: bool
    is_stand_in: bool
    was_cut: bool
    usage: Usage


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """How a model does.

    Attributes:
        name: what people call it.
        is_scripted: whether it is a program that follows a script.
        state: of its breaker.
        retry_after: seconds for which it is left alone.
    """

    name: str
    is_scripted: bool
    state: CircuitState
    retry_after: float


class GuardedModel:
    """A model behind a breaker, tried again as often as the settings allow.

    Args:
        model: the model.
        place: `endpoint`, `fallback` or `scripted`.
        settings: how often and how long it is tried.
        is_stand_in: whether another model is to answer before it.
    """

    def __init__(self, model: ChatModel, place: str, settings: AISettings, *, is_stand_in: bool) -> None:
        self.model = model
        self.place = place
        self.breaker = CircuitBreaker(f"ai_{place}", settings.failure_threshold, settings.reset_seconds, 1)
        self._is_stand_in = is_stand_in
        self._retry = RetryConfig(
            max_retries=settings.retries,
            base_delay=settings.retry_delay_seconds,
            max_delay=8.0,
            retryable_exceptions=(ModelUnavailableError,),
            retryable_statuses=STATUSES,
            retry_after_cap=settings.answer_seconds,
            deadline=settings.answer_seconds,
        )

    @property
    def status(self) -> ModelStatus:
        """How the model does now."""
        return ModelStatus(self.model.name, self.model.is_scripted, self.breaker.state, self.breaker.retry_after)

    async def answer(self, request: ChatRequest, draft: Draft) -> Answer:
        """Answer a question; every try begins the draft anew.

        Raises:
            ModelError: the model does not answer.
            CircuitBreakerOpenError: it is left alone at present.
            RetryDeadlineError: it took too long.
        """

        async def attempt() -> Answer:
            draft.restart()
            health_data.increment_ai_requests()
            metrics.increment("ai_requests", self.model.name)
            completion = await self.model.answer(request, draft.add)
            usage = completion.usage or Usage(request.tokens, estimate_tokens(draft.text))
            return Answer(
                draft.text,
                self.model.name,
                self.model.is_scripted,
                self._is_stand_in,
                completion.reason == "length",
                usage,
            )

        begin = time.perf_counter()
        with perf_tracker.measure(f"ai.{self.place}"):
            answer = await retry_async(
                attempt,
                config=self._retry,
                on_retry=self._log_retry,
                service_name=self.breaker.name,
                circuit_breaker=self.breaker,
            )
        metrics.observe("ai_seconds", self.model.name, time.perf_counter() - begin)
        metrics.record_tokens(answer.usage.input_tokens, answer.usage.output_tokens)
        return answer

    def _log_retry(self, tries: int, error: Exception, delay: float) -> None:
        logger.warning("try %d of model %s failed, next in %.1f s: %s", tries, self.model.name, delay, error)


class ModelGateway:
    """Asks the best model that answers at present.

    Args:
        models: from the best to the least, with their places.
        settings: how often and how long each is tried.
        limiter: asks less of callers while a breaker is not closed.
        alert: tells the operator a title, a description and the kind of alert.
    """

    def __init__(
        self,
        models: Sequence[tuple[str, ChatModel]],
        settings: AISettings,
        *,
        limiter: RateLimiter = rate_limiter,
        alert: Callable[[str, str, str], object] = lambda _title, _description, _kind: None,
    ) -> None:
        self._models = [
            GuardedModel(model, place, settings, is_stand_in=number > 0) for number, (place, model) in enumerate(models)
        ]
        self._limiter = limiter
        self._alert = alert
        self._stops: list[Callable[[], None]] = []
        # A breaker decides how long a service is left alone; here a failure only lets one caller at a time try it.
        self._ways = GracefulDegradation("AI chat", recover_after=0.0, failures=AWAY)
        for model in self._models:
            self._ways.add(model.place, partial(self._ask, model))

    def open(self) -> None:
        """Follow the breakers, in the running event loop."""
        loop = asyncio.get_running_loop()

        def changed(breaker: CircuitBreaker, _old: CircuitState, new: CircuitState) -> None:
            loop.call_soon_threadsafe(self._breaker_changed, breaker, new)

        for model in self._models:
            health_data.service_health[model.breaker.name] = model.breaker.state is not CircuitState.OPEN
            self._stops.append(model.breaker.add_listener(changed))
        if self._models:
            self._stops.append(self._limiter.follow(self._models[0].breaker))

    async def close(self) -> None:
        """Follow the breakers no longer, and close the connections."""
        while self._stops:
            self._stops.pop()()
        for model in self._models:
            health_data.service_health.pop(model.breaker.name, None)
            await model.model.close()

    @property
    def status(self) -> list[ModelStatus]:
        """How the models do, from the best to the least."""
        return [model.status for model in self._models]

    async def answer(self, request: ChatRequest, draft: Draft) -> Answer:
        """Answer a question with the best model that works.

        Args:
            request: the question.
            draft: where the answer grows; it begins anew with every try.

        Raises:
            NoModelError: none works.
            InvalidRequestError: the model objects to this request.
        """
        try:
            answer: Answer = await self._ways.run(request, draft)
        except DegradationExhaustedError as error:
            waits = [status.retry_after for status in self.status]
            raise NoModelError(min(waits, default=0.0)) from error
        return answer

    async def _ask(self, model: GuardedModel, request: ChatRequest, draft: Draft) -> Answer:
        try:
            return await model.answer(request, draft)
        except ModelRefusedError as error:
            self._tell(
                "A language model refuses the bot",
                f"{model.model.name}: {error}. Check the key and the name of the model in the settings.",
                f"{model.breaker.name}_refused",
            )
            raise

    def _breaker_changed(self, breaker: CircuitBreaker, state: CircuitState) -> None:
        health_data.service_health[breaker.name] = state is not CircuitState.OPEN
        if state is CircuitState.OPEN:
            self._tell(
                "A language model is away",
                f"{breaker.name} failed {breaker.failure_threshold} times in a row and is left alone for"
                f" {breaker.reset_timeout:g} seconds.",
                breaker.name,
            )

    def _tell(self, title: str, description: str, kind: str) -> None:
        logger.warning("%s: %s", title, description)
        self._alert(title, description, kind)
