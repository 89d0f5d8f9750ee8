"""A model that needs no service: it follows a script, and says so. The bot answers with it where no endpoint is set."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from reference.cogs.ai.chat import Completion, Usage, estimate_tokens, fit_tokens
from reference.cogs.ai.script import reply_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference.cogs.ai.chat import ChatRequest
    from reference.cogs.ai.script import CommandHelp

__all__ = ["SCRIPTED_NAME", "ScriptedModel"]

SCRIPTED_NAME = "scripted model"

PIECE = 12
"""Characters of a piece of an answer."""


class ScriptedModel:
    """A program that answers like a model.

    Args:
        message: gives the text of a key in a language, as `get_message` does.
        commands: gives the bot's commands, described in a language.
    """

    name = SCRIPTED_NAME
    is_scripted = True

    def __init__(
        self,
        message: Callable[..., str],
        commands: Callable[[str], Sequence[CommandHelp]] = lambda _language: (),
    ) -> None:
        self._message = message
        self._commands = commands

    async def answer(self, request: ChatRequest, on_text: Callable[[str], object]) -> Completion:
        """Answer by the script; see `ChatModel.answer`."""
        whole = reply_to(request, lambda language: partial(_in, self._message, language), self._commands)
        text = fit_tokens(whole, request.max_tokens)
        for start in range(0, len(text), PIECE):
            on_text(text[start : start + PIECE])
            await asyncio.sleep(0)
        usage = Usage(request.tokens, estimate_tokens(text))
        return Completion(usage, "stop" if text == whole else "length")

    async def close(self) -> None:
        """Give nothing back: nothing is held."""


def _in(message: Callable[..., str], language: str, key: str, /, **values: object) -> str:
    return message(key, language, **values)
