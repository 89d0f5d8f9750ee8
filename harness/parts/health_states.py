"""Two states of a bot that share no figure, what a health page shows of them, and services that come and go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.parts.bot import ModelCog, guild

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.parts.health import Answer

OLD, NEW = "OldHalf", "NewHalf"
MEMBERS = {OLD: 314159, NEW: 271828}
MARKS = tuple(f"{half}{what}" for half in (OLD, NEW) for what in ("Cog", "Bot")) + tuple(map(str, MEMBERS.values()))
"""Words that a page shows of one state only."""


def figures(half: str) -> dict[str, Any]:
    """Return everything that a bot says of itself when it is wholly in one of the two states."""
    cogs = {f"{half}Cog": ModelCog()}
    return {"cogs": cogs, "guilds": [guild(MEMBERS[half])], "user": f"{half}Bot", "ready": half == OLD}


def seen(answer: Answer, marks: tuple[str, ...] = MARKS) -> tuple[int, object, tuple[str, ...]]:
    """Reduce an answer to what must belong together: the HTTP code, the word in the JSON, the figures it shows."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    bare = answer.body.replace(",", "").replace("\N{THIN SPACE}", "").replace("\N{NO-BREAK SPACE}", "")
    return answer.code, told.get("status") if isinstance(told, dict) else None, tuple(m for m in marks if m in bare)


def describe(path: str, got: object, told: dict[str, Any]) -> str:
    """Say in one line that an answer belongs to neither state."""
    return f"GET {path} told of a state that never was, {got}; the bot was in {told[OLD]} and then in {told[NEW]}"


class Board:
    """The services of a tree's health data; where it keeps none that this understands, nothing is done."""

    def __init__(self, health_api: Any, page: Callable[[], Answer]) -> None:
        """Find out how a service is reported, by asking for a page."""
        self._services = health_api.health_data.service_health
        self._value = next((value for value in self._possible() if self._shows(value, page)), None)
        if self._value is None:
            self.clear()

    def _possible(self) -> list[Any]:
        if not hasattr(self._services, "items") or not hasattr(self._services, "pop"):
            return []
        kept = list(self._services.values())[:1]
        return [*kept, True, "healthy", {"status": "healthy", "healthy": True, "available": True}]

    def _shows(self, value: object, page: Callable[[], Answer]) -> bool:
        self._services["service-a"] = value
        return page().code in {200, 503}

    def put(self, *, here: bool) -> bool:
        """Make a service report, or cease to."""
        if self._value is not None and here:
            self._services["service-b"] = self._value
        elif self._value is not None:
            self._services.pop("service-b", None)
        return True

    def told(self, answer: Answer) -> tuple[bool, tuple[str, ...]]:
        """Reduce an answer to whether it is one, and to the services it names."""
        return answer.code in {200, 503}, seen(answer, ("service-a", "service-b"))[2]

    def clear(self) -> None:
        """Remove what was put there."""
        for name in ("service-a", "service-b"):
            getattr(self._services, "pop", lambda *_: None)(name, None)
