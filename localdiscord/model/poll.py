"""Polls in messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Poll"]


@dataclass
class Poll:
    """A poll.

    Attributes:
        answers: what each answer says, as Discord writes it; their ids count from 1.
        votes: who voted for each answer, by its id.
    """

    question: str
    answers: list[dict[str, Any]]
    expiry: datetime
    multiple: bool = False
    layout: int = 1
    finalized: bool = False
    votes: dict[int, dict[int, None]] = field(default_factory=dict)

    def payload(self, viewer: int | None = None) -> dict[str, Any]:
        """Return the poll as Discord writes it.

        Args:
            viewer: the user who is told which votes are theirs.
        """
        counts = [
            {"id": answer, "count": len(users), "me_voted": viewer in users} for answer, users in self.votes.items()
        ]
        return {
            "question": {"text": self.question},
            "answers": [
                {"answer_id": number, "poll_media": media} for number, media in enumerate(self.answers, start=1)
            ],
            "expiry": iso(self.expiry),
            "allow_multiselect": self.multiple,
            "layout_type": self.layout,
            "results": {"is_finalized": self.finalized, "answer_counts": counts},
        }
