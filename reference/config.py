"""The bot's settings: typed, checked, from the environment and a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

__all__ = ["Settings"]


class Settings(BaseModel):
    """What an operator decides.

    Attributes:
        token: the bot's token on Discord; a secret, never shown.
        data: the folder of everything the bot keeps.
        prefix: what begins a text command where a guild chose nothing else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr | None = None
    data: Path = Path("data")
    prefix: str = "!"
