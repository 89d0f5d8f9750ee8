"""Files that somebody holds open: Windows neither replaces nor removes them, and nothing may be lost by that.

Elsewhere the system is made to refuse as Windows does, so that what follows is tested everywhere.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference.cogs.music.uploads import Uploads
from reference.utils.database.json_export import Exporter
from reference.utils.monitoring import audit_store
from reference.utils.monitoring.audit_store import AuditStore
from reference.utils.monitoring.log_lines import RotatingFile

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file open, as a reader, a virus scanner or a backup does."""
    if sys.platform == "win32":
        with path.open("rb"):
            yield
        return
    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "rename", "unlink"):
            patch.setattr(Path, name, _refusing(getattr(Path, name), path))
        yield


def _refusing(method: Any, kept: Path) -> Any:
    def refusing(path: Path, *arguments: Any, **options: Any) -> Any:
        if kept in (path, *arguments):
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(kept))
        return method(path, *arguments, **options)

    return refusing


async def test_an_export_waits_for_its_reader(tmp_path: Path) -> None:
    """A file that is being read stays whole, its next version stays due, and nothing is left beside it."""
    exporter, place = Exporter(lambda: tmp_path), tmp_path / "guild.json"
    place.write_text('{"version": 1}', encoding="utf-8")

    async def produced() -> Any:
        return {"version": 2}

    exporter.schedule(place.name, produced)
    with held(place):
        await exporter.flush()
        assert json.loads(place.read_bytes()) == {"version": 1}
        assert exporter.pending == [place.name]
    await exporter.flush()
    assert json.loads(place.read_bytes()) == {"version": 2}
    assert os.listdir(tmp_path) == [place.name]  # noqa: PTH208  names alone are wanted


def test_a_log_that_is_read_loses_no_line(tmp_path: Path) -> None:
    """A log file that cannot be put aside grows on, and is put aside later."""
    path = tmp_path / "bot.log"
    file = RotatingFile(path, largest=20)
    lines = [f"line {number:03}\n".encode() for number in range(12)]
    file.write(lines[0])
    with held(path):
        for line in lines[1:6]:
            file.write(line)
        file.flush()
        assert path.read_bytes() == b"".join(lines[:6])
    for line in lines[6:]:
        file.write(line)
    file.close()
    written = sorted(tmp_path.iterdir(), key=lambda place: place.name, reverse=True)
    assert len(written) > 1
    assert b"".join(place.read_bytes() for place in written) == b"".join(lines)


def test_an_upload_that_is_played_is_deleted_later(tmp_path: Path) -> None:
    """Dropping an upload that ffmpeg still reads raises nothing; the next sweep deletes it."""
    uploads, place = Uploads(tmp_path), tmp_path / "1.mp3"
    place.write_bytes(b"sound")
    with held(place.resolve()):
        uploads.drop([place.name])
        assert place.exists()
    uploads.sweep(set())
    assert not place.exists()


def test_an_audit_log_is_verified_while_it_is_written(tmp_path: Path) -> None:
    """One who verifies, in another thread or process, never makes an entry fail, nor the other way round."""
    store, done, found = AuditStore(tmp_path / "audit.db"), threading.Event(), []
    store.append("{}")

    def verify() -> None:
        while not done.is_set():
            found.append(store.verify().ok)

    reader = threading.Thread(target=verify)
    reader.start()
    try:
        for number in range(30):
            store.append(json.dumps({"number": number}))
    finally:
        done.set()
        reader.join()
    assert found
    assert all(found)
    assert store.verify().entries == 31


def test_an_anchor_that_is_read_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry is stored and anchored although somebody has the anchor open when it is written."""
    monkeypatch.setattr(audit_store, "OPEN_ELSEWHERE", 20.0)
    store = AuditStore(tmp_path / "audit.db")
    store.append("{}")
    opened, release = threading.Event(), threading.Event()

    def read() -> None:
        with held(store.anchor_path):
            opened.set()
            release.wait(20)

    reader = threading.Thread(target=read)
    reader.start()
    assert opened.wait(20)
    monkeypatch.setattr("time.sleep", lambda _seconds: release.set())
    store.append('{"second": true}')
    reader.join()
    assert store.verify().ok
    assert json.loads(store.anchor_path.read_bytes())["number"] == 2
