"""What people think of the bot's answers, told by the reactions under them.

Each person has one voice for a message: the last reaction counts, and taking it away takes the voice away. The bot's
own reactions, and those under messages that are not tracked, say nothing. Messages are bounded in number and age; what
was said of a message that is no longer tracked stays in the totals.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["FeedbackCollector", "FeedbackType", "feedback_collector"]

MOST_MESSAGES = 10_000
"""Messages that are tracked at a time."""

LONGEST_AGE = 7 * 24 * 3600.0
"""Seconds for which a message is tracked."""


class FeedbackType(StrEnum):
    """What a reaction says."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    LOVE = "love"
    FUNNY = "funny"
    CONFUSED = "confused"


MEANINGS = {
    FeedbackType.POSITIVE: "👍 ✅ 👌 💯 🙏 ⭐",
    FeedbackType.NEGATIVE: "👎 ❌ 😠 😡 💩",
    FeedbackType.LOVE: "❤ 😍 🥰 💖 💕",
    FeedbackType.FUNNY: "😂 🤣 😆 😄",
    FeedbackType.CONFUSED: "😕 🤔 ❓ ⁉",
}
_BY_EMOJI = {emoji: kind for kind, emojis in MEANINGS.items() for emoji in emojis.split()}
_GOOD = frozenset({FeedbackType.POSITIVE, FeedbackType.LOVE, FeedbackType.FUNNY})
_VARIATIONS = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])
"""Marks that choose a picture or a skin colour and change no meaning."""


@dataclass(slots=True)
class _Tracked:
    at: float
    author_id: int | None
    channel_id: int | None
    voices: dict[int, tuple[str, FeedbackType]] = field(default_factory=dict)


class FeedbackCollector:
    """Collects the reactions to tracked messages; safe from any thread.

    Args:
        most: messages that are tracked at a time.
        longest_age: seconds for which a message is tracked.
    """

    def __init__(self, most: int = MOST_MESSAGES, longest_age: float = LONGEST_AGE) -> None:
        self._most = max(1, most)
        self._longest_age = longest_age
        self._lock = threading.Lock()
        self._messages: OrderedDict[int, _Tracked] = OrderedDict()
        self._totals: Counter[FeedbackType] = Counter()
        self._tracked_ever = 0

    def track_message(self, message_id: int, user_id: int | None = None, channel_id: int | None = None) -> None:
        """Await reactions to an answer of the bot.

        Args:
            message_id: of the answer.
            user_id: whom it answers.
            channel_id: where.
        """
        with self._lock:
            self._forget_old(time.monotonic())
            if message_id not in self._messages:
                self._messages[message_id] = _Tracked(time.monotonic(), user_id, channel_id)
                self._tracked_ever += 1
                while len(self._messages) > self._most:
                    self._messages.popitem(last=False)

    def process_reaction(
        self, message_id: int, user_id: int, emoji: object, *, added: bool = True, is_bot: bool = False
    ) -> FeedbackType | None:
        """Take a reaction, or its removal, into account.

        Args:
            message_id: what was reacted to.
            user_id: who reacted.
            emoji: the emoji; its text counts.
            added: False where a reaction was taken away.
            is_bot: whether a bot reacted, which says nothing.

        Returns:
            What the reaction says; None where it changed nothing.
        """
        text = str(emoji).translate(_VARIATIONS)
        kind = _BY_EMOJI.get(text)
        with self._lock:
            self._forget_old(time.monotonic())
            tracked = self._messages.get(message_id)
            if tracked is None or kind is None or is_bot:
                return None
            return self._add(tracked, user_id, text, kind) if added else self._remove(tracked, user_id, text)

    def get_stats(self) -> dict[str, Any]:
        """Return how often each thing was said, and the share of good voices (None while nobody said anything)."""
        with self._lock:
            self._forget_old(time.monotonic())
            total = self._totals.total()
            good = sum(self._totals[kind] for kind in _GOOD)
            bad = self._totals[FeedbackType.NEGATIVE]
            return {
                "total": total,
                "by_type": {kind.value: self._totals[kind] for kind in FeedbackType},
                "satisfaction": good / (good + bad) if good + bad else None,
                "tracked_messages": len(self._messages),
                "tracked_ever": self._tracked_ever,
            }

    def get_message_feedback(self, message_id: int) -> dict[str, int]:
        """Return what was said of one message; nothing for one that is not tracked."""
        with self._lock:
            tracked = self._messages.get(message_id)
            return dict(Counter(kind.value for _, kind in tracked.voices.values())) if tracked else {}

    def voices_of(self, user_id: int) -> list[dict[str, Any]]:
        """Return what a person said of the messages that are tracked, and which of them answer this person."""
        with self._lock:
            return [
                {"message_id": message_id, "channel_id": tracked.channel_id, "said": voice[1].value if voice else None}
                for message_id, tracked in self._messages.items()
                if (voice := tracked.voices.get(user_id)) or tracked.author_id == user_id
            ]

    def forget_user(self, user_id: int) -> int:
        """Forget what a person said, and that messages answer this person; return of how many messages.

        The totals keep what was said, for they name nobody.
        """
        with self._lock:
            count = 0
            for tracked in self._messages.values():
                said = tracked.voices.pop(user_id, None)
                count += said is not None or tracked.author_id == user_id
                if tracked.author_id == user_id:
                    tracked.author_id = None
            return count

    def _add(self, tracked: _Tracked, user_id: int, text: str, kind: FeedbackType) -> FeedbackType | None:
        before = tracked.voices.get(user_id)
        if before == (text, kind):
            return None
        if before is not None:
            self._totals[before[1]] -= 1
        tracked.voices[user_id] = (text, kind)
        self._totals[kind] += 1
        return kind

    def _remove(self, tracked: _Tracked, user_id: int, text: str) -> FeedbackType | None:
        before = tracked.voices.get(user_id)
        if before is None or before[0] != text:
            return None
        del tracked.voices[user_id]
        self._totals[before[1]] -= 1
        return before[1]

    def _forget_old(self, now: float) -> None:
        while self._messages:
            message_id, oldest = next(iter(self._messages.items()))
            if now - oldest.at <= self._longest_age:
                return
            del self._messages[message_id]


feedback_collector = FeedbackCollector()
