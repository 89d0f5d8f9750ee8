"""Puts the AI chat together from the bot's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands

from reference.cogs.ai.assistant import Assistant
from reference.cogs.ai.budget import TokenBudget
from reference.cogs.ai.cog import NOTICE, AIChat
from reference.cogs.ai.conversation import Conversations
from reference.cogs.ai.gateway import ModelGateway
from reference.cogs.ai.openai_client import OpenAIModel
from reference.cogs.ai.script import CommandHelp
from reference.cogs.ai.scripted_model import ScriptedModel
from reference.utils.localization import Language, get_message, language_of
from reference.utils.reliability.rate_limiter import RateLimitConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference.bot import Bot
    from reference.cogs.ai.chat import ChatModel
    from reference.cogs.ai.config import AISettings

__all__ = ["commands_of", "load", "models_of"]

USAGE = "SELECT * FROM ai_usage WHERE scope = 'user' AND scope_id = ?"
NO_USAGE = "DELETE FROM ai_usage WHERE scope = 'user' AND scope_id = ?"


async def load(bot: Bot) -> None:
    """Add the cog, and say what it keeps about people."""
    settings, database = bot.settings.ai, bot.database
    bot.limiter.add_config(NOTICE, RateLimitConfig(1, 10.0, silent=True))
    gateway = ModelGateway(models_of(settings, bot), settings, limiter=bot.limiter, alert=bot.alert)
    budget = TokenBudget(database, user_limit=settings.user_tokens_per_day, guild_limit=settings.guild_tokens_per_day)
    conversations = Conversations(database, settings.context_tokens)
    assistant = Assistant(settings, gateway, budget, conversations, tracker=bot.tokens)
    bot.privacy.register("ai_history", database.get_ai_messages_of, database.forget_ai_user, tables={"ai_history"})
    bot.privacy.register_rows("ai_usage", USAGE, NO_USAGE, tables={"ai_usage", "ai_reservation"})
    await bot.add_cog(AIChat(bot, assistant))


def models_of(settings: AISettings, bot: Bot) -> list[tuple[str, ChatModel]]:
    """Return the models that the settings name, from the best to the least, with their places."""
    models: list[tuple[str, ChatModel]] = [
        (
            place,
            OpenAIModel(endpoint, connect_seconds=settings.connect_seconds, stall_seconds=settings.stall_seconds),
        )
        for place, endpoint in (("endpoint", settings.endpoint), ("fallback", settings.fallback))
        if endpoint is not None
    ]
    if not models or settings.scripted_fallback:
        models.append(("scripted", ScriptedModel(get_message, lambda language: commands_of(bot, language))))
    return models


def commands_of(bot: Bot, language: str) -> Sequence[CommandHelp]:
    """Return the bot's slash commands as people of a language see them."""
    table = bot.texts.tables.get(language_of(language), {}) if language_of(language) is not Language.ENGLISH else {}
    return [
        CommandHelp(
            "/" + " ".join(_names(command, table)),
            table.get(f"{command.qualified_name}.description", command.description),
        )
        for command in _leaves(bot.tree.get_commands())
    ]


def _leaves(commands: Sequence[object]) -> Iterator[app_commands.Command[AIChat, ..., object]]:
    for command in commands:
        if isinstance(command, app_commands.Group):
            yield from _leaves(command.commands)
        elif isinstance(command, app_commands.Command):
            yield command


def _names(command: app_commands.Command[AIChat, ..., object], table: dict[str, str]) -> list[str]:
    """Return the names of the groups of a command and its own."""
    words = command.qualified_name.split()
    paths = [" ".join(words[: place + 1]) for place in range(len(words))]
    return [table.get(f"{path}.name", word) for path, word in zip(paths, words, strict=True)]
