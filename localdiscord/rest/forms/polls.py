"""Polls, as bodies describe them."""

from typing import Annotated, Any

from pydantic import model_validator

from localdiscord.rest.forms.fields import REQUIRED, Flag, Form, Snowflake, choice, filled, length, refuse, within

__all__ = ["EmojiForm", "PollForm"]

LONGEST_POLL = 24 * 32
"""Hours."""


class EmojiForm(Form):
    """An emoji: one of a guild by id, or a character by name."""

    id: Snowflake | None = None
    name: str | None = None
    animated: Flag = False

    def payload(self) -> dict[str, Any]:
        """Return the emoji as messages show it."""
        body: dict[str, Any] = {"id": str(self.id) if self.id else None, "name": self.name}
        return body | {"animated": True} if self.animated else body


class Question(Form):
    """What a poll asks."""

    text: Annotated[str, filled(300)]


class PollMedia(Form):
    """What an answer of a poll says."""

    text: Annotated[str, filled(55)] | None = None
    emoji: EmojiForm | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "PollMedia":
        if not self.text and self.emoji is None:
            raise refuse(*REQUIRED)
        return self


class PollAnswer(Form):
    """An answer that a poll offers."""

    poll_media: PollMedia


class PollForm(Form):
    """A new poll."""

    question: Question
    answers: Annotated[list[PollAnswer], length(1, 10)]
    duration: Annotated[int, within(1, LONGEST_POLL)] = 24
    allow_multiselect: Flag = False
    layout_type: Annotated[int, choice(1)] = 1
