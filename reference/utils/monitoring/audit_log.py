"""The audit log: who did what to whom, kept so that a change of the past shows.

    stored = await audit.log_action("ban", actor_id=moderator.id, guild_id=guild.id, target_id=user.id, reason=text)

True means that the entry is on the disk. Entries are chained by their hashes, with an anchor that tells where the chain
ends (`hash_chain`); `verify` finds edits and a missing end. Secrets in the details are taken out.

It is a file of its own, for what must hold against somebody who can write to the bot's files: with ``AUDIT_LOG_KEY``
the chain cannot be made anew, and with an anchor elsewhere its end cannot be cut off unnoticed. What moderators look up
guild by guild belongs to `Database.log_audit`, which keeps it in the bot's database.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..fast_json import json_dumps  # noqa: TID252  the package has two names
from .audit_store import AuditStore, AuditStoreError
from .redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..hash_chain import Anchor, Entry, Verification  # noqa: TID252  the package has two names

__all__ = ["AuditLogger", "audit"]

logger = logging.getLogger(__name__)

FILE_VARIABLE = "AUDIT_LOG_FILE"
ANCHOR_VARIABLE = "AUDIT_LOG_ANCHOR"
KEY_VARIABLE = "AUDIT_LOG_KEY"
DEFAULT_FILE = Path("data") / "audit.db"


class AuditLogger:
    """Writes and reads the audit log.

    Args:
        store: where it is kept; None for the file that ``AUDIT_LOG_FILE`` names (``data/audit.db`` by default), with
            the anchor at ``AUDIT_LOG_ANCHOR`` and the key of ``AUDIT_LOG_KEY``, looked at with the first use.
    """

    def __init__(self, store: AuditStore | None = None) -> None:
        self._store = store
        self._lock = threading.Lock()

    @property
    def store(self) -> AuditStore:
        """Where the log is kept."""
        with self._lock:
            if self._store is None:
                path = Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)
                key = os.environ.get(KEY_VARIABLE, "").encode("utf-8")
                self._store = AuditStore(path, os.environ.get(ANCHOR_VARIABLE) or None, key)
            return self._store

    async def log_action(
        self,
        action: str,
        actor_id: int | None = None,
        guild_id: int | None = None,
        target_id: int | None = None,
        details: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> bool:
        """Store an action.

        Args:
            action: what was done, such as ``ban``.
            actor_id: who did it.
            guild_id: where.
            target_id: to whom, or to what.
            details: anything else that JSON can hold.
            **more: further details.

        Returns:
            Whether the entry is on the disk; where it is not, the reason is logged.
        """
        try:
            return await asyncio.to_thread(self.log_action_sync, action, actor_id, guild_id, target_id, details, **more)
        except RuntimeError as error:
            logger.error("an action was not written to the audit log: %s", error)  # noqa: TRY400  the sentence says it all
            return False

    def log_action_sync(
        self,
        action: str,
        actor_id: int | None = None,
        guild_id: int | None = None,
        target_id: int | None = None,
        details: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> bool:
        """Store an action from a thread; arguments and result are those of `log_action`."""
        try:
            content = redact({**(details or {}), **more})
            body = json_dumps(
                {
                    "action": action,
                    "actor_id": actor_id,
                    "guild_id": guild_id,
                    "target_id": target_id,
                    "details": content,
                },
                ensure_ascii=True,
                default=str,
            )
            self.store.append(body)
        except (AuditStoreError, sqlite3.Error, OSError, ValueError, TypeError) as error:
            text = "an action was not written to the audit log: %s: %s"
            logger.error(text, type(error).__name__, error)  # noqa: TRY400  the sentence says it all
            return False
        return True

    async def get_recent_actions(
        self, limit: int = 50, *, guild_id: int | None = None, action: str | None = None, actor_id: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the newest actions, the newest first.

        Args:
            limit: how many at most.
            guild_id: of this server alone.
            action: of this kind alone.
            actor_id: of this person alone.

        Raises:
            sqlite3.Error: the log cannot be read.
        """
        wanted = {"guild_id": guild_id, "action": action, "actor_id": actor_id}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        return await asyncio.to_thread(self._recent, max(0, limit), chosen)

    async def verify(self, expected: Anchor | None = None) -> Verification:
        """Check the whole log: that no entry was edited, removed or put in, and that its end is there.

        Args:
            expected: an anchor that was kept elsewhere.
        """
        return await asyncio.to_thread(self.store.verify, expected)

    def _recent(self, limit: int, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        if not wanted:
            return [_as_dict(entry) for entry in self.store.recent(limit)]
        found: list[dict[str, Any]] = []
        for entry in self.store.walk() if limit else ():
            action = _as_dict(entry)
            if all(action.get(name) == value for name, value in wanted.items()):
                found.append(action)
                if len(found) == limit:
                    break
        return found


def _as_dict(entry: Entry) -> dict[str, Any]:
    try:
        body = json.loads(entry.body)
    except ValueError:
        body = None
    content = body if isinstance(body, dict) else {"action": "unreadable", "details": {"body": entry.body}}
    return {"number": entry.number, "timestamp": entry.at, **content}


audit = AuditLogger()
