"""What no person can do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from localdiscord.errors import DiscordError, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HumanlyImpossibleError", "humanly"]


class HumanlyImpossibleError(Exception):
    """Something that no person could do in Discord's client.

    Args:
        sentence: what, and why not.
        refusal: what Discord's servers would say to it, where that was the reason.
    """

    def __init__(self, sentence: str, refusal: Refusal | None = None) -> None:
        super().__init__(sentence)
        self.refusal = refusal


@contextlib.contextmanager
def humanly(doing: str) -> Iterator[None]:
    """Turn Discord's refusals into what its client would not offer.

    Args:
        doing: who does what, for the sentence: "Carol cannot write in #general".

    Raises:
        HumanlyImpossibleError: the body was refused.
    """
    try:
        yield
    except DiscordError as error:
        raise HumanlyImpossibleError(f"{doing}: {error}", error.refusal) from error
