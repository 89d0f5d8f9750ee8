"""Settings of music, a part of the bot's settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MusicSettings"]


class MusicSettings(BaseModel):
    """How music works.

    Attributes:
        searches_web: whether words that no file answers to are searched for with yt-dlp; None for: where there is a
            token, so that a bot on a local Discord asks nobody outside of this machine for words.
        queue_limit: tracks that may wait in a guild.
        user_limit: tracks of one person among them.
        upload_bytes: the largest attachment that is played.
        save_seconds: how much music lies between two saves of the position.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    searches_web: bool | None = None
    queue_limit: Annotated[int, Field(ge=1, le=1000)] = 200
    user_limit: Annotated[int, Field(ge=1, le=1000)] = 50
    upload_bytes: Annotated[int, Field(ge=1, le=100 * 2**20)] = 25 * 2**20
    save_seconds: Annotated[float, Field(ge=0.02, le=60)] = 5.0
