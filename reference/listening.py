"""Listeners that are called only for what concerns them.

discord.py makes a task for each listener of each event, which for most messages does nothing but look and leave. A
listener that says beforehand what concerns it costs such a message no task:

    @commands.Cog.listener()
    @concerns(lambda cog, message: bool(message.attachments))
    async def on_message(self, message: discord.Message) -> None: ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["concerned", "concerns"]

CONCERNS = "__concerns__"

F = TypeVar("F")


def concerns(look: Callable[..., bool]) -> Callable[[F], F]:
    """Have a listener called only where something concerns it.

    Args:
        look: called with the cog and the event's arguments; it is quick and awaits nothing. It may say yes too often,
            since the listener looks again; and it may do by itself what is done at once, and then say no.
    """

    def decorate(listener: F) -> F:
        setattr(listener, CONCERNS, look)
        return listener

    return decorate


def concerned(listener: Any, *arguments: Any) -> bool:
    """Tell whether an event concerns a listener; it does where the listener says nothing.

    Args:
        listener: a function or a method of a cog.
        *arguments: of the event.
    """
    look = getattr(listener, CONCERNS, None)
    return look is None or look(listener.__self__, *arguments)
