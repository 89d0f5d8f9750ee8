"""The bot's database: one facade over the pool, the schema and what is stored, subject by subject."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from .ai_history import AIHistory
from .audit_trail import AuditTrail
from .guild_settings import GuildSettings, UnknownSettingError
from .json_export import Exporter
from .migrations import run_migrations
from .music_queue import MusicQueue
from .pool import Pool, PoolTimeoutError
from .user_stats import UnknownStatError, UserStats

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from .connection import Connection
    from .slots import Slots

__all__ = [
    "DB_DIR",
    "DB_FILE",
    "EXPORT_DIR",
    "Database",
    "PoolTimeoutError",
    "UnknownSettingError",
    "UnknownStatError",
    "db",
    "init_database",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")

DB_DIR = Path("data")
"""The folder of the database, in the working directory; made when it is needed."""

DB_FILE = DB_DIR / "bot_database.db"
"""The database of a bot that says nothing else."""

EXPORT_DIR = DB_DIR / "db_export"
"""The folder of the JSON files."""

HEALTH_SECONDS = 5.0
"""How long a healthy database may take to answer."""

CLOSE_SECONDS = 10.0
"""How long closing may take."""


class Database(GuildSettings, UserStats, AIHistory, MusicQueue, AuditTrail):
    """The database of this process: `Database()` is the same object everywhere, until `Database._instance` is reset.

    It is made without touching the disk. Tables are made or brought up to date at the first use.

    Attributes:
        db_path: the file; read whenever a connection is opened or lent, so it may be set before the first use.
    """

    _instance: Database | None = None
    _making = threading.Lock()

    db_path: str
    _pool: Pool
    _exporter: Exporter
    _ready_path: str | None
    _readying: asyncio.Task[None] | None

    def __new__(cls) -> Self:
        """Return the database of the process, made by the first who asks, whatever thread that is."""
        with cls._making:
            if not isinstance(cls._instance, cls):
                made = super().__new__(cls)
                made._prepare()
                cls._instance = made
            return cls._instance

    def _prepare(self) -> None:
        self.db_path = str(DB_FILE)
        self._pool = Pool(lambda: self.db_path)
        self._exporter = Exporter(lambda: Path(EXPORT_DIR))
        self._ready_path = None
        self._readying = None

    @property
    def exporter(self) -> Exporter:
        """What writes the JSON files."""
        return self._exporter

    async def init_schema(self) -> None:
        """Make the tables, or bring them up to date; does nothing where they are.

        Raises:
            MigrationError: they cannot be brought up to date.
            sqlite3.Error: the file cannot be opened.
        """
        path = self.db_path
        async with self.get_connection() as connection:
            await run_migrations(connection)
        self._ready_path = path

    async def _make_ready(self) -> None:
        """Make the tables once for all callers of this loop who come before they are there."""
        loop = asyncio.get_running_loop()
        task = self._readying
        if task is None or task.done() or task.get_loop() is not loop:
            task = self._readying = loop.create_task(self.init_schema())
        await asyncio.shield(task)

    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of reading on a connection of the pool, in one thread hop."""
        if self._ready_path != self.db_path:
            await self._make_ready()
        return await self._pool.read(unit)

    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of work in one transaction and one thread hop; writes take place in the order of the calls."""
        if self._ready_path != self.db_path:
            await self._make_ready()
        return await self._pool.write(unit)

    def get_connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection to the body of an `async with`.

        What the body wrote is committed when it ends well, and undone when it raises or is cancelled.

        Raises:
            PoolTimeoutError: no connection came back in time.
            sqlite3.Error: none could be opened, or what was written could not be committed.
        """
        return self._pool.lend()

    def get_connection_with_retry(self, max_retries: int = 3) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection of the same pool, and try again where it cannot be opened (audit findings F01, F07).

        Only getting the connection is tried again. The body runs once, and its exception arrives as it is.

        Args:
            max_retries: how often to try in all.

        Raises:
            sqlite3.OperationalError: the last attempt failed too.
        """
        return self._pool.lend(attempts=max(1, max_retries))

    def _get_pool_semaphore(self) -> Slots:
        """Return the slots of the pool, there from the beginning and for every event loop (audit finding F01)."""
        return self._pool.slots

    @property
    def _connection_count(self) -> int:
        """How many connections are lent out (audit finding F06)."""
        return self._pool.out

    async def _reinitialize_pool(self) -> None:
        """Use new connections from here on, without waiting for those that are out (audit finding F06)."""
        await self._pool.reinitialize()

    async def health_check(self) -> bool:
        """Tell whether the database answers in time."""
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                return bool(await self._pool.read(lambda raw: raw.execute("SELECT 1").fetchone()[0] == 1))
        except (sqlite3.Error, OSError) as error:
            logger.warning("the database does not answer: %s", str(error) or type(error).__name__)
            return False

    async def flush_pending_exports(self) -> None:
        """Write the JSON files that are due."""
        await self._exporter.settle()

    async def export_guild_settings(self, guild_id: int) -> None:
        """Write the settings of a guild to a JSON file soon."""
        name = f"guild_settings_{int(guild_id)}.json"
        self._exporter.schedule(name, partial(self.get_guild_settings, guild_id))

    async def close_pool(self, timeout: float = CLOSE_SECONDS) -> bool:  # noqa: ASYNC109  of the whole, files included
        """Write what is due and close all connections; the database may be used again afterwards.

        Args:
            timeout: seconds; a connection that is out then is closed when it comes back.

        Returns:
            Whether everything was closed in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        try:
            async with asyncio.timeout(timeout / 2):
                await self._exporter.settle()
        except TimeoutError:
            logger.warning("not written in time: %s", ", ".join(self._exporter.pending))
        return await self._pool.close(max(0.0, deadline - loop.time()))

    def __repr__(self) -> str:
        return f"<Database {self.db_path} {self._pool!r}>"


db = Database()
"""The database of the process."""


def init_database() -> Database:
    """Make the folders of the database and of the JSON files, and return the database of the process."""
    database = Database()
    for folder in (Path(database.db_path).parent, Path(EXPORT_DIR)):
        folder.mkdir(parents=True, exist_ok=True)
    return database
