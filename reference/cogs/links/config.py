"""Settings of the link reader, a part of the bot's settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LinksSettings"]


class LinksSettings(BaseModel):
    """How links are read.

    Attributes:
        most: links of one message that are read.
        seconds: how long a page may take.
        requests: messages with links that one person gets read within the window.
        window_seconds: the window.
        summary_characters: how long a summary may be.
        ai_summary: whether a language model summarises, where one is connected; it costs the sender's tokens.
        remembered_seconds: for how long a page is not fetched again, and not summarised in the same channel again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    most: Annotated[int, Field(ge=1, le=10)] = 3
    seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    requests: Annotated[int, Field(ge=1)] = 5
    window_seconds: Annotated[float, Field(gt=0)] = 60.0
    summary_characters: Annotated[int, Field(ge=50, le=3000)] = 600
    ai_summary: bool = False
    remembered_seconds: Annotated[float, Field(gt=0)] = 300.0
