"""discord.py's decorators for hybrid commands, with types that a type checker can follow.

discord.py types them by a union of generic callables, for which mypy finds no solution. These are the same decorators.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

from discord.ext import commands

__all__ = ["hybrid_command", "hybrid_group", "subcommand"]

Callback = Callable[..., Coroutine[Any, Any, Any]]
Command = commands.HybridCommand[Any, ..., Any]
Group = commands.HybridGroup[Any, ..., Any]


def hybrid_command(**options: Any) -> Callable[[Callback], Command]:
    """Make a method a slash command and a text command.

    Args:
        **options: as for `discord.ext.commands.hybrid_command`.
    """
    return cast("Callable[[Callback], Command]", commands.hybrid_command(**options))


def hybrid_group(**options: Any) -> Callable[[Callback], Group]:
    """Make a method the head of a group of commands.

    Args:
        **options: as for `discord.ext.commands.hybrid_group`.
    """
    return cast("Callable[[Callback], Group]", commands.hybrid_group(**options))


def subcommand(group: Group, **options: Any) -> Callable[[Callback], Command]:
    """Make a method a command of a group.

    Args:
        group: the group.
        **options: as for `discord.ext.commands.HybridGroup.command`.
    """
    return cast("Callable[[Callback], Command]", group.command(**options))
