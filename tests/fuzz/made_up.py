"""Fuzzers made up for a project in miniature: what they are asked with, and one that always finds."""

OPTIONS = '''\
"""Options."""


def pytest_addoption(parser):
    """."""
    for name in ("counts", "failures", "reach", "order"):
        parser.addoption(f"--fuzz-{name}")
'''
FINDS = '''\
"""A fuzzer that tries seven times and always finds."""

import json
from pathlib import Path


def test_finds(request):
    """."""
    counts = Path(request.config.getoption("--fuzz-counts"))
    beside = counts.with_suffix(".new")  # the search may look at any moment
    beside.write_text(json.dumps({"counter": 7}), encoding="utf-8")
    beside.replace(counts)
    folder = Path(request.config.getoption("--fuzz-failures"))
    folder.mkdir(exist_ok=True)
    (folder / "finds-1.json").write_text("{}", encoding="utf-8")
'''
GOES_ON = FINDS.replace("import json\n", "import json\nimport threading\n") + "    threading.Event().wait(60)\n"
"""The same, and then goes on for a minute."""
