"""From a question to an answer that is paid for and remembered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from reference.cogs.ai.assistant import Assistant, Question
from reference.cogs.ai.budget import TokenBudget
from reference.cogs.ai.chat import Draft
from reference.cogs.ai.config import AISettings
from reference.cogs.ai.conversation import Conversations
from reference.cogs.ai.errors import BudgetError, InvalidRequestError
from reference.cogs.ai.gateway import ModelGateway
from reference.cogs.ai.openai_client import OpenAIModel
from reference.cogs.ai.scripted_model import ScriptedModel
from reference.utils.localization import get_message
from reference.utils.monitoring.token_tracker import TokenTracker
from reference.utils.reliability.rate_limiter import RateLimiter
from tests.ai.service import failing, streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reference.cogs.ai.chat import ChatModel
    from reference.utils.database.database import Database
    from tests.ai.service import Service

QUESTION = Question("What is tea?", channel_id=5, user_id=1, guild_id=7, author="Mali", language="th")


@pytest.fixture
def settings() -> AISettings:
    """Settings with small limits."""
    return AISettings(
        context_tokens=300, answer_tokens=100, retries=0, user_tokens_per_day=1000, system_prompt="Be brief."
    )


@pytest.fixture
def tracker() -> TokenTracker:
    """A tracker of tokens of its own."""
    return TokenTracker()


@pytest.fixture
async def assistant(
    service: Service, database: Database, settings: AISettings, tracker: TokenTracker
) -> AsyncIterator[Assistant]:
    """An assistant before a service, with the script behind it."""
    models: list[tuple[str, ChatModel]] = [
        ("endpoint", OpenAIModel(service.endpoint())),
        ("scripted", ScriptedModel(get_message)),
    ]
    gateway = ModelGateway(models, settings, limiter=RateLimiter())
    budget = TokenBudget(database, user_limit=settings.user_tokens_per_day, guild_limit=settings.guild_tokens_per_day)
    made = Assistant(settings, gateway, budget, Conversations(database, settings.context_tokens), tracker=tracker)
    await made.open()
    yield made
    await made.close()


async def used(assistant: Assistant) -> list[int]:
    """Return what user and guild have in use."""
    return [status.used for status in await assistant.budget.status(1, 7)]


async def test_a_turn_is_paid_for_and_remembered(service: Service, assistant: Assistant, tracker: TokenTracker) -> None:
    """The next question comes with the turn before it; the service's own figures are what it cost."""
    answer = await assistant.answer(QUESTION, Draft(), lambda _user: "Mali")
    await assistant.remember(QUESTION, answer, 99)
    await assistant.answer(QUESTION, Draft(), lambda _user: "Mali")
    said = [(message["role"], message["content"]) for message in service.requests[1]["messages"]]
    assert said == [
        ("system", "Be brief.\nThe reader's own language is Thai."),
        ("user", "Mali: What is tea?"),
        ("assistant", "Hello world"),
        ("user", "Mali: What is tea?"),
    ]
    assert await used(assistant) == [36, 36]
    assert tracker.get_global_stats()["total_tokens"] == 36
    assert tracker.get_channel_stats(5) is not None


async def test_a_failure_costs_nothing(service: Service, assistant: Assistant) -> None:
    """What was reserved for a request that the service refuses is given back."""
    service.plan.append(failing(400))
    with pytest.raises(InvalidRequestError):
        await assistant.answer(QUESTION, Draft())
    assert await used(assistant) == [0, 0]


async def test_who_gives_up_pays_for_what_came(service: Service, assistant: Assistant) -> None:
    """A cancelled answer costs its question and what came of the answer, not what was reserved."""
    service.plan.append(service.stalling("12345678"))
    draft = Draft()
    task = asyncio.create_task(assistant.answer(QUESTION, draft))
    async with asyncio.timeout(5):
        await draft.newer(0)
    assert (await used(assistant))[0] > 100
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 10 < (await used(assistant))[0] < 60


async def test_nothing_is_asked_beyond_the_budget(service: Service, assistant: Assistant) -> None:
    """A question for which too little is left never reaches the service."""
    service.usual = streamed("x", usage={"prompt_tokens": 900, "completion_tokens": 50})
    await assistant.answer(QUESTION, Draft())
    with pytest.raises(BudgetError, match="950 of 1000"):
        await assistant.answer(QUESTION, Draft())
    assert len(service.requests) == 1


async def test_what_the_script_says_in_place_of_a_model_is_not_remembered(
    service: Service, assistant: Assistant, database: Database
) -> None:
    """A stand-in that follows a script leaves the conversation of the model alone."""
    service.plan.append(failing(500))
    answer = await assistant.answer(QUESTION, Draft())
    assert answer.is_scripted
    await assistant.remember(QUESTION, answer, None)
    assert await database.get_ai_history(5) == []


async def test_a_long_question_is_cut_to_its_share(service: Service, assistant: Assistant) -> None:
    """A question with a long attachment leaves room for the rest, in the request and in the memory."""
    long = Question("word " * 2000, 5, 1, None, "Mali")
    answer = await assistant.answer(long, Draft())
    await assistant.remember(long, answer, None)
    assert len(service.requests[0]["messages"][1]["content"]) < 4 * 300
    rows: list[dict[str, Any]] = await assistant.conversations._database.get_ai_history(5)
    assert len(rows[0]["content"]) == 4 * assistant.longest_question
