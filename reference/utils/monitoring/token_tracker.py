"""How many tokens of language models are used: by user, by channel, and in all.

Users and channels are bounded in number. Over the limit those who were idle the longest, or the channels that used the
least, are forgotten; the figures of everybody together count them all the same (audit finding F21).
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import OrderedDict
from typing import Any, ClassVar

from ..timestamps import utc_text  # noqa: TID252  the package has two names
from .token_usage import Usage

__all__ = ["TokenTracker", "record_tokens", "token_tracker"]


class TokenTracker:
    """Counts tokens; safe from any thread, with a lock that is held for no await.

    Attributes:
        MAX_USERS: users that are remembered.
        MAX_CHANNELS: channels that are remembered.
    """

    MAX_USERS: ClassVar[int] = 10_000
    MAX_CHANNELS: ClassVar[int] = 5_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget_all()

    def _forget_all(self) -> None:
        self._users: OrderedDict[int, Usage] = OrderedDict()
        self._channels: dict[int, Usage] = {}
        self._all = Usage()
        self._evicted = {"users": 0, "channels": 0}

    def record(self, user_id: int, input_tokens: int, output_tokens: int, channel_id: int | None = None) -> None:
        """Count one request.

        Args:
            user_id: who asked.
            input_tokens: tokens of the prompt.
            output_tokens: tokens of the answer.
            channel_id: where; None for a direct message.

        Raises:
            ValueError: a number of tokens is negative; nothing is counted then.
        """
        if input_tokens < 0 or output_tokens < 0:
            raise ValueError(f"{min(input_tokens, output_tokens)} tokens cannot have been used")
        now = time.time()
        with self._lock:
            self._all.add(input_tokens, output_tokens, now)
            self._users.setdefault(user_id, Usage()).add(input_tokens, output_tokens, now)
            self._users.move_to_end(user_id)
            self._evict_least_recently_used_users()
            if channel_id is not None:
                self._channels.setdefault(channel_id, Usage()).add(input_tokens, output_tokens, now)
                self._evict_least_used_channels(channel_id)

    def get_user_stats(self, user_id: int) -> dict[str, Any] | None:
        """Return what a user used, in all, today and this hour; None for one who is not, or no longer, known."""
        with self._lock:
            usage = self._users.get(user_id)
            return None if usage is None else {"user_id": user_id, **_described(usage)}

    def get_channel_stats(self, channel_id: int) -> dict[str, Any] | None:
        """Return what was used in a channel, in all, today and this hour; None for one that is not known."""
        with self._lock:
            usage = self._channels.get(channel_id)
            return None if usage is None else {"channel_id": channel_id, **_described(usage)}

    def forget_user(self, user_id: int) -> bool:
        """Forget what a user used; it stays in the figures of everybody together. Tell whether anything was known."""
        with self._lock:
            return self._users.pop(user_id, None) is not None

    def get_top_users(self, limit: int = 10) -> list[dict[str, Any]]:
        """Return the users who used the most, the greatest first.

        Args:
            limit: how many at most.
        """
        with self._lock:
            top = heapq.nlargest(limit, self._users.items(), key=lambda item: item[1].total.total_tokens)
            return [{"user_id": user_id, **_described(usage)} for user_id, usage in top]

    def get_global_stats(self) -> dict[str, Any]:
        """Return what everybody together used, those who were forgotten included (audit finding F21)."""
        with self._lock:
            return {
                **_described(self._all),
                "by_day": self._all.daily(),
                "users": len(self._users),
                "channels": len(self._channels),
                "evicted": dict(self._evicted),
            }

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._forget_all()

    def _evict_least_recently_used_users(self) -> None:
        """Forget the users who were idle the longest, as many as are too many (audit finding F21)."""
        while len(self._users) > max(1, self.MAX_USERS):
            self._users.popitem(last=False)
            self._evicted["users"] += 1

    def _evict_least_used_channels(self, current: int) -> None:
        """Forget the channels that used the least, as many as are too many (audit finding F21).

        The channel that is in use stays: a new one has used the least of all, and would never be remembered.
        Among channels that used the same, the one that was idle the longest goes.
        """
        excess = len(self._channels) - max(1, self.MAX_CHANNELS)
        if excess <= 0:
            return
        others = (
            (usage.total.total_tokens, usage.last_used, key) for key, usage in self._channels.items() if key != current
        )
        for _, _, key in heapq.nsmallest(excess, others):
            del self._channels[key]
            self._evicted["channels"] += 1


def _described(usage: Usage) -> dict[str, Any]:
    now = time.time()
    times = (
        {"first_used": utc_text(usage.first_used), "last_used": utc_text(usage.last_used)} if usage.last_used else {}
    )
    return {**usage.to_dict(now), **times}


token_tracker = TokenTracker()


def record_tokens(user_id: int, input_tokens: int, output_tokens: int, channel_id: int | None = None) -> None:
    """Count one request in the bot's own tracker; arguments and errors are those of `TokenTracker.record`."""
    token_tracker.record(user_id, input_tokens, output_tokens, channel_id)
