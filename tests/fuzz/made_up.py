"""Fuzzers made up for a project in miniature: what they are asked with, and one that always finds."""

OPTIONS = '''\
"""Options, and how a fuzzer answers them: whole, since the search may look at any moment."""

import json
from pathlib import Path

import pytest


def pytest_addoption(parser):
    """."""
    for name in ("counts", "failures", "reach", "order"):
        parser.addoption(f"--fuzz-{name}")


@pytest.fixture
def tell(request):
    """."""

    def write(option, content):
        place = Path(request.config.getoption(f"--fuzz-{option}"))
        beside = place.with_suffix(".new")
        beside.write_text(json.dumps(content), encoding="utf-8")
        beside.replace(place)

    return write
'''
FINDS = '''\
"""A fuzzer that tries seven times and always finds."""

from pathlib import Path


def test_finds(request, tell):
    """."""
    tell("counts", {"counter": 7})
    folder = Path(request.config.getoption("--fuzz-failures"))
    folder.mkdir(exist_ok=True)
    (folder / "finds-1.json").write_text("{}", encoding="utf-8")
'''
GOES_ON = FINDS.replace("from pathlib", "import threading\nfrom pathlib") + "    threading.Event().wait(60)\n"
"""The same, and then goes on for a minute."""
