"""One process for one folder of data: who else runs there is named, and never ended without being asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .utils.reliability.instance_lock import InstanceLock
from .utils.reliability.self_healer import SelfHealer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["OneProcess"]


class OneProcess(SelfHealer):
    """Keeps a folder of data to one process; other folders' processes of this bot are none of its business.

    Args:
        lock: the file that says who runs.
    """

    def __init__(self, lock: Path) -> None:
        super().__init__("python -m reference")
        self._lock = InstanceLock(lock)

    def find_all_bot_processes(self) -> list[dict[str, Any]]:
        """List the process that holds the lock, if it is this bot."""
        holder = self._lock.holder().get("pid")
        return [info for info in super().find_all_bot_processes() if info["pid"] == holder]

    def claim(self, ask: Callable[[str], bool]) -> tuple[bool, str]:
        """Become the one process.

        Args:
            ask: called with a question, where another process runs; returns whether it may be ended.

        Returns:
            Whether that worked, and a sentence that says why.
        """
        claimed, why = self.ensure_single_instance(kill_existing=False)
        if claimed or not self.find_all_bot_processes():
            return claimed, why
        if not ask(f"{why[:1].upper()}{why[1:]}. End it, in order?"):
            return False, why
        return self.ensure_single_instance(kill_existing=True)
