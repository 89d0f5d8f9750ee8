"""Texts within nested data: where they are, and the same data with other ones there."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Place = tuple[tuple[Any, ...], bool]
"""The keys and numbers that lead to a text, or to a dictionary; and whether it is one, which may grow by a name."""


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[Place]:
    """Return the place of every text in nested data, and of every dictionary below the outermost."""
    if isinstance(data, str):
        yield at, False
    elif isinstance(data, dict):
        if at:
            yield at, True
        for key, value in data.items():
            yield from places(value, (*at, key))
    elif isinstance(data, list | tuple):
        for number, value in enumerate(data):
            yield from places(value, (*at, number))


def changed(data: Any, chosen: Collection[Place], text: str, at: tuple[Any, ...] = ()) -> Any:
    """Return nested data in which a text stands at chosen places, or is a name more in the dictionaries there."""
    if (at, False) in chosen:
        return text
    if isinstance(data, dict):
        made = copy.copy(data)
        for key, value in data.items():
            made[key] = changed(value, chosen, text, (*at, key))
        if (at, True) in chosen:
            made[text] = next(iter(made.values()), text)
        return made
    if isinstance(data, list | tuple):
        values = [changed(value, chosen, text, (*at, number)) for number, value in enumerate(data)]
        return getattr(type(data), "_make", type(data))(values)
    return data
