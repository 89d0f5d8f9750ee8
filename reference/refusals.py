"""What people are told when they cannot have what they asked for: one kind sentence for each reason."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import discord
from discord import app_commands
from discord.ext import commands

from .utils.reliability.circuit_breaker import CircuitBreakerOpenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Answer", "Refused", "answer_to", "unwrapped"]


class Answer(NamedTuple):
    """A message to a person: its key and the values of its placeholders."""

    key: str
    values: dict[str, Any]


class Refused(commands.CheckFailure, app_commands.CheckFailure):
    """Something is refused, and the person is told why; to be raised anywhere in a command, a view or a modal.

    Args:
        key: of the message, such as `music.join_first`.
        **values: for its placeholders.
    """

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(f"{key} {values or ''}".rstrip())
        self.answer = Answer(key, values)


WRAPPERS = (
    commands.CommandInvokeError,
    commands.ConversionError,
    commands.HybridCommandError,
    app_commands.CommandInvokeError,
)


def unwrapped(error: BaseException) -> BaseException:
    """Return what really happened, out of what discord.py wraps around it."""
    while isinstance(error, WRAPPERS):
        error = error.original
    if isinstance(error, app_commands.TransformerError) and isinstance(error.__cause__, Refused):
        return error.__cause__
    return error


def answer_to(error: BaseException) -> Answer | None:
    """Return what a person is told about an error that is theirs to mend; None for one that is ours.

    Args:
        error: as `unwrapped` returns it.
    """
    if isinstance(error, Refused):
        return error.answer
    return next((answer(error) for kinds, answer in ANSWERS if isinstance(error, kinds)), None)


def _say(key: str) -> Callable[[Any], Answer]:
    return lambda _error: Answer(key, {})


def _permissions(key: str) -> Callable[[Any], Answer]:
    return lambda error: Answer(key, {"permission": _listed(error.missing_permissions)})


def _wait(error: Any) -> Answer:
    return Answer("limit.retry_after", {"count": max(1, math.ceil(error.retry_after))})


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name).replace("_", " ").replace("guild", "server") for name in names)


def _roles(key: str) -> Callable[[Any], Answer]:
    def answer(error: Any) -> Answer:
        roles = getattr(error, "missing_roles", None) or [error.missing_role]
        return Answer(key, {"role": ", ".join(f"<@&{role}>" if isinstance(role, int) else role for role in roles)})

    return answer


def _not_found(error: Any) -> Answer:
    return Answer("common.not_found", {"name": _quoted(error.argument)})


def _quoted(text: object) -> str:
    """Show what a person wrote as it was written, on one short line."""
    shown = discord.utils.escape_markdown(str(text))
    return discord.utils.escape_mentions(shown if len(shown) <= 100 else f"{shown[:99]}…")


def _missing(error: Any) -> Answer:
    return Answer("common.missing_argument", {"argument": error.param.displayed_name or error.param.name})


def _range(error: Any) -> Answer:
    return Answer("core.range", {"value": error.value, "minimum": error.minimum, "maximum": error.maximum})


def _transformer(error: Any) -> Answer:
    return Answer("core.bad_value", {"value": _quoted(error.value)})


def _literal(error: Any) -> Answer:
    choices = ", ".join(str(choice) for choice in error.literals)
    return Answer("core.choices", {"argument": error.param.name, "choices": choices})


def _union(error: Any) -> Answer:
    return Answer("core.bad_value", {"value": error.param.name})


ANSWERS: tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], Answer]], ...] = (
    ((commands.MissingPermissions, app_commands.MissingPermissions), _permissions("common.no_permission")),
    ((commands.BotMissingPermissions, app_commands.BotMissingPermissions), _permissions("common.bot_no_permission")),
    ((commands.MissingRole, commands.MissingAnyRole), _roles("core.role")),
    ((app_commands.MissingRole, app_commands.MissingAnyRole), _roles("core.role")),
    ((commands.BotMissingRole, commands.BotMissingAnyRole), _roles("core.bot_role")),
    ((commands.NoPrivateMessage, app_commands.NoPrivateMessage), _say("common.guild_only")),
    ((commands.PrivateMessageOnly,), _say("core.direct_only")),
    ((commands.NotOwner,), _say("common.owner_only")),
    ((commands.NSFWChannelRequired,), _say("core.nsfw_only")),
    ((commands.CommandOnCooldown, app_commands.CommandOnCooldown), _wait),
    ((CircuitBreakerOpenError,), _say("limit.busy")),
    ((commands.MaxConcurrencyReached,), _say("core.busy")),
    ((commands.MissingRequiredArgument, commands.MissingRequiredAttachment), _missing),
    ((commands.TooManyArguments,), _say("core.too_many")),
    ((commands.RangeError,), _range),
    ((commands.BadLiteralArgument,), _literal),
    ((commands.BadUnionArgument,), _union),
    ((commands.ObjectNotFound, commands.MemberNotFound, commands.UserNotFound), _not_found),
    ((commands.MessageNotFound, commands.ChannelNotFound, commands.ThreadNotFound), _not_found),
    ((commands.RoleNotFound, commands.EmojiNotFound, commands.GuildNotFound), _not_found),
    ((commands.ArgumentParsingError,), _say("core.quotes")),
    ((app_commands.TransformerError,), _transformer),
    ((commands.UserInputError,), _say("core.bad_input")),
    ((app_commands.CommandNotFound, app_commands.CommandSignatureMismatch), _say("core.out_of_date")),
    ((commands.DisabledCommand,), _say("core.disabled")),
    ((commands.CheckFailure, app_commands.CheckFailure), _say("core.not_allowed")),
    ((discord.Forbidden,), _say("core.forbidden")),
)
"""What is said about errors of these kinds; the first that fits holds."""
