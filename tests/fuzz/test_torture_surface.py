"""Torture reaches every async public function: found by looking at the package, held against what scenarios enter."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from fuzz import (
    test_database_torture,
    test_media_torture,
    test_monitoring_torture,
    test_network_torture,
    test_reliability_torture,
)
from fuzz.surface import entered, public_coroutines
from fuzz.torture import Tormentor
from harness.subject import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from harness.subject import Subject

SCENARIOS: list[Any] = [
    test_database_torture,
    test_media_torture,
    test_monitoring_torture,
    test_network_torture,
    test_reliability_torture,
]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed; the player's scenarios need it")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_every_async_function_is_tortured(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each async public function and method of the package is entered by a scenario that torture is applied to."""
    monkeypatch.setenv("YTDL_DOWNLOAD_DIR", str(tmp_path / "songs"))
    wanted = public_coroutines()
    reached: dict[Any, str] = {}
    for module in SCENARIOS:
        for name, play in module.plays(subject, tmp_path):
            with entered() as codes:
                play(Tormentor())
            reached |= dict.fromkeys(codes, f"{module.__name__}: {name}")
    assert len(wanted) > 100, f"the package has {len(wanted)} async functions"
    left_out = [name.removeprefix(f"{PACKAGE}.") for name, code in wanted.items() if code not in reached]
    assert left_out == []
