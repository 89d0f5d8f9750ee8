"""Limits on Discord commands: a decorator for coroutines whose arguments hold a command context or an interaction.

It tells both kinds by what they offer, so that nothing of discord.py has to be imported to use it.
"""

from __future__ import annotations

import functools
import logging
import math
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from .rate_limiter import RateLimiter

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SHORTEST_NOTICE = 3.0
"""Seconds, at least, that a public refusal stays in its channel."""


class Caller(NamedTuple):
    """Who called a command, and where."""

    user_id: int | None
    channel_id: int | None
    guild_id: int | None


def limit_command(
    limiter: RateLimiter, names: tuple[str, ...]
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T | None]]]:
    """Make a decorator that lets a command run if all limits ``names`` have room, and spends from all or none.

    A refused command does not run and returns None; its caller is told, unless the limit is silent.
    """

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T | None]]:
        @functools.wraps(function)
        async def limited(*args: P.args, **kwargs: P.kwargs) -> T | None:
            source = find_source((*args, *kwargs.values()))
            allowed, retry_after, message = await limiter.check_all(names, **describe(source)._asdict())
            if allowed:
                return await function(*args, **kwargs)
            if message is not None:
                await tell(source, message, retry_after)
            return None

        return limited

    return decorate


def find_source(arguments: tuple[object, ...]) -> Any:
    """Return the context or interaction among a command's arguments.

    Raises:
        TypeError: there is none.
    """
    for argument in arguments:
        if _is_interaction(argument) or (hasattr(argument, "author") and hasattr(argument, "channel")):
            return argument
    raise TypeError("a limited command needs a context, an interaction or a message among its arguments")


def describe(source: Any) -> Caller:
    """Tell who is behind a context, an interaction or a message."""
    user = source.user if _is_interaction(source) else source.author
    return Caller(user.id, _id(source, "channel"), _id(source, "guild"))


async def tell(source: Any, message: str, retry_after: float) -> None:
    """Answer a refused caller: for their eyes only where Discord can, else for as long as the refusal lasts.

    What Discord objects to is logged: a refusal that cannot be told is still a refusal.
    """
    try:
        if not _is_interaction(source):
            reply = source.reply if hasattr(source, "reply") else source.send
            await reply(message, delete_after=max(SHORTEST_NOTICE, math.ceil(retry_after)), mention_author=False)
        elif source.response.is_done():
            await source.followup.send(message, ephemeral=True)
        else:
            await source.response.send_message(message, ephemeral=True)
    except Exception:
        logger.warning("a refused caller could not be told", exc_info=True)


def _is_interaction(source: object) -> bool:
    return hasattr(source, "response") and hasattr(source, "followup") and hasattr(source, "user")


def _id(source: Any, kind: str) -> int | None:
    number = getattr(source, f"{kind}_id", None)
    if number is None:
        number = getattr(getattr(source, kind, None), "id", None)
    return number
