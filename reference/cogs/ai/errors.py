"""Why there is no answer, in kinds that are treated differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "AIError",
    "BudgetError",
    "ChannelBusyError",
    "InvalidRequestError",
    "ModelError",
    "ModelRefusedError",
    "ModelUnavailableError",
    "NoModelError",
]


class AIError(Exception):
    """There is no answer."""


class ModelError(AIError):
    """A service did not answer as it should.

    Attributes:
        status: the HTTP status, None where there was none.
        retry_after: the service's `Retry-After`, as it was sent; None where there was none.
    """

    def __init__(self, sentence: str, *, status: int | None = None, retry_after: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class ModelUnavailableError(ModelError):
    """A service is away, overloaded, silent or broken: it may work at the next try."""


class ModelRefusedError(ModelError):
    """A service does not let this bot in, or does not know the model: somebody has to look after it."""


class InvalidRequestError(ModelError):
    """A service objects to this very request; it says nothing of other requests."""


class NoModelError(AIError):
    """No model answered.

    Attributes:
        retry_after: seconds after which asking again makes sense; 0.0 where nobody knows.
    """

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__("no model answered")
        self.retry_after = retry_after


class BudgetError(AIError):
    """A request would use more tokens than are left for the day.

    Attributes:
        scope: `user` or `guild`.
        used: tokens that were used or are reserved.
        limit: tokens of a day.
        renewed_at: when the next day begins.
    """

    def __init__(self, scope: str, used: int, limit: int, renewed_at: datetime) -> None:
        super().__init__(f"the {scope} has {used} of {limit} tokens in use")
        self.scope = scope
        self.used = used
        self.limit = limit
        self.renewed_at = renewed_at


class ChannelBusyError(AIError):
    """Too many questions wait in a channel.

    Attributes:
        waiting: how many wait.
    """

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} questions wait already")
        self.waiting = waiting
