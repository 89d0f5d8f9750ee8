"""The assistant: from a question, with its conversation and its budget, to an answer that is remembered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference.cogs.ai.chat import ChatMessage, ChatRequest, Draft, Role, Usage, estimate_tokens, fit_tokens
from reference.cogs.ai.conversation import clean_name
from reference.utils.localization import Language
from reference.utils.monitoring.token_tracker import token_tracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference.cogs.ai.budget import TokenBudget
    from reference.cogs.ai.config import AISettings
    from reference.cogs.ai.conversation import Conversations
    from reference.cogs.ai.gateway import Answer, ModelGateway
    from reference.utils.monitoring.token_tracker import TokenTracker

__all__ = ["Assistant", "Question"]

LANGUAGES = {Language.ENGLISH: "English", Language.THAI: "Thai"}

SHARE_OF_QUESTION = 0.75
"""The part of a request that a question may take, what is attached to it included."""

SUMMARY_TOKENS = 250
"""The most tokens of a summary."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks.

    Attributes:
        text: the words, and the texts that are attached.
        channel_id: where.
        user_id: who.
        guild_id: in which guild; None for a direct message.
        author: the name of the person.
        language: the code of the language that the person reads.
        message_id: Discord's number of the message; None for a command.
    """

    text: str
    channel_id: int
    user_id: int
    guild_id: int | None
    author: str
    language: str = Language.ENGLISH.value
    message_id: int | None = None


class Assistant:
    """Answers questions; what Discord shows of it is none of its business.

    Args:
        settings: how long requests and answers may be.
        gateway: the way to a model.
        budget: what may be used.
        conversations: what was said before.
        tracker: counts tokens.
    """

    def __init__(
        self,
        settings: AISettings,
        gateway: ModelGateway,
        budget: TokenBudget,
        conversations: Conversations,
        *,
        tracker: TokenTracker = token_tracker,
    ) -> None:
        self.gateway = gateway
        self.budget = budget
        self.conversations = conversations
        self._settings = settings
        self._tracker = tracker

    async def open(self) -> None:
        """Tidy up after an earlier process and follow the models, in the running event loop."""
        await self.budget.open()
        self.gateway.open()

    async def close(self) -> None:
        """Give back what the models hold."""
        await self.gateway.close()

    @property
    def longest_question(self) -> int:
        """Tokens of a question, what is attached to it included."""
        return max(1, int(self._settings.context_tokens * SHARE_OF_QUESTION))

    async def answer(self, question: Question, draft: Draft, name_of: Callable[[int], str] = str) -> Answer:
        """Answer a question; what it costs is reserved before and settled after.

        Args:
            question: the question.
            draft: where the answer grows.
            name_of: gives the name of a user.

        Raises:
            BudgetError: too few tokens are left for the day.
            NoModelError: no model answers.
            InvalidRequestError: the model objects to this request.
        """
        request = await self._request(question, name_of)
        return await self._paid(request, question, draft)

    async def summarise(self, text: str, instruction: str, question: Question) -> Answer:
        """Have a text summarised, without any conversation.

        Args:
            text: the text; what is too long of it is left out.
            instruction: what the model is told.
            question: who pays, and in which language.

        Raises:
            BudgetError: too few tokens are left for the day.
            NoModelError: no model answers.
            InvalidRequestError: the model objects to this request.
        """
        messages = (ChatMessage(Role.SYSTEM, instruction), ChatMessage(Role.USER, self.fitting(text)))
        limit = min(SUMMARY_TOKENS, self._settings.answer_tokens)
        request = ChatRequest(messages, limit, self._settings.temperature, question.language)
        return await self._paid(request, question, Draft())

    async def _paid(self, request: ChatRequest, question: Question, draft: Draft) -> Answer:
        """Reserve what a request may cost, make it, and settle what it did cost."""
        reservation = await self.budget.reserve(
            question.user_id, question.guild_id, request.tokens + request.max_tokens
        )
        used: Usage | None = None
        try:
            answer = await self.gateway.answer(request, draft)
            used = answer.usage
        except asyncio.CancelledError:
            used = Usage(request.tokens, estimate_tokens(draft.text))
            raise
        finally:
            if used is None:
                await self.budget.release(reservation)
            else:
                self._tracker.record(question.user_id, used.input_tokens, used.output_tokens, question.channel_id)
                await self.budget.settle(reservation, used)
        return answer

    async def remember(self, question: Question, answer: Answer, message_id: int | None) -> None:
        """Keep a finished turn; what the script says in place of a model would only mislead that model later.

        Args:
            question: the question.
            answer: its answer.
            message_id: Discord's number of the message with the answer.
        """
        if answer.is_scripted and answer.is_stand_in:
            return
        asked = (question.user_id, self.fitting(question.text), question.message_id)
        await self.conversations.remember(question.channel_id, asked, (answer.text, message_id))

    async def _request(self, question: Question, name_of: Callable[[int], str]) -> ChatRequest:
        language = LANGUAGES.get(Language(question.language), question.language)
        system = ChatMessage(Role.SYSTEM, f"{self._settings.system_prompt}\nThe reader's own language is {language}.")
        asked = ChatMessage(Role.USER, self.fitting(question.text), clean_name(question.author))
        room = self._settings.context_tokens - system.tokens - asked.tokens
        before = await self.conversations.before(question.channel_id, room, name_of)
        return ChatRequest(
            (system, *before, asked), self._settings.answer_tokens, self._settings.temperature, question.language
        )

    def fitting(self, text: str) -> str:
        """Return as much of a text as fits into a question."""
        return fit_tokens(text, self.longest_question)
