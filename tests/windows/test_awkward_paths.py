"""Paths that trouble Windows: longer than 260 characters, spelled in another case, on no drive, named like a device."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import ffmpeg_exe
from harness import subject as subjects
from harness.parts.process import SLEEPER, Crowd
from harness.patch import PatchError, parse
from harness.project import HOME
from reference.cogs.music.requirements import missing_parts
from reference.utils.database import database as database_module
from reference.utils.database.database import Database
from reference.utils.reliability.process_table import BotIdentity, same_file

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOWS = pytest.mark.windows("the system's own behaviour is asked for")
LONGEST = 260
"""Characters of a path on a Windows, or in a program, that is not told of longer ones."""

PATCH = "--- a/utils/counter.py\n+++ b/utils/counter.py\n@@ -1 +1 @@\n-value = 1\n+value = 2\n"


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """A folder with a path that is too long for a Windows of old, and has spaces and letters of other scripts."""
    folder = tmp_path / ("a long name " * 7).strip() / ("ชื่อยาว" * 9) / ("x" * 90)
    folder.mkdir(parents=True)
    assert len(str(folder)) > LONGEST - 10
    return folder


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Child processes that end with the test."""
    with Crowd() as children:
        yield children


@pytest.mark.wine_fault("Path(p).resolve() of a folder with more than 260 characters fails with WinError 234")
def test_a_tree_far_down_is_copied_patched_and_imported(far: Path) -> None:
    """A tree is judged wherever it lies."""
    tree = far / "tree"
    (tree / "utils").mkdir(parents=True)
    (tree / "utils" / "counter.py").write_text("value = 1\n", encoding="utf-8")
    assert len(str(tree / "utils" / "counter.py")) > LONGEST
    copied = subjects.copy(subjects.locate(tree), far / "copy")
    parse(PATCH).apply(copied)
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == subjects.PACKAGE}
    subject = subjects.Subject(copied)
    subject.open()
    try:
        assert subject.counter.value == 2
        assert subject.owns(subject.counter.__file__)
    finally:
        subject.close()
        sys.modules.update(kept)


async def test_a_database_far_down_is_made_and_read(far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot's data may lie in any folder."""
    monkeypatch.setattr(Database, "_instance", None)
    monkeypatch.setattr(database_module, "EXPORT_DIR", far / "data" / "db_export")
    database = Database()
    database.db_path = str(far / "data" / "bot.db")
    assert len(database.db_path) > LONGEST
    await database.init_schema()
    await database.save_ai_message(1, 2, "user", "สวัสดี")
    assert await database.close_pool()
    assert "bot.db" in os.listdir(far / "data")  # noqa: PTH208  names alone are wanted


@WINDOWS
def test_one_file_in_two_spellings_is_one(tmp_path: Path) -> None:
    """Case, slashes, and the prefix that allows long names make no other file of it."""
    place = tmp_path / "Bot.py"
    place.touch()
    for spelling in (str(place).upper(), str(place).replace("\\", "/"), f"{tmp_path}\\.\\x\\..\\bot.PY"):
        assert same_file(place, spelling), spelling
    assert not same_file(place, tmp_path / "bot.pyw")


@WINDOWS
def test_a_bot_started_in_another_case_is_the_bot(tmp_path: Path, crowd: Crowd) -> None:
    """A command line that spells the path otherwise, as people type it there, names the same bot."""
    root = tmp_path / "My Bot"
    root.mkdir()
    (root / "bot.py").write_text(SLEEPER, encoding="utf-8")
    children = [
        crowd.python(str(root / "BOT.PY").upper(), cwd=tmp_path),
        crowd.python("my bot/Bot.py", cwd=tmp_path),
        crowd.python(".\\bot.py", cwd=root),
    ]
    for child in children:
        child.comes_up("a bot")
    found = {process.pid for process in BotIdentity(root).processes()}
    assert found == {child.pid for child in children}


def test_processes_that_may_not_be_read_are_no_bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own processes, which refuse every question, are passed over; the rest is listed."""

    class Hidden:
        pid = 4

        def __getattr__(self, name: str) -> object:
            def refuse() -> object:
                raise psutil.AccessDenied(self.pid)

            return refuse

    monkeypatch.setattr(psutil, "process_iter", lambda: iter([Hidden(), psutil.Process()]))
    assert BotIdentity(tmp_path).processes() == []


@pytest.mark.parametrize("path", ["C:/x.py", "//server/share/x.py", "\\\\server\\share\\x.py", "/x.py", "../x.py"])
def test_a_patch_stays_in_its_tree(path: str) -> None:
    """Drives, shares and climbing are refused on every platform alike."""
    with pytest.raises(PatchError, match="inside the tree"):
        parse(f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-1\n+2\n")


@WINDOWS
def test_programs_are_found_as_exe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ffmpeg.exe and ffprobe.exe on the PATH are what music needs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert {"ffmpeg", "ffprobe"} <= set(missing_parts())
    for name in ("ffmpeg.exe", "FFPROBE.EXE"):
        (tmp_path / name).write_bytes(Path(sys.executable).read_bytes())
    assert not {"ffmpeg", "ffprobe"} & set(missing_parts())


@WINDOWS
@pytest.mark.parametrize("program", ffmpeg_exe.PROGRAMS)
def test_music_is_tested_with_a_real_ffmpeg(program: str) -> None:
    """A program for Windows is found by its usual name, and runs."""
    answer = subprocess.run([program, "-version"], capture_output=True, check=True, text=True)
    assert answer.stdout.startswith(f"{program} version")


def test_the_project_has_no_name_that_windows_refuses() -> None:
    """No file of the project is named like a device, ends with a point or a space, or differs in case from another."""
    names = [place.relative_to(HOME).as_posix() for part in PARTS for place in (HOME / part).rglob("*")]
    assert names
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        for part in name.split("/"):
            assert not set(part) & set('<>:"\\|?*'), name
            assert part[-1] not in ". ", name
            assert part.partition(".")[0].upper() not in DEVICES, name
    assert max(map(len, names)) < LONGEST - 100, "with a folder of a user before it, a path would be too long"


PARTS = ("harness", "regressions", "fuzz", "reference", "localdiscord", "tests", "benchmarks", "docs")
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
