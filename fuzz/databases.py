"""A tree's database under a schedule: a small pool, and its threads' work done in steps of the schedule."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from harness.parts.database import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fuzz.schedule import ScheduledLoop
    from harness.subject import Subject


def small(subject: Subject, path: str, slots: int) -> Any:
    """Return a database that was never used; its pool has ``slots`` slots where the tree's pool can be told so."""
    database = fresh(subject.database.database, Path(path))
    database.db_path = path
    pool = getattr(database, "_pool", None)
    if pool is not None and hasattr(pool, "_path"):
        database._pool = type(pool)(pool._path, slots)
    return database


@contextlib.contextmanager
def hops_of(subject: Subject, loop: ScheduledLoop) -> Iterator[None]:
    """Do what the tree's database threads would do in steps of the schedule.

    The reference sends each unit of work to a crew of threads; the crew is the only place where a thread is woken, so
    a step is exactly what such a thread does before it sleeps again. A tree whose threads are made elsewhere keeps
    them; the loop then waits for them when nothing else is left to do, and its schedule is not fully under control.
    """
    if subject.find("utils.database.crew") is None:
        yield
        return
    module, worker = subject.database.crew, subject.database.worker
    ours: list[Any] = []

    def made(crew: Any) -> Any:
        ours.append(module.Inbox(crew))
        return ours[-1]

    serve = module.Crew.serve

    def served(crew: Any, inbox: Any) -> None:
        if any(inbox is each for each in ours):
            loop.hop(inbox.empty)
        else:  # of a connection that an earlier run left to the collector
            serve(crew, inbox)

    with mock.patch.object(worker, "Inbox", made), mock.patch.object(module.Crew, "serve", served):
        try:
            yield
        finally:  # a thread would yet close the connections of callers that were cancelled
            while loop._hops:
                loop._hops.popleft()()
