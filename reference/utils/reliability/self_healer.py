"""One bot, one process: finds this very bot, ends its duplicates, holds the single-instance lock."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import psutil

from .instance_lock import InstanceLock
from .process_table import GONE_OR_HIDDEN, BotIdentity, end_process, is_worker_of

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

BOT_ROOT = Path(__file__).resolve().parents[2]
"""The folder that contains ``utils``: the bot that this module belongs to starts from a file in it."""

PID_FILE = BOT_ROOT / "data" / "bot.pid"
PATIENCE = 5.0
"""Seconds that a process is given to end when it was asked to, and again when it was forced."""

SAME_START = 1.0
"""Seconds by which two readings of one start time may differ; a PID is not given out twice as fast."""

LOCK_POLL = 0.02


class SelfHealer:
    """Keeps this bot, the one whose tree this module lies in, to one process.

    Attributes:
        caller_script: who asks, for the log.
        identity: what makes a process this bot.
        PID_FILE: the lock file; its text names the process that holds the lock.
    """

    PID_FILE: ClassVar[Path | str] = PID_FILE

    def __init__(self, caller_script: str = "unknown") -> None:
        self.caller_script = caller_script
        self.identity = BotIdentity(BOT_ROOT)
        self.patience = PATIENCE
        self._lock = InstanceLock(Path(self.PID_FILE))

    def find_all_bot_processes(self) -> list[dict[str, Any]]:
        """List the running processes of this bot, the oldest first, the calling process included if it is one.

        Audit finding F12: a process counts if it is a Python interpreter that runs this folder's ``bot.py``
        (or package), with every path resolved where that process runs. What its command line merely mentions,
        and other projects' files of that name, do not count.

        Returns:
            One dict a process: ``pid``, ``cmdline`` (list of arguments), ``create_time`` (seconds since the
            epoch) and ``process`` (a ``psutil.Process`` that tells a re-used PID from the process found).
        """
        return [info for process in self.identity.processes() if (info := _described(process))]

    def diagnose(self) -> dict[str, Any]:
        """Describe the state of this bot's processes, changing nothing.

        Returns:
            ``caller``, ``pid`` (of the calling process), ``processes`` (as found), ``duplicates`` (PIDs beyond the
            oldest), ``lock_file``, ``lock_holder`` (what the file says), ``stale`` (the file names a process that
            is gone or that is somebody else), ``problems`` (sentences) and ``healthy``.
        """
        found = self.find_all_bot_processes()
        holder = self._lock.holder()
        stale = bool(holder) and self._process_of(holder) is None
        problems = [f"process {info['pid']} runs beside process {found[0]['pid']}" for info in found[1:]]
        if stale:
            problems.append(f"{self._lock.path.name} names process {holder.get('pid')}, which is not this bot any more")
        return {
            "caller": self.caller_script,
            "pid": os.getpid(),
            "processes": found,
            "duplicates": [info["pid"] for info in found[1:]],
            "lock_file": str(self._lock.path),
            "lock_holder": holder,
            "stale": stale,
            "problems": problems,
            "healthy": not problems,
        }

    def kill_process(self, pid: int, force: bool = False) -> bool:
        """End one process of this bot, gently; any other process is refused.

        Args:
            pid: the process; looked up anew, and checked against its start time again as it is signalled.
            force: kill it if it does not end by itself within the patience (``patience`` seconds).

        Returns:
            Whether the process is gone; False also for a stranger, and for the calling process.
        """
        for info in self.find_all_bot_processes():
            if info["pid"] == pid:
                return self._end(info["process"], force=force)
        logger.warning("%s: process %s is not this bot, and is left alone", self.caller_script, pid)
        return False

    def kill_duplicate_bots(self, keep_newest: bool = False) -> list[int]:
        """End all processes of this bot but one, by force where they do not end gently.

        Args:
            keep_newest: keep the process that started last, not the one that started first.

        Returns:
            The PIDs of the processes that ended. The calling process never ends itself, nor a worker that it forked.
        """
        found = self.find_all_bot_processes()
        duplicates = found[:-1] if keep_newest else found[1:]
        return self._end_all(duplicates)

    def ensure_single_instance(self, kill_existing: bool = True) -> tuple[bool, str]:
        """Take the lock that one process of this bot holds at a time, until ``release`` or the end of the process.

        The operating system frees the lock when its holder dies, so a stale file never stands in the way, and
        what such a file says never leads to a kill.

        Args:
            kill_existing: the permission to end another process of this bot first, gently, then by force.

        Returns:
            Whether this is the only instance now, and a sentence that says why.
        """
        try:
            if not self._acquire() and (verdict := self._unseat(kill_existing)):
                return verdict
        except OSError as error:
            return False, f"{self._lock.path} cannot be locked: {error.strerror or error}"
        return self._clear_others(kill_existing)

    def release(self) -> None:
        """Give the single-instance lock back; harmless where it is not held."""
        self._lock.release()

    def _acquire(self) -> bool:
        own = psutil.Process()
        return self._lock.acquire(pid=own.pid, create_time=own.create_time(), caller=self.caller_script)

    def _unseat(self, kill_existing: bool) -> tuple[bool, str] | None:
        """Deal with the holder of the lock; None once the lock is ours."""
        holder = self._lock.holder()
        name = holder.get("pid", "of unknown number")
        if (process := self._process_of(holder)) and process.pid == os.getpid():
            return True, f"this process, {name}, holds the lock already"
        if not kill_existing:
            return False, f"another instance is running: process {name}"
        self._end_all(self._others())
        if self._process_of(holder) is not None or not self._acquired_in_time():
            return False, f"another instance, process {name}, holds the lock and could not be ended"
        return None

    def _acquired_in_time(self) -> bool:
        """Take the lock of a process that has just ended; the system may need a moment to free it."""
        deadline = time.monotonic() + self.patience
        while not self._acquire():
            if time.monotonic() > deadline:
                return False
            time.sleep(LOCK_POLL)
        return True

    def _clear_others(self, kill_existing: bool) -> tuple[bool, str]:
        """Deal with processes of this bot that hold no lock, such as those of an older version."""
        others = self._others()
        if kill_existing:
            ended = self._end_all(others)
            others = [info for info in others if info["pid"] not in ended]
        if others:
            self.release()
            return False, f"another instance is running: process {', '.join(str(info['pid']) for info in others)}"
        return True, f"process {os.getpid()} is the only instance"

    def _others(self) -> list[dict[str, Any]]:
        return [info for info in self.find_all_bot_processes() if not _is_own(info["process"])]

    def _end_all(self, found: Iterable[dict[str, Any]]) -> list[int]:
        return [info["pid"] for info in found if self._end(info["process"], force=True)]

    def _process_of(self, holder: dict[str, Any]) -> psutil.Process | None:
        """Return the process that wrote the lock file, if it still runs: PID and start time must agree (F12)."""
        pid, started = holder.get("pid"), holder.get("create_time")
        if not isinstance(pid, int) or not isinstance(started, int | float):
            return None
        try:
            process = psutil.Process(pid)
            return process if abs(process.create_time() - started) <= SAME_START else None
        except (*GONE_OR_HIDDEN, ValueError):
            return None

    def _end(self, process: psutil.Process, *, force: bool) -> bool:
        if _is_own(process):
            return False
        ended = end_process(process, force=force, patience=self.patience)
        outcome = "was ended" if ended else "could not be ended"
        logger.warning("%s: process %s of this bot %s", self.caller_script, process.pid, outcome)
        return ended


def _is_own(process: psutil.Process) -> bool:
    """Tell whether a process is the calling one or a part of it."""
    return process.pid == os.getpid() or is_worker_of(process, psutil.Process())


def _described(process: psutil.Process) -> dict[str, Any] | None:
    """Describe a process; None if it ended meanwhile."""
    try:
        return {
            "pid": process.pid,
            "cmdline": process.cmdline(),
            "create_time": process.create_time(),
            "process": process,
        }
    except GONE_OR_HIDDEN:
        return None
